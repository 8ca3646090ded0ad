import { malformed } from './errors';
import { checkText } from './text';

/** Reads the fields of a packet one after the other (1.5). For packets that are rare. */
export class Fields {
  constructor(
    readonly bytes: Buffer,
    public at: number,
    readonly end: number,
  ) {}

  get left(): number {
    return this.end - this.at;
  }

  #take(count: number, what: string): number {
    const { at } = this;
    if (at + count > this.end) throw malformed(`the packet ends within ${what}`);
    this.at = at + count;
    return at;
  }

  u8(what: string): number {
    return this.bytes[this.#take(1, what)] as number;
  }

  u16(what: string): number {
    return this.bytes.readUInt16BE(this.#take(2, what));
  }

  u32(what: string): number {
    return this.bytes.readUInt32BE(this.#take(4, what));
  }

  /** A variable byte integer (1.5.5) in its shortest form, [MQTT-1.5.5-1]. */
  varint(what: string): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8(what);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0) throw malformed(`${what} has more bytes than it needs`);
      return value;
    }
    throw malformed(`${what} has more than four bytes`);
  }

  text(what: string): string {
    const length = this.u16(what);
    const start = this.#take(length, what);
    checkText(this.bytes, start, start + length, what);
    return this.bytes.toString('utf8', start, start + length);
  }

  /** Copied. */
  binary(what: string): Buffer {
    const length = this.u16(what);
    const start = this.#take(length, what);
    return Buffer.from(this.bytes.subarray(start, start + length));
  }

  /** The fields of the next `length` bytes. */
  within(length: number, what: string): Fields {
    const start = this.#take(length, what);
    return new Fields(this.bytes, start, start + length);
  }

  done(what: string): void {
    if (this.at < this.end) throw malformed(`${what} has ${this.end - this.at} bytes too many`);
  }
}
