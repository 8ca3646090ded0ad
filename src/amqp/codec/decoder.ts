import { DecodeError } from '../errors';
import { AmqpArray, AmqpDescribed, AmqpMap, type AmqpSymbol, AmqpTyped, sym, type AmqpValue } from './values';

const DEPTH_MAX = 32;
/** Elements a value may have that take no bytes of their own (nulls, booleans, zeros in arrays), beside one per byte. */
const FREE_ELEMENTS_MAX = 256;

/** Where a decoded value ends. */
export interface Decoded {
  readonly value: AmqpValue;
  readonly end: number;
}

/**
 * Decodes one value. Costs at most a small multiple of its bytes: nesting and the number of elements are bounded.
 * @param elementsMax the most elements of all its lists, maps and arrays together
 * @throws DecodeError
 */
export function decodeValue(bytes: Buffer, at: number, end: number, elementsMax = Infinity): Decoded {
  const decoder = new ValueDecoder(bytes, at, end, elementsMax);
  const value = decoder.value(0);
  return { value, end: decoder.at };
}

class ValueDecoder {
  #elements: number;

  constructor(
    private readonly bytes: Buffer,
    public at: number,
    private readonly end: number,
    elementsMax: number,
  ) {
    this.#elements = Math.min(end - at + FREE_ELEMENTS_MAX, elementsMax);
  }

  value(depth: number): AmqpValue {
    const code = this.#u8();
    if (code !== 0) return this.#plain(code, depth);
    if (depth >= DEPTH_MAX) throw new DecodeError(`values nested more than ${DEPTH_MAX} deep`);
    const descriptor = this.value(depth + 1);
    return new AmqpDescribed(descriptor, this.value(depth + 1));
  }

  #need(count: number): number {
    const { at } = this;
    if (count > this.end - at) throw new DecodeError(`value of ${count} bytes where ${this.end - at} are left`);
    this.at = at + count;
    return at;
  }

  #u8(): number {
    return this.bytes[this.#need(1)] as number;
  }

  #u32(): number {
    return this.bytes.readUInt32BE(this.#need(4));
  }

  #count(elements: number): void {
    this.#elements -= elements;
    if (this.#elements < 0) throw new DecodeError('more elements than are taken');
  }

  #span(length: number): Buffer {
    const at = this.#need(length);
    return this.bytes.subarray(at, at + length);
  }

  #copy(length: number): Buffer {
    return Buffer.from(this.#span(length));
  }

  #utf8(length: number): string {
    const span = this.#span(length);
    try {
      return UTF8.decode(span);
    } catch (error) {
      throw new DecodeError(`string that is no UTF-8 (${String(error)})`);
    }
  }

  #symbol(length: number): AmqpSymbol {
    return sym(this.#span(length).toString('latin1'));
  }

  #plain(code: number, depth: number): AmqpValue {
    const { bytes } = this;
    switch (code) {
      case 0x40:
        return null;
      case 0x41:
        return true;
      case 0x42:
        return false;
      case 0x56:
        return this.#u8() !== 0;
      case 0x50:
        return new AmqpTyped('ubyte', this.#u8());
      case 0x51:
        return new AmqpTyped('byte', bytes.readInt8(this.#need(1)));
      case 0x60:
        return new AmqpTyped('ushort', bytes.readUInt16BE(this.#need(2)));
      case 0x61:
        return new AmqpTyped('short', bytes.readInt16BE(this.#need(2)));
      case 0x43:
        return new AmqpTyped('uint', 0);
      case 0x52:
        return new AmqpTyped('uint', this.#u8());
      case 0x70:
        return new AmqpTyped('uint', this.#u32());
      case 0x54:
        return new AmqpTyped('int', bytes.readInt8(this.#need(1)));
      case 0x71:
        return new AmqpTyped('int', bytes.readInt32BE(this.#need(4)));
      case 0x44:
        return new AmqpTyped('ulong', 0);
      case 0x53:
        return new AmqpTyped('ulong', this.#u8());
      case 0x80:
        return new AmqpTyped('ulong', safe(bytes.readBigUInt64BE(this.#need(8))));
      case 0x55:
        return bytes.readInt8(this.#need(1));
      case 0x81:
        return safe(bytes.readBigInt64BE(this.#need(8)));
      case 0x72:
        return new AmqpTyped('float', bytes.readFloatBE(this.#need(4)));
      case 0x82:
        return new AmqpTyped('double', bytes.readDoubleBE(this.#need(8)));
      case 0x73:
        return new AmqpTyped('char', this.#u32());
      case 0x83:
        return timestamp(bytes.readBigInt64BE(this.#need(8)));
      case 0x74:
        return new AmqpTyped('decimal32', this.#copy(4));
      case 0x84:
        return new AmqpTyped('decimal64', this.#copy(8));
      case 0x94:
        return new AmqpTyped('decimal128', this.#copy(16));
      case 0x98:
        return new AmqpTyped('uuid', this.#copy(16));
      case 0xa0:
        return this.#copy(this.#u8());
      case 0xb0:
        return this.#copy(this.#u32());
      case 0xa1:
        return this.#utf8(this.#u8());
      case 0xb1:
        return this.#utf8(this.#u32());
      case 0xa3:
        return this.#symbol(this.#u8());
      case 0xb3:
        return this.#symbol(this.#u32());
      default:
        return this.#compound(code, depth);
    }
  }

  #compound(code: number, depth: number): AmqpValue {
    if (depth >= DEPTH_MAX) throw new DecodeError(`values nested more than ${DEPTH_MAX} deep`);
    switch (code) {
      case 0x45:
        return [];
      case 0xc0:
        return this.#within(this.#u8(), 1, (count) => this.#items(count, depth + 1));
      case 0xd0:
        return this.#within(this.#u32(), 4, (count) => this.#items(count, depth + 1));
      case 0xc1:
        return this.#within(this.#u8(), 1, (count) => this.#map(count, depth + 1));
      case 0xd1:
        return this.#within(this.#u32(), 4, (count) => this.#map(count, depth + 1));
      case 0xe0:
        return this.#within(this.#u8(), 1, (count) => this.#array(count, depth + 1));
      case 0xf0:
        return this.#within(this.#u32(), 4, (count) => this.#array(count, depth + 1));
      default:
        throw new DecodeError(`unknown type constructor 0x${code.toString(16)}`);
    }
  }

  /** Reads the count of a compound of `size` bytes and its body, which must take exactly that many. */
  #within<T>(size: number, width: 1 | 4, body: (count: number) => T): T {
    const until = this.at + size;
    if (size < width || until > this.end) throw new DecodeError(`compound of ${size} bytes passes its end`);
    const result = body(width === 1 ? this.#u8() : this.#u32());
    if (this.at !== until)
      throw new DecodeError(`compound of ${size} bytes, its elements take ${this.at - until + size}`);
    return result;
  }

  #items(count: number, depth: number): AmqpValue[] {
    this.#count(count);
    const items: AmqpValue[] = [];
    for (let n = 0; n < count; n++) items.push(this.value(depth));
    return items;
  }

  #map(count: number, depth: number): AmqpMap {
    if (count % 2 !== 0) throw new DecodeError(`map of ${count} elements, expected an even number`);
    this.#count(count);
    const map = new AmqpMap();
    for (let n = 0; n < count; n += 2) {
      const key = this.value(depth);
      map.set(key, this.value(depth));
    }
    return map;
  }

  #array(count: number, depth: number): AmqpArray {
    this.#count(count);
    let code = this.#u8();
    let descriptor: AmqpValue | undefined;
    if (code === 0) {
      descriptor = this.value(depth);
      code = this.#u8();
      if (code === 0) throw new DecodeError('array of doubly described elements');
    }
    const items: AmqpValue[] = [];
    for (let n = 0; n < count; n++) items.push(this.#plain(code, depth));
    return new AmqpArray(code, items, descriptor);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What a Date can hold, ms either side of the epoch. */
const DATE_MS_MAX = 8_640_000_000_000_000n;

function timestamp(ms: bigint): Date | AmqpTyped {
  return ms > DATE_MS_MAX || ms < -DATE_MS_MAX ? new AmqpTyped('timestamp', ms) : new Date(Number(ms));
}

function safe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
