import type { LargeBody } from '../streams/contract';
import type { Entry } from './entry';
import type { Group } from './group';
import type { LargeStore } from './large-store';
import { LARGE_BYTES_PER_TURN, SEGMENT_BYTES, UNFLUSHED_BYTES_MAX } from './limits';
import { REFUSAL, type Refusal, refusalOfGroup, refusalOfStore } from './refusals';
import type { QueueStore } from './store-port';

/** Who stores a large message. */
export interface LargePutHome {
  /** The group of this turn, which has a change now. */
  change(): Group;
  /** All parts are in groups that come before this turn's, or in it. */
  staged(put: LargePut): void;
  /** It will not be stored. */
  failed(put: LargePut, refusal: Refusal): void;
}

/** What its turns need. */
export interface LargePutTurn {
  readonly store: QueueStore | null;
  readonly home: { readonly large: LargeStore };
  wantsTurn(): void;
}

/** A large message on its way to the disk, some parts in each turn. */
export class LargePut {
  #segment = 0;
  #isOver = false;

  constructor(
    private readonly home: LargePutHome,
    /** Of a transaction that is not committed: none yet. */
    readonly entry: Entry | null,
    private readonly stored: number,
    private readonly body: LargeBody,
    /** When it may be delivered; 0 for at once. */
    readonly due: number,
  ) {}

  turn(parts: LargePutTurn): void {
    const { store } = parts;
    if (store === null) return;
    const refusal = refusalOfStore(store);
    if (refusal !== REFUSAL.none) {
      this.#fail(refusal);
      return;
    }
    // What is on its way to the disk is bounded: its end brings the next turn.
    if (store.unflushedBytes < UNFLUSHED_BYTES_MAX / 2) this.#write(parts);
    if (this.#isOver) return;
    this.home.change().waiting.push({
      done: (error) => {
        if (this.#isOver) return;
        if (error === null) parts.wantsTurn();
        else this.#fail(refusalOfGroup(error));
      },
    });
  }

  #write(parts: LargePutTurn): void {
    const { length } = this.body;
    for (let bytes = 0; bytes < LARGE_BYTES_PER_TURN; bytes += SEGMENT_BYTES) {
      const offset = this.#segment * SEGMENT_BYTES;
      if (offset >= length) {
        this.#isOver = true;
        this.body.release();
        this.home.staged(this);
        return;
      }
      const segment = Buffer.allocUnsafeSlow(Math.min(SEGMENT_BYTES, length - offset));
      this.body.read(offset, segment);
      parts.home.large.write(this.stored, this.#segment++, segment);
    }
    parts.wantsTurn();
  }

  #fail(refusal: Refusal): void {
    this.#isOver = true;
    this.body.release();
    this.home.failed(this, refusal);
  }

  /** Nobody wants it any more, and nobody is told. */
  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.body.release();
  }

  /** It is refused before it is stored. */
  abandon(refusal: Refusal): void {
    if (!this.#isOver) this.#fail(refusal);
  }
}
