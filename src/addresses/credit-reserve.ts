import type { ChunkPool } from '../common/chunk';
import { BATCH_BYTES_MAX } from '../streams/limits';
import { CREDIT_BYTES_GUESS, CREDIT_UNKNOWN_SHARE, MESSAGE_EXTRA_BYTES } from './limits';
import type { LocalPublisher } from './local-publisher';

/** What a credit may bring at most: the rest of a longer message is held back by its streams. */
export const COST_MAX = BATCH_BYTES_MAX;

/**
 * Memory that is kept for the credit that is out. Every credit of a publisher has the same price in whole bytes: what its message is
 * likely to take, as far as there was room for that when it was counted.
 */
export class CreditReserve {
  #bytes = 0;
  /** How many of them are for publishers that have sent nothing yet. */
  #unknown = 0;

  constructor(
    private readonly retention: ChunkPool,
    readonly capacity: number,
  ) {}

  /** Never more than the capacity. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What may be promised yet: what was promised before will need its memory too. */
  get room(): number {
    return Math.min(this.capacity, this.retention.spare) - this.#bytes;
  }

  /** What further credit of a publisher may bring, bytes each. */
  costOfMore(publisher: LocalPublisher): number {
    if (isKnown(publisher)) return publisher.likelyBytes + MESSAGE_EXTRA_BYTES;
    return this.#unknownRoom() > 0 ? COST_MAX : CREDIT_BYTES_GUESS;
  }

  /**
   * Credit that a publisher may be given for all that is known of it. One that has sent nothing yet gets what the most that it may
   * bring is kept for; once a share of the capacity is kept for such, a single credit.
   */
  most(publisher: LocalPublisher): number {
    if (isKnown(publisher)) return Infinity;
    const backed = this.#unknownRoom();
    if (publisher.granted === 0) return Math.max(1, backed);
    return publisher.creditBytes === COST_MAX ? backed : 0;
  }

  #unknownRoom(): number {
    return Math.max(0, Math.floor((this.capacity / CREDIT_UNKNOWN_SHARE - this.#unknown) / COST_MAX));
  }

  /** Counts further credit, with `price` where the publisher has none: what it has and what it gets count alike. */
  grant(publisher: LocalPublisher, more: number, price: number): void {
    if (publisher.granted === 0) publisher.creditBytes = price;
    publisher.granted += more;
    this.#count(publisher, more * publisher.creditBytes);
  }

  /** So many credits are out no more. */
  release(publisher: LocalPublisher, count: number): void {
    publisher.granted -= count;
    this.#count(publisher, -count * publisher.creditBytes);
  }

  /** A publisher's first message tells what to expect of it, or a longer one than those before. */
  expect(publisher: LocalPublisher, bytes: number): void {
    if (!isKnown(publisher)) this.#unknown -= publisher.granted * publisher.creditBytes;
    publisher.likelyBytes = bytes;
    this.reprice(publisher);
  }

  /** Counts credit that is out by what its messages are likely to take now, as far as there is room. */
  reprice(publisher: LocalPublisher): void {
    const { granted, creditBytes } = publisher;
    if (granted === 0 || !isKnown(publisher)) return;
    const most = creditBytes + Math.floor(Math.max(0, this.room) / granted);
    publisher.creditBytes = Math.min(this.costOfMore(publisher), most);
    this.#count(publisher, granted * (publisher.creditBytes - creditBytes));
  }

  /** What the credit of a publisher may bring that is not counted, bytes. */
  uncounted(publisher: LocalPublisher): number {
    return publisher.granted * Math.max(0, this.costOfMore(publisher) - publisher.creditBytes);
  }

  #count(publisher: LocalPublisher, bytes: number): void {
    this.#bytes += bytes;
    if (!isKnown(publisher)) this.#unknown += bytes;
  }
}

function isKnown(publisher: LocalPublisher): boolean {
  return publisher.likelyBytes > 0;
}
