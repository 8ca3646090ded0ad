import { u32At } from '../common/big-endian';
import { CONDITION, ENGINE_LIMITS, FRAME_HEADER_BYTES } from './constants';
import { AmqpError } from './errors';

/** Receives what {@link FrameReader} finds; positions are in `bytes` and valid during the call only. */
export interface FrameVisitor {
  /** Eight bytes that begin with `AMQP` (part 2.2), or that should. */
  onHeader(bytes: Buffer, at: number): void;
  /** A frame's body; empty for a heart-beat. */
  onFrame(type: number, channel: number, bytes: Buffer, start: number, end: number): void;
}

const HEADER_BYTES = 8;
/** First share of a frame that straddles chunks: memory follows what has come, not what a header claims. */
const PARTIAL_BYTES_MIN = 1024;

/**
 * Cuts a byte stream into protocol headers and frames, in place where a frame lies in one chunk.
 * Of a frame that straddles chunks only its own bytes are kept, so that a socket's chunk is never pinned.
 */
export class FrameReader {
  #partial: Buffer | null = null;
  #partialLength = 0;
  #partialNeeds = 0;
  #stopped = false;
  /** What came while stopped. */
  #backlog: Buffer | null = null;
  /** True while a protocol header comes next. */
  expectHeader = true;
  /** Counts the units that were visited, modulo 2^32: tells whether a chunk brought one. */
  visits = 0;

  constructor(
    /** Our max-frame-size: a frame that claims more is an error before anything of it is stored. */
    readonly frameBytesMax: number,
    private readonly visitor: FrameVisitor,
  ) {}

  /** Visits nothing more until `resume`; what comes meanwhile is kept, within a bound. */
  stop(): void {
    this.#stopped = true;
  }

  /** @throws AmqpError as `read` does */
  resume(): void {
    this.#stopped = false;
    const backlog = this.#backlog;
    this.#backlog = null;
    if (backlog !== null) this.read(backlog);
  }

  /** Reads a chunk. @throws AmqpError with connection scope when it is no AMQP */
  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#stopped) {
        this.#hold(chunk, at);
        return;
      }
      if (this.#partial !== null) {
        at = this.#fill(chunk, at);
        continue;
      }
      const left = chunk.length - at;
      const needs = this.#needs(chunk, at, left);
      if (needs > left) {
        this.#keep(chunk, at, needs);
        return;
      }
      this.#visit(chunk, at, needs);
      at += needs;
    }
  }

  #hold(chunk: Buffer, at: number): void {
    const rest = chunk.subarray(at);
    const held = this.#backlog === null ? 0 : this.#backlog.length;
    if (held + rest.length > ENGINE_LIMITS.backlogBytesMax)
      throw new AmqpError(CONDITION.limit, 'too much was sent before the answer to a SASL step', 'connection');
    this.#backlog = this.#backlog === null ? Buffer.from(rest) : Buffer.concat([this.#backlog, rest]);
  }

  /** Bytes of the unit that begins at `at`; at least 4 more than there are while its size is unknown. */
  #needs(bytes: Buffer, at: number, left: number): number {
    if (this.expectHeader) return HEADER_BYTES;
    if (left < 4) return FRAME_HEADER_BYTES;
    const size = u32At(bytes, at);
    if (size < FRAME_HEADER_BYTES) throw framing(`frame size ${size}, expected at least ${FRAME_HEADER_BYTES}`);
    if (size > this.frameBytesMax) throw framing(`frame size ${size}, expected at most ${this.frameBytesMax}`);
    return size;
  }

  #keep(chunk: Buffer, at: number, needs: number): void {
    const left = chunk.length - at;
    this.#partial = Buffer.allocUnsafe(Math.min(needs, Math.max(PARTIAL_BYTES_MIN, left * 2)));
    this.#partialLength = chunk.copy(this.#partial, 0, at);
    this.#partialNeeds = needs;
  }

  /** Adds to the kept unit from the chunk and visits it once it is whole. @returns the offset behind what was taken */
  #fill(chunk: Buffer, at: number): number {
    const wanted = Math.min(this.#partialNeeds - this.#partialLength, chunk.length - at);
    const partial = this.#room(this.#partialLength + wanted);
    chunk.copy(partial, this.#partialLength, at, at + wanted);
    this.#partialLength += wanted;
    if (this.#partialLength < this.#partialNeeds) return at + wanted;
    const needs = this.#needs(partial, 0, this.#partialLength);
    if (needs > this.#partialNeeds) {
      this.#partialNeeds = needs;
      return at + wanted;
    }
    this.#partial = null;
    this.#visit(partial, 0, needs);
    return at + wanted;
  }

  #room(bytes: number): Buffer {
    const partial = this.#partial as Buffer;
    if (bytes <= partial.length) return partial;
    const grown = Buffer.allocUnsafe(
      Math.min(Math.max(this.#partialNeeds, bytes), Math.max(bytes, partial.length * 2)),
    );
    partial.copy(grown, 0, 0, this.#partialLength);
    return (this.#partial = grown);
  }

  #visit(bytes: Buffer, at: number, size: number): void {
    this.visits = (this.visits + 1) | 0;
    if (this.expectHeader) {
      this.visitor.onHeader(bytes, at);
      return;
    }
    const dataOffset = (bytes[at + 4] as number) * 4;
    if (dataOffset < FRAME_HEADER_BYTES || dataOffset > size) {
      throw framing(`data offset ${dataOffset} in a frame of ${size} bytes`);
    }
    const channel = ((bytes[at + 6] as number) << 8) | (bytes[at + 7] as number);
    this.visitor.onFrame(bytes[at + 5] as number, channel, bytes, at + dataOffset, at + size);
  }
}

function framing(text: string): AmqpError {
  return new AmqpError(CONDITION.framing, text, 'connection');
}
