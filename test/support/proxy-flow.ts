import type { Socket } from 'node:net';

/** What is wrong with one direction of a connection; read for every chunk, so it may change while bytes flow. */
export interface FlowQuality {
  /** Swallows everything without a word. */
  blackHole: boolean;
  delayMs: number;
  /** Null for as fast as the sockets are. */
  bytesPerSecond: number | null;
  /** Longest single write; each is 1 to this many bytes, in a write of its own. Null leaves chunks whole. */
  sliceBytesMax: number | null;
}

/** What is done when the byte of that number (counted from the moment of asking) passes. */
export interface Trap {
  readonly kind: 'reset' | 'corrupt';
  bytesLeft: number;
  readonly onDone: () => void;
}

export const PERFECT: Readonly<FlowQuality> = {
  blackHole: false,
  delayMs: 0,
  bytesPerSecond: null,
  sliceBytesMax: null,
};

/** Writes before the receiver gets a turn, so that the kernel cannot join them all. */
const SLICES_PER_TURN = 4;
/** Bytes held here before the source is no longer read: what a router on the way would have as its buffer. */
const HELD_BYTES_MAX = 64 * 1024;

interface Held {
  readonly bytes: Buffer;
  readonly dueAt: number;
}

/** One direction of a proxied connection: from one socket to the other, with what is wrong in between. */
export class Flow {
  passed = 0;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #freeAt = 0;
  #ended = false;
  #waiting = false;

  constructor(
    private readonly source: Socket,
    private readonly target: Socket,
    private readonly quality: Readonly<FlowQuality>,
    private readonly traps: Trap[],
    private readonly random: () => number,
    private readonly reset: () => void,
  ) {
    source.on('data', (chunk) => this.#take(chunk));
    source.on('end', () => {
      this.#ended = !quality.blackHole;
      this.#pump();
    });
    target.on('drain', () => {
      this.#waiting = false;
      this.#pump();
    });
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#held.length = 0;
    this.#heldBytes = 0;
  }

  #take(chunk: Buffer): void {
    if (this.quality.blackHole) return;
    const { bytes, reset } = this.#spring(chunk);
    this.#hold(bytes);
    this.#pump();
    if (reset) this.reset();
  }

  /** Lets traps see the bytes; a reset keeps what comes before its byte. */
  #spring(chunk: Buffer): { readonly bytes: Buffer; readonly reset: boolean } {
    for (const trap of [...this.traps]) {
      if (trap.bytesLeft >= chunk.length) {
        trap.bytesLeft -= chunk.length;
        continue;
      }
      const at = trap.bytesLeft;
      this.traps.splice(this.traps.indexOf(trap), 1);
      trap.onDone();
      if (trap.kind === 'reset') return { bytes: chunk.subarray(0, at), reset: true };
      chunk[at] = (chunk[at] as number) ^ (1 << Math.floor(this.random() * 8));
    }
    return { bytes: chunk, reset: false };
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#held.push({ bytes, dueAt: performance.now() + this.quality.delayMs });
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= HELD_BYTES_MAX + this.#onTheWay()) this.source.pause();
  }

  /** A long and wide path holds more than its buffers. */
  #onTheWay(): number {
    const { delayMs, bytesPerSecond } = this.quality;
    return bytesPerSecond === null ? delayMs * 100_000 : (delayMs * bytesPerSecond) / 1_000;
  }

  #pump(): void {
    if (this.#timer !== null || this.#waiting) return;
    for (let slices = 0; ; slices++) {
      const [first] = this.#held;
      if (first === undefined) break;
      if (slices >= SLICES_PER_TURN) {
        setImmediate(() => this.#pump());
        return;
      }
      const wait = Math.max(first.dueAt, this.#freeAt) - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = null;
          this.#pump();
        }, wait);
        return;
      }
      this.#held.shift();
      this.#heldBytes -= first.bytes.length;
      this.#write(first);
      if (this.source.isPaused() && this.#heldBytes < HELD_BYTES_MAX) this.source.resume();
      if (this.#waiting) return;
    }
    if (this.#ended && !this.target.destroyed) this.target.end();
  }

  /** Writes as much as the rate allows now; the rest goes back to the front. */
  #write({ bytes, dueAt }: Held): void {
    const { sliceBytesMax, bytesPerSecond } = this.quality;
    let most = bytes.length;
    if (bytesPerSecond !== null) most = Math.max(1, Math.floor(bytesPerSecond / 100));
    if (sliceBytesMax !== null) most = 1 + Math.floor(this.random() * sliceBytesMax);
    const part = bytes.subarray(0, most);
    if (part.length < bytes.length) {
      this.#held.unshift({ bytes: bytes.subarray(part.length), dueAt });
      this.#heldBytes += bytes.length - part.length;
    }
    if (this.target.destroyed || !this.target.writable) return;
    this.passed += part.length;
    this.#waiting = !this.target.write(part);
    const now = performance.now();
    if (bytesPerSecond !== null) this.#freeAt = Math.max(this.#freeAt, now) + (part.length * 1_000) / bytesPerSecond;
  }
}
