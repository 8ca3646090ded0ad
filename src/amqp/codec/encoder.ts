import { AmqpArray, AmqpDescribed, AmqpMap, AmqpSymbol, AmqpTyped, type AmqpValue } from './values';

/** Grows as needed; written to in AMQP's type encodings (part 1.6), each value in its shortest form. */
export class ValueEncoder {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  /** What was written; the encoder is not used any more. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(count: number): number {
    const at = this.#length;
    if (at + count > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, at + count));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    this.#length = at + count;
    return at;
  }

  /** The buffer after room for `count` bytes was made at its end. */
  #reserve(count: number): Buffer {
    this.#room(count);
    return this.#bytes;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#bytes[at] = value;
    return this;
  }

  raw(bytes: Buffer): this {
    const at = this.#room(bytes.length);
    bytes.copy(this.#bytes, at);
    return this;
  }

  /** Descriptor of a type of the specification itself. */
  descriptor(code: number): this {
    return this.u8(0).u8(0x53).u8(code);
  }

  value(value: AmqpValue): this {
    if (value === null) return this.u8(0x40);
    switch (typeof value) {
      case 'boolean':
        return this.u8(value ? 0x41 : 0x42);
      case 'string':
        return this.#variable(0xa1, Buffer.from(value));
      case 'number':
        return Number.isInteger(value) ? this.#long(value) : this.#typed(new AmqpTyped('double', value));
      case 'bigint':
        return this.#long(value);
      default:
        break;
    }
    if (Buffer.isBuffer(value)) return this.#variable(0xa0, value);
    if (value instanceof Date)
      return this.#wide(0x83, (at) => this.#bytes.writeBigInt64BE(BigInt(value.getTime()), at));
    if (value instanceof AmqpSymbol) return this.#variable(0xa3, Buffer.from(value.value, 'latin1'));
    if (value instanceof AmqpTyped) return this.#typed(value);
    if (value instanceof AmqpDescribed) return this.u8(0).value(value.descriptor).value(value.value);
    if (value instanceof AmqpMap) return this.map(value);
    if (value instanceof AmqpArray) return this.#array(value);
    return this.list(value as readonly AmqpValue[]);
  }

  #wide(code: number, write: (at: number) => void): this {
    this.u8(code);
    write(this.#room(8));
    return this;
  }

  #long(value: number | bigint): this {
    if (value >= -128 && value <= 127) {
      this.u8(0x55);
      this.#reserve(1).writeInt8(Number(value), this.#length - 1);
      return this;
    }
    return this.#wide(0x81, (at) => this.#bytes.writeBigInt64BE(BigInt(value), at));
  }

  #variable(code: number, bytes: Buffer): this {
    if (bytes.length < 256) return this.u8(code).u8(bytes.length).raw(bytes);
    this.u8(code | 0x10);
    const at = this.#room(4);
    this.#bytes.writeUInt32BE(bytes.length, at);
    return this.raw(bytes);
  }

  /** A uint in its shortest form. */
  uint(value: number): this {
    if (value === 0) return this.u8(0x43);
    if (value < 256) return this.u8(0x52).u8(value);
    this.u8(0x70);
    const at = this.#room(4);
    this.#bytes.writeUInt32BE(value, at);
    return this;
  }

  #typed({ type, value }: AmqpTyped): this {
    switch (type) {
      case 'uint':
        return this.uint(Number(value));
      case 'ulong':
        if (value === 0) return this.u8(0x44);
        if (Number(value) < 256) return this.u8(0x53).u8(Number(value));
        break;
      case 'int':
        if (Number(value) >= -128 && Number(value) <= 127) return this.#fixed(0x54, value);
        break;
      default:
        break;
    }
    return this.#fixed(TYPE_CODE[type], value);
  }

  /** The element of a fixed-width type: constructor and value. */
  #fixed(code: number, value: number | bigint | Buffer): this {
    return this.u8(code).#element(code, value);
  }

  /** A value of a type without its constructor, as arrays hold it. */
  #element(code: number, value: AmqpValue): this {
    const plain = value instanceof AmqpTyped ? value.value : value;
    switch (code) {
      case 0x40:
      case 0x41:
      case 0x42:
      case 0x43:
      case 0x44:
      case 0x45:
        return this;
      case 0x56:
        return this.u8(plain === true ? 1 : 0);
      case 0x50:
      case 0x52:
      case 0x53:
        return this.u8(Number(plain));
      case 0x51:
      case 0x54:
      case 0x55:
        this.#reserve(1).writeInt8(Number(plain), this.#length - 1);
        return this;
      case 0x60:
        this.#reserve(2).writeUInt16BE(Number(plain), this.#length - 2);
        return this;
      case 0x61:
        this.#reserve(2).writeInt16BE(Number(plain), this.#length - 2);
        return this;
      case 0x70:
      case 0x73:
        this.#reserve(4).writeUInt32BE(Number(plain), this.#length - 4);
        return this;
      case 0x71:
        this.#reserve(4).writeInt32BE(Number(plain), this.#length - 4);
        return this;
      case 0x72:
        this.#reserve(4).writeFloatBE(Number(plain), this.#length - 4);
        return this;
      case 0x80:
        this.#reserve(8).writeBigUInt64BE(BigInt(plain as number | bigint), this.#length - 8);
        return this;
      case 0x81:
        this.#reserve(8).writeBigInt64BE(BigInt(plain as number | bigint), this.#length - 8);
        return this;
      case 0x82:
        this.#reserve(8).writeDoubleBE(Number(plain), this.#length - 8);
        return this;
      case 0x83:
        this.#reserve(8).writeBigInt64BE(msOf(plain), this.#length - 8);
        return this;
      case 0x74:
      case 0x84:
      case 0x94:
      case 0x98:
        return this.raw(plain as Buffer);
      case 0xa0:
      case 0xa1:
      case 0xa3:
        return this.u8(bytesOf(plain).length).raw(bytesOf(plain));
      case 0xb0:
      case 0xb1:
      case 0xb3: {
        const bytes = bytesOf(plain);
        const at = this.#room(4);
        this.#bytes.writeUInt32BE(bytes.length, at);
        return this.raw(bytes);
      }
      default:
        return this.#compoundElement(code, plain);
    }
  }

  #compoundElement(code: number, value: AmqpValue): this {
    const body = new ValueEncoder();
    let count: number;
    if (value instanceof AmqpMap) {
      for (const [key, item] of value) body.value(key).value(item);
      count = value.size * 2;
    } else if (value instanceof AmqpArray) {
      body.#arrayBody(value);
      count = value.items.length;
    } else {
      const items = value as readonly AmqpValue[];
      for (const item of items) body.value(item);
      count = items.length;
    }
    return this.#sized(code >= 0xd0 && code !== 0xe0, body.take(), count);
  }

  #sized(wide: boolean, body: Buffer, count: number): this {
    if (!wide)
      return this.u8(body.length + 1)
        .u8(count)
        .raw(body);
    const at = this.#room(8);
    this.#bytes.writeUInt32BE(body.length + 4, at);
    this.#bytes.writeUInt32BE(count, at + 4);
    return this.raw(body);
  }

  #compound(narrow: number, wide: number, body: Buffer, count: number): this {
    const large = body.length > 254 || count > 255;
    return this.u8(large ? wide : narrow).#sized(large, body, count);
  }

  list(items: readonly AmqpValue[]): this {
    if (items.length === 0) return this.u8(0x45);
    const body = new ValueEncoder();
    for (const item of items) body.value(item);
    return this.#compound(0xc0, 0xd0, body.take(), items.length);
  }

  map(map: AmqpMap): this {
    const body = new ValueEncoder();
    for (const [key, value] of map) body.value(key).value(value);
    return this.#compound(0xc1, 0xd1, body.take(), map.size * 2);
  }

  #array(array: AmqpArray): this {
    const body = new ValueEncoder();
    body.#arrayBody(array);
    return this.#compound(0xe0, 0xf0, body.take(), array.items.length);
  }

  #arrayBody({ typeCode, items, descriptor }: AmqpArray): void {
    if (descriptor !== undefined) this.u8(0).value(descriptor);
    this.u8(typeCode);
    for (const item of items) this.#element(typeCode, item);
  }
}

function msOf(value: AmqpValue): bigint {
  return BigInt(value instanceof Date ? value.getTime() : (value as number | bigint));
}

function bytesOf(value: AmqpValue): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return value instanceof AmqpSymbol ? Buffer.from(value.value, 'latin1') : Buffer.from(value as string);
}

const TYPE_CODE: Readonly<Record<AmqpTyped['type'], number>> = {
  ubyte: 0x50,
  ushort: 0x60,
  uint: 0x70,
  ulong: 0x80,
  byte: 0x51,
  short: 0x61,
  int: 0x71,
  float: 0x72,
  double: 0x82,
  char: 0x73,
  timestamp: 0x83,
  uuid: 0x98,
  decimal32: 0x74,
  decimal64: 0x84,
  decimal128: 0x94,
};

export function encodeValue(value: AmqpValue): Buffer {
  return new ValueEncoder().value(value).take();
}
