import type { ClientBudget } from './client-budget';

/** A message is gathered up to this size; past it it is streamed on as a large one. */
const BYTES_MAX = 48 * 1024;
const BYTES_MIN = 4 * 1024;

/** The parts of one message put together, as far as that is cheaper than to stream it. */
export class Gathering {
  #bytes = EMPTY;
  /** Bytes gathered. */
  length = 0;

  constructor(private readonly budget: ClientBudget) {}

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Too much to go on gathering, for this message or for the node. */
  get full(): boolean {
    return this.length > BYTES_MAX || this.budget.gatheredBytes > this.budget.gatherBytesMax;
  }

  add(source: Buffer, start: number, end: number): void {
    const needed = this.length + end - start;
    if (needed > this.#bytes.length) this.#grow(Math.max(needed, this.#bytes.length * 2, BYTES_MIN));
    source.copy(this.#bytes, this.length, start, end);
    this.length = needed;
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafe(bytes);
    this.#bytes.copy(grown, 0, 0, this.length);
    this.budget.gatheredBytes += bytes - this.#bytes.length;
    this.#bytes = grown;
  }

  /** Nothing is held any more: an idle link costs nothing. */
  clear(): void {
    this.budget.gatheredBytes -= this.#bytes.length;
    this.#bytes = EMPTY;
    this.length = 0;
  }
}

const EMPTY: Buffer = Buffer.alloc(0);
