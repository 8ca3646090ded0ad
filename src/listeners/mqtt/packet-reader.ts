import { PACKET } from './constants';
import { malformed, MqttError } from './errors';
import { type KeptAccounts, KeptBytes } from './kept-bytes';
import { ASIDE_BYTES_MAX, GATHER_BYTES_MAX } from './limits';

/** What is done with packets. What it throws ends the connection. */
export interface PacketSink {
  /** Nothing further is taken now; {@link PacketReader.resume} when that has changed. */
  readonly held: boolean;
  /** A packet begins. @returns false when it cannot be taken now. @throws MqttError when it is too long, or must not come now */
  onHeader(first: number, length: number): boolean;
  /** A whole packet: its variable header and payload in [start, end), valid during the call. */
  onPacket(first: number, bytes: Buffer, start: number, end: number): void;
  /**
   * A PUBLISH that is too long to be gathered, as far as it has come; `length` is that of all of it.
   * @returns where its payload begins, or -1 when more is needed to know
   */
  onLargeHead(first: number, bytes: Buffer, start: number, end: number, length: number): number;
  onLargePart(bytes: Buffer, start: number, end: number): void;
  onLargeEnd(): void;
}

/** Where what follows a fixed header begins, -1 when not all of it has come, and how long that is; used again and again. */
interface Header {
  start: number;
  size: number;
}
const HEADER: Header = { start: -1, size: 0 };

/** Packets that say what has become of messages to the client, or that it lives: they do not wait behind what it publishes. */
const PASSES: readonly number[] = [PACKET.puback, PACKET.pubrec, PACKET.pubcomp, PACKET.pingreq];

/** Cuts the bytes of a connection into control packets (2.1). Whole packets are read where they lie; only what is cut off, or has to wait, is copied. */
export class PacketReader {
  /** What is not looked at yet. */
  readonly #rest: KeptBytes;
  /** Whole packets that cannot be taken yet, in order. */
  readonly #aside: KeptBytes;
  /** Bytes of a large PUBLISH that are still to come; 0 when there is none. */
  #largeLeft = 0;
  /** It has stopped at something that the sink did not take, and that cannot be put aside. */
  blocked = false;

  constructor(
    private readonly sink: PacketSink,
    { rest, aside }: KeptAccounts,
  ) {
    this.#rest = new KeptBytes(rest);
    this.#aside = new KeptBytes(aside);
  }

  /** Packets were put aside: {@link resume} when they can be taken. */
  get waiting(): boolean {
    return this.#aside.length > 0;
  }

  /** @throws MqttError */
  read(chunk: Buffer): void {
    if (this.#rest.length > 0) {
      this.#keep(chunk, 0);
      this.resume();
      return;
    }
    const at = this.#consume(chunk, 0, chunk.length);
    if (at < chunk.length) this.#keep(chunk, at);
  }

  #keep(chunk: Buffer, at: number): void {
    if (!this.#rest.append(chunk, at, chunk.length))
      throw new MqttError('FL_MQTT_QUOTA', 'the clients of this node have too many unfinished packets');
  }

  /** Goes on with what has come. @throws MqttError */
  resume(): void {
    this.blocked = false;
    this.#takeAside();
    const { bytes, length } = this.#rest;
    if (length > 0) this.#rest.drop(bytes, this.#consume(bytes, 0, length));
  }

  #takeAside(): void {
    const { bytes, length } = this.#aside;
    let at = 0;
    while (at < length && !this.sink.held) {
      const first = bytes[at] as number;
      const { start, size } = this.#header(bytes, at, length);
      if (!this.sink.onHeader(first, size)) break;
      this.sink.onPacket(first, bytes, start, start + size);
      at = start + size;
    }
    this.#aside.drop(bytes, at);
  }

  /** Nothing is kept any more. */
  clear(): void {
    this.#rest.clear();
    this.#aside.clear();
  }

  /** @returns where the first packet begins that is not taken or not complete */
  #consume(bytes: Buffer, from: number, end: number): number {
    const { sink } = this;
    this.blocked = false;
    let at = from;
    while (at < end) {
      if (sink.held) {
        this.blocked = true;
        break;
      }
      if (this.#largeLeft > 0) {
        at = this.#part(bytes, at, end);
        continue;
      }
      const next = this.#packet(bytes, at, end);
      if (next < 0) break;
      at = next;
    }
    return at;
  }

  /** @returns where it ends, or -1 when more is needed */
  #packet(bytes: Buffer, at: number, end: number): number {
    const first = bytes[at] as number;
    const { start, size } = this.#header(bytes, at, end);
    if (start < 0) return -1;
    const taken = this.sink.onHeader(first, size);
    if (!taken || (this.#aside.length > 0 && !PASSES.includes(first >>> 4)))
      return this.#putAside(bytes, at, end, start + size);
    if (first >>> 4 === PACKET.publish && size > GATHER_BYTES_MAX) return this.#large(first, bytes, start, end, size);
    if (start + size > end) return -1;
    this.sink.onPacket(first, bytes, start, start + size);
    return start + size;
  }

  /** @returns where it ends, or -1 when more is needed, or when it has to wait where it is */
  #putAside(bytes: Buffer, at: number, end: number, next: number): number {
    if (next - at > GATHER_BYTES_MAX || this.#aside.length + next - at > ASIDE_BYTES_MAX) this.blocked = true;
    else if (next <= end) {
      if (this.#aside.append(bytes, at, next)) return next;
      this.blocked = true;
    }
    return -1;
  }

  /** Reads the fixed header at `at` into {@link HEADER}. @throws MqttError */
  #header(bytes: Buffer, at: number, end: number): Header {
    HEADER.start = -1;
    let size = 0;
    let start = at + 1;
    for (let shift = 0; ; shift += 7) {
      if (shift === 28) throw malformed('the remaining length has more than four bytes');
      if (start >= end) return HEADER;
      const byte = bytes[start++] as number;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0) throw malformed('the remaining length has more bytes than it needs');
      HEADER.start = start;
      HEADER.size = size;
      return HEADER;
    }
  }

  #large(first: number, bytes: Buffer, start: number, end: number, length: number): number {
    const to = Math.min(end, start + length);
    const payload = this.sink.onLargeHead(first, bytes, start, to, length);
    if ((payload < 0 ? to : payload) - start > GATHER_BYTES_MAX)
      throw new MqttError('FL_MQTT_PACKET_SIZE', `topic and properties of more than ${GATHER_BYTES_MAX} bytes`);
    if (payload < 0) return -1;
    this.#largeLeft = length - (payload - start);
    if (this.#largeLeft === 0) this.sink.onLargeEnd();
    return payload;
  }

  #part(bytes: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.#largeLeft);
    this.#largeLeft -= to - at;
    this.sink.onLargePart(bytes, at, to);
    if (this.#largeLeft === 0) this.sink.onLargeEnd();
    return to;
  }
}
