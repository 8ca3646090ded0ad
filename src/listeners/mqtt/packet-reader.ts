import type { ClientBudget } from '../edge/client-budget';
import { PACKET } from './constants';
import { malformed, MqttError } from './errors';
import { GATHER_BYTES_MAX } from './limits';

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

const EMPTY: Buffer = Buffer.alloc(0);
/** Smaller rests are kept whatever other clients have. */
const SMALL_BYTES = 4 * 1024;

/** Cuts the bytes of a connection into control packets (2.1). Whole packets are read where they lie; only what is cut off is copied. */
export class PacketReader {
  #rest = EMPTY;
  #length = 0;
  /** Bytes of a large PUBLISH that are still to come; 0 when there is none. */
  #largeLeft = 0;
  /** It has stopped at something that the sink did not take. */
  blocked = false;

  constructor(
    private readonly sink: PacketSink,
    private readonly budget: ClientBudget,
  ) {}

  /** @throws MqttError */
  read(chunk: Buffer): void {
    if (this.#length === 0) {
      const at = this.#consume(chunk, 0, chunk.length);
      if (at < chunk.length) this.#keep(chunk, at);
      return;
    }
    this.#keep(chunk, 0);
    this.resume();
  }

  /** Goes on with what has come. @throws MqttError */
  resume(): void {
    if (this.#length === 0) return;
    const rest = this.#rest;
    const length = this.#length;
    const at = this.#consume(rest, 0, length);
    if (rest !== this.#rest) return;
    if (at === length) this.clear();
    else if (at > 0) {
      rest.copyWithin(0, at, length);
      this.#length = length - at;
    }
  }

  #keep(chunk: Buffer, at: number): void {
    const needed = this.#length + chunk.length - at;
    if (needed > this.#rest.length) this.#grow(needed);
    chunk.copy(this.#rest, this.#length, at);
    this.#length = needed;
  }

  #grow(needed: number): void {
    const { budget } = this;
    const more = needed - this.#rest.length;
    if (needed > SMALL_BYTES && budget.gatheredBytes + more > budget.gatherBytesMax)
      throw new MqttError('FL_MQTT_QUOTA', 'the clients of this node have too many unfinished packets');
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(2 * this.#rest.length, GATHER_BYTES_MAX)));
    this.#rest.copy(grown, 0, 0, this.#length);
    budget.gatheredBytes += grown.length - this.#rest.length;
    this.#rest = grown;
  }

  /** Nothing is kept any more. */
  clear(): void {
    this.budget.gatheredBytes -= this.#rest.length;
    this.#rest = EMPTY;
    this.#length = 0;
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
    let length = 0;
    let start = at + 1;
    for (let shift = 0; ; shift += 7) {
      if (shift === 28) throw malformed('the remaining length has more than four bytes');
      if (start >= end) return -1;
      const byte = bytes[start++] as number;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw malformed('the remaining length has more bytes than it needs');
        break;
      }
    }
    if (!this.sink.onHeader(first, length)) {
      this.blocked = true;
      return -1;
    }
    if (first >>> 4 === PACKET.publish && length > GATHER_BYTES_MAX)
      return this.#large(first, bytes, start, end, length);
    if (start + length > end) return -1;
    this.sink.onPacket(first, bytes, start, start + length);
    return start + length;
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
