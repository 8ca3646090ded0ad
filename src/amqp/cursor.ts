import { DecodeError } from './errors';
import { SYMBOLIC_CODE } from './constants';

/**
 * Reads the fields of a performative in place: one object per connection, no allocation per frame or field (part 1.6, 1.4).
 * A field past the end of the list, or null, yields its default.
 */
export class Cursor {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;
  /** Fields left in the list. */
  #left = 0;
  /** Bounds of the last binary or of the last skipped value. */
  spanStart = 0;
  spanEnd = 0;

  /** Reads a descriptor; @returns its code, or -1 when it is none of ours */
  descriptor(bytes: Buffer, start: number, end: number): number {
    this.bytes = bytes;
    this.end = end;
    if (end - start < 3 || bytes[start] !== 0) throw new DecodeError('frame body is no described type');
    const constructor = bytes[start + 1] as number;
    if (constructor === 0x53) {
      this.at = start + 3;
      return bytes[start + 2] as number;
    }
    return this.#longDescriptor(constructor, start + 2);
  }

  #longDescriptor(constructor: number, at: number): number {
    if (constructor === 0x80 && at + 8 <= this.end) {
      this.at = at + 8;
      return this.bytes.readUInt32BE(at) === 0 ? this.bytes.readUInt32BE(at + 4) : -1;
    }
    if (constructor === 0x44) {
      this.at = at;
      return 0;
    }
    if (constructor === 0xa3 && at < this.end) {
      const length = this.bytes[at] as number;
      this.at = at + 1 + length;
      if (this.at > this.end) throw new DecodeError('descriptor symbol passes the end of the frame');
      return SYMBOLIC_CODE.get(this.bytes.toString('latin1', at + 1, this.at)) ?? -1;
    }
    return -1;
  }

  /** Enters the list of fields after a descriptor. */
  list(): void {
    const { bytes, at, end } = this;
    if (at >= end) throw new DecodeError('performative without a list');
    const constructor = bytes[at] as number;
    let size: number;
    if (constructor === 0xc0 && at + 3 <= end) {
      size = (bytes[at + 1] as number) - 1;
      this.#left = bytes[at + 2] as number;
      this.at = at + 3;
    } else if (constructor === 0xd0 && at + 9 <= end) {
      size = bytes.readUInt32BE(at + 1) - 4;
      this.#left = bytes.readUInt32BE(at + 5);
      this.at = at + 9;
    } else if (constructor === 0x45) {
      size = 0;
      this.#left = 0;
      this.at = at + 1;
    } else throw new DecodeError(`performative is no list but 0x${constructor.toString(16)}`);
    if (size < 0 || size > end - this.at) throw new DecodeError('list of a performative passes the end of its frame');
    this.end = this.at + size;
  }

  #typeCode(): number {
    if (this.#left === 0) return 0x40;
    this.#left--;
    if (this.at >= this.end) throw new DecodeError('list of a performative is shorter than its count');
    return this.bytes[this.at++] as number;
  }

  #need(bytes: number): number {
    const at = this.at;
    if (bytes > this.end - at) throw new DecodeError('field passes the end of its list');
    this.at = at + bytes;
    return at;
  }

  /** A uint; `absent` when null. */
  uint(field: string, absent: number): number {
    const constructor = this.#typeCode();
    if (constructor === 0x52) return this.bytes[this.#need(1)] as number;
    if (constructor === 0x43) return 0;
    if (constructor === 0x70) {
      const at = this.#need(4);
      const { bytes } = this;
      return (
        (((bytes[at] as number) << 24) |
          ((bytes[at + 1] as number) << 16) |
          ((bytes[at + 2] as number) << 8) |
          (bytes[at + 3] as number)) >>>
        0
      );
    }
    if (constructor === 0x40) return absent;
    throw wrongType(field, 'uint', constructor);
  }

  /** A uint that must be there. */
  uintRequired(field: string): number {
    const value = this.uint(field, -1);
    if (value < 0) throw new DecodeError(`mandatory field ${field} is missing`);
    return value;
  }

  boolean(field: string, absent: boolean): boolean {
    const constructor = this.#typeCode();
    if (constructor === 0x42) return false;
    if (constructor === 0x41) return true;
    if (constructor === 0x40) return absent;
    if (constructor === 0x56) return this.bytes[this.#need(1)] !== 0;
    throw wrongType(field, 'boolean', constructor);
  }

  /** A boolean that must be there. */
  booleanRequired(field: string): boolean {
    if (this.#left === 0 || this.bytes[this.at] === 0x40) throw new DecodeError(`mandatory field ${field} is missing`);
    return this.boolean(field, false);
  }

  /** A ubyte; `absent` when null. */
  ubyte(field: string, absent: number): number {
    const constructor = this.#typeCode();
    if (constructor === 0x50) return this.bytes[this.#need(1)] as number;
    if (constructor === 0x40) return absent;
    throw wrongType(field, 'ubyte', constructor);
  }

  /** A binary, told by `spanStart` and `spanEnd`; @returns false when null */
  binary(field: string): boolean {
    const constructor = this.#typeCode();
    if (constructor === 0x40) return false;
    let length: number;
    if (constructor === 0xa0) length = this.bytes[this.#need(1)] as number;
    else if (constructor === 0xb0) length = this.bytes.readUInt32BE(this.#need(4));
    else throw wrongType(field, 'binary', constructor);
    this.spanStart = this.#need(length);
    this.spanEnd = this.at;
    return true;
  }

  /** Any value, told by its span and not looked into; @returns false when null */
  value(): boolean {
    this.spanStart = this.at;
    const constructor = this.#typeCode();
    if (constructor === 0x40) return false;
    this.#skip(constructor, 0);
    this.spanEnd = this.at;
    return true;
  }

  #skip(constructor: number, depth: number): void {
    if (depth > 4) throw new DecodeError('descriptors nested too deeply');
    if (constructor === 0) {
      for (let part = 0; part < 2; part++) this.#skip(this.bytes[this.#need(1)] as number, depth + 1);
      return;
    }
    const category = constructor >>> 4;
    if (category >= 4 && category <= 9) this.#need(FIXED_WIDTH[category - 4] as number);
    else if (category === 0xa || category === 0xc || category === 0xe) this.#need(this.bytes[this.#need(1)] as number);
    else if (category === 0xb || category === 0xd || category === 0xf)
      this.#need(this.bytes.readUInt32BE(this.#need(4)));
    else throw new DecodeError(`unknown type constructor 0x${constructor.toString(16)}`);
  }
}

/** Widths of the fixed-width categories 0x4x to 0x9x (part 1.2). */
const FIXED_WIDTH = [0, 1, 2, 4, 8, 16];

function wrongType(field: string, expected: string, constructor: number): DecodeError {
  return new DecodeError(`field ${field} is of type 0x${constructor.toString(16)}, expected ${expected}`);
}
