import type { ClientBudget } from '../edge/client-budget';
import { GATHER_BYTES_MAX } from './limits';

const EMPTY: Buffer = Buffer.alloc(0);
/** Smaller rests are kept whatever other clients have. */
const SMALL_BYTES = 4 * 1024;

/** Whose bytes are counted, and how many there may be of all clients. */
export interface BytesAccount {
  add(bytes: number): void;
  readonly left: number;
}

/** What connections keep, of all clients. */
export interface KeptAccounts {
  /** Packets that are not complete. */
  readonly rest: BytesAccount;
  /** Packets that wait: they must not take the room of those that are not complete. */
  readonly aside: BytesAccount;
}

export function keptAccounts(budget: ClientBudget): KeptAccounts {
  return {
    rest: {
      add: (bytes) => (budget.gatheredBytes += bytes),
      get left() {
        return budget.gatherBytesMax - budget.gatheredBytes;
      },
    },
    aside: {
      add: (bytes) => (budget.asideBytes += bytes),
      get left() {
        return budget.asideBytesMax - budget.asideBytes;
      },
    },
  };
}

/** Bytes of a connection that are kept until they can be used: in one buffer, which grows with need and goes when nothing is kept. */
export class KeptBytes {
  #bytes = EMPTY;
  length = 0;

  constructor(private readonly account: BytesAccount) {}

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Appends [start, end) of a chunk by copying it. @returns false when there is no room for it */
  append(chunk: Buffer, start: number, end: number): boolean {
    const needed = this.length + end - start;
    if (needed > this.#bytes.length && !this.#grow(needed)) return false;
    chunk.copy(this.#bytes, this.length, start, end);
    this.length = needed;
    return true;
  }

  #grow(needed: number): boolean {
    const { account } = this;
    if (needed > SMALL_BYTES && needed - this.#bytes.length > account.left) return false;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(2 * this.#bytes.length, GATHER_BYTES_MAX)));
    this.#bytes.copy(grown, 0, 0, this.length);
    account.add(grown.length - this.#bytes.length);
    this.#bytes = grown;
    return true;
  }

  /** Lets go of those in front of `at`. @param bytes where they were, for they may have gone by now */
  drop(bytes: Buffer, at: number): void {
    if (bytes !== this.#bytes) return;
    if (at === this.length) this.clear();
    else if (at > 0) {
      bytes.copyWithin(0, at, this.length);
      this.length -= at;
    }
  }

  clear(): void {
    this.account.add(-this.#bytes.length);
    this.#bytes = EMPTY;
    this.length = 0;
  }
}
