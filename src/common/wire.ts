import { FairleadError } from './errors';

/** A mesh frame of a peer node does not decode: it is dropped and counted, and the link that brought it is reset. */
export class WireError extends FairleadError {
  constructor(message: string) {
    super('FL_WIRE', message, { condition: 'amqp:decode-error' });
  }
}

/**
 * Writes the mesh's own frames (between nodes, inside AMQP transfers) into one growing buffer.
 * Numbers are big-endian. `take()` hands the bytes out; the writer starts a fresh buffer.
 */
export class WireWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(initialBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  #reserve(bytes: number): number {
    const at = this.#length;
    if (at + bytes > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, at + bytes));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    this.#length = at + bytes;
    return at;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#buffer[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16BE(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
    return this;
  }

  /** Unsigned, below 2^48: sequence numbers and times. */
  u48(value: number): this {
    const at = this.#reserve(6);
    this.#buffer.writeUIntBE(value, at, 6);
    return this;
  }

  /** Unsigned, below 2^53: incarnations. */
  u53(value: number): this {
    const at = this.#reserve(8);
    this.#buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
    this.#buffer.writeUInt32BE(value % 0x1_0000_0000, at + 4);
    return this;
  }

  /** UTF-8 text of at most 65,535 bytes behind its u16 length. */
  text(value: string): this {
    const bytes = Buffer.byteLength(value);
    this.u16(bytes);
    const at = this.#reserve(bytes);
    this.#buffer.write(value, at);
    return this;
  }

  /** Bytes behind their u32 length. */
  blob(value: Uint8Array): this {
    this.u32(value.length);
    return this.raw(value);
  }

  raw(value: Uint8Array): this {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
    return this;
  }

  /** Overwrites a u16 written before. */
  patchU16(at: number, value: number): void {
    this.#buffer.writeUInt16BE(value, at);
  }

  /** Overwrites a u32 written before. */
  patchU32(at: number, value: number): void {
    this.#buffer.writeUInt32BE(value, at);
  }

  take(): Buffer {
    const out = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(256);
    this.#length = 0;
    return out;
  }
}

/**
 * Reads what {@link WireWriter} wrote from `[start, end)` of a buffer.
 * @throws WireError on every read past the end, naming what was expected
 */
export class WireReader {
  #at: number;

  constructor(
    private readonly buffer: Buffer,
    start = 0,
    private readonly end = buffer.length,
  ) {
    this.#at = start;
  }

  get offset(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.end - this.#at;
  }

  #take(bytes: number, what: string): number {
    const at = this.#at;
    if (bytes > this.end - at) throw new WireError(`mesh frame ends at byte ${this.end} inside ${what} at ${at}`);
    this.#at = at + bytes;
    return at;
  }

  u8(): number {
    return this.buffer.readUInt8(this.#take(1, 'u8'));
  }

  u16(): number {
    return this.buffer.readUInt16BE(this.#take(2, 'u16'));
  }

  u32(): number {
    return this.buffer.readUInt32BE(this.#take(4, 'u32'));
  }

  u48(): number {
    return this.buffer.readUIntBE(this.#take(6, 'u48'), 6);
  }

  u53(): number {
    const at = this.#take(8, 'u53');
    const high = this.buffer.readUInt32BE(at);
    if (high >= 0x20_0000) throw new WireError(`number at ${at} exceeds 2^53`);
    return high * 0x1_0000_0000 + this.buffer.readUInt32BE(at + 4);
  }

  text(): string {
    const bytes = this.u16();
    const at = this.#take(bytes, 'text');
    return this.buffer.toString('utf8', at, at + bytes);
  }

  /** A view, valid only as long as the frame's buffer is. */
  blob(): Buffer {
    const bytes = this.u32();
    const at = this.#take(bytes, 'blob');
    return this.buffer.subarray(at, at + bytes);
  }

  rest(): Buffer {
    const at = this.#at;
    this.#at = this.end;
    return this.buffer.subarray(at, this.end);
  }
}
