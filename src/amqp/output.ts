import { copyBytes, viewOf } from '../common/copy';
import { FRAME_HEADER_BYTES } from './constants';

const BUFFER_BYTES = 64 * 1024;
/** Buffers kept for reuse by all connections. */
const FREE_MAX = 64;

/** A buffer to write into, with its view. */
interface Page {
  readonly buffer: Buffer;
  readonly view: DataView;
}

function pageOf(buffer: Buffer): Page {
  return { buffer, view: viewOf(buffer) };
}

const EMPTY: Page = pageOf(Buffer.alloc(0));
const FREE: Page[] = [];

function give(page: Page): void {
  if (FREE.length < FREE_MAX) FREE.push(page);
}

/**
 * Collects the outgoing bytes of one turn in 64 KiB buffers. Frames are written straight into them. Buffers are used again, by
 * whichever connection, once everything handed out has been written; a connection with nothing to say holds none.
 */
export class Output {
  #page = EMPTY;
  #start = BUFFER_BYTES;
  #length = BUFFER_BYTES;
  #ready: Buffer[] = [];
  /** Full, and not handed out yet. */
  #full: Page[] = [];
  /** Handed out, and not written yet. */
  #used: Page[] = [];
  /** Bytes collected and not yet handed out. */
  pendingBytes = 0;

  /** The buffer to write into after `reserve`. */
  get buffer(): Buffer {
    return this.#page.buffer;
  }

  /** Makes room for `bytes` (at most one buffer) and @returns the offset to write at. */
  reserve(bytes: number): number {
    if (this.#length + bytes > BUFFER_BYTES) this.#turnOver();
    return this.#length;
  }

  /** The bytes up to `end` in the buffer have been written. */
  commit(end: number): void {
    this.pendingBytes += end - this.#length;
    this.#length = end;
  }

  #turnOver(): void {
    this.#cut();
    if (this.#page !== EMPTY) this.#full.push(this.#page);
    this.#page = FREE.pop() ?? pageOf(Buffer.allocUnsafeSlow(BUFFER_BYTES));
    this.#start = 0;
    this.#length = 0;
  }

  #cut(): void {
    if (this.#length > this.#start) this.#ready.push(this.#page.buffer.subarray(this.#start, this.#length));
    this.#start = this.#length;
  }

  /** Appends bytes of any length by copying them. */
  copy(source: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#length === BUFFER_BYTES) this.#turnOver();
      const part = Math.min(end - at, BUFFER_BYTES - this.#length);
      const { buffer, view } = this.#page;
      copyBytes(source, at, at + part, buffer, this.#length, view);
      this.#length += part;
      this.pendingBytes += part;
      at += part;
    }
  }

  /** Appends a whole frame (part 2.3): header and an encoded performative. */
  frame(type: number, channel: number, body: Buffer): void {
    this.frameHeader(FRAME_HEADER_BYTES + body.length, type, channel);
    this.copy(body, 0, body.length);
  }

  frameHeader(size: number, type: number, channel: number): void {
    const at = this.reserve(FRAME_HEADER_BYTES);
    const { buffer } = this;
    buffer.writeUInt32BE(size, at);
    buffer[at + 4] = 2;
    buffer[at + 5] = type;
    buffer.writeUInt16BE(channel, at + 6);
    this.commit(at + FRAME_HEADER_BYTES);
  }

  /** Hands out what was collected; null when there is nothing. */
  take(): Buffer[] | null {
    if (this.pendingBytes === 0) return null;
    this.#cut();
    const ready = this.#ready;
    this.#ready = [];
    for (const page of this.#full) this.#used.push(page);
    this.#full.length = 0;
    this.pendingBytes = 0;
    return ready;
  }

  /** Everything handed out so far has been written: full buffers may be used again, and this one when nothing waits in it. */
  written(): void {
    for (const page of this.#used) give(page);
    this.#used.length = 0;
    if (this.pendingBytes > 0 || this.#page === EMPTY) return;
    give(this.#page);
    this.#page = EMPTY;
    this.#start = this.#length = BUFFER_BYTES;
  }
}
