import { OUTCOME } from '../../src/streams/contract';
import type { Ledger, PublisherRecord, QueueDelivery, ReceiverRecord, SentMessage } from './ledger';
import { nameOfMessage, told, type Problem } from './problems';

/** What the judge asks about the run. */
export interface QueueOracle {
  /** What a queue's home had on its disk was lost between the two times. */
  lostDisk(queue: string, from: number, to: number): boolean;
  /**
   * Something came between a receiver and the queue, so that what it settled may not have got there.
   * @param from when the receiver got it
   */
  mayReturn(receiver: ReceiverRecord, from: number, to: number): boolean;
  /** What came to a receiver at `at` may have been sent before the life of the home that knew of the settlement. */
  isLate(queue: string, settledAt: number, at: number): boolean;
}

/** A message in one of the queues that it went to. */
interface Put {
  readonly publisher: PublisherRecord;
  readonly queue: string;
  readonly seq: number;
}

/** A subscription that holds a topic. */
export interface Kept {
  readonly topic: string;
  /** As receivers and the ledger call it. */
  readonly queue: string;
}

export interface QueueTally {
  /** Messages that were delivered and settled for good, and deliveries of such as were delivered before. */
  consumed: number;
  redelivered: number;
  /** Settlements that were confirmed. */
  confirmed: number;
  /** Messages that were accepted and lost with the disk of their queue's home. */
  lostWithDisk: number;
}

/**
 * Judges what queues did with what was put into them: accepted is delivered until somebody takes it (G1), nothing else is (G2), twice
 * only what says so and was not settled for good (G3, G5), and first deliveries of a sender to one consumer are in order (G4).
 */
export class QueueJudge {
  readonly tally: QueueTally = { consumed: 0, redelivered: 0, confirmed: 0, lostWithDisk: 0 };
  readonly #lost: Problem[] = [];
  readonly #invented: Problem[] = [];
  readonly #doubled: Problem[] = [];
  readonly #reordered: Problem[] = [];
  readonly #untrue: Problem[] = [];

  constructor(
    private readonly ledger: Ledger,
    private readonly oracle: QueueOracle,
    private readonly kept: readonly Kept[] = [],
  ) {}

  judge(): readonly Problem[] {
    const byMessage = this.#byMessage();
    for (const publisher of this.ledger.publishers) {
      for (const queue of this.#queuesOf(publisher)) {
        const mine = byMessage.get(publisher)?.get(queue) ?? [];
        publisher.sent.forEach((message, seq) =>
          this.#judgeMessage({ publisher, queue, seq }, message, mine[seq] ?? []),
        );
      }
    }
    this.#judgeOrder();
    for (const receiver of this.ledger.receivers)
      if (receiver.overrun) this.#doubled.push(`G8: ${nameOfReceiver(receiver)} got more than its credit`);
    return [this.#lost, this.#invented, this.#doubled, this.#reordered, this.#untrue].flatMap(told);
  }

  /** Where all that somebody sends is to be delivered from. */
  #queuesOf({ kind, address }: PublisherRecord): readonly string[] {
    if (kind === 'queue') return [address];
    return this.kept.filter(({ topic }) => topic === address).map(({ queue }) => queue);
  }

  /** By queue: deliveries of each message in the order in which they came; those of what nobody sent are told. */
  #byMessage(): ReadonlyMap<PublisherRecord, ReadonlyMap<string, readonly (readonly QueueDelivery[])[]>> {
    const found = new Map<PublisherRecord, Map<string, QueueDelivery[][]>>();
    for (const delivery of this.ledger.queueDeliveries) {
      const publisher = this.ledger.publishers[delivery.publisher];
      if (publisher === undefined || !this.#isRight(delivery, publisher)) continue;
      const byQueue = found.get(publisher) ?? new Map<string, QueueDelivery[][]>();
      found.set(publisher, byQueue);
      const queues = this.#queuesOf(publisher);
      // What came out of a wrong one is told, and not missed as well.
      const queue = queues.find((one) => one === delivery.receiver.queue) ?? queues[0] ?? '';
      const all = byQueue.get(queue) ?? [];
      byQueue.set(queue, all);
      (all[delivery.seq] ??= []).push(delivery);
    }
    return found;
  }

  #isRight({ receiver, seq, hash }: QueueDelivery, publisher: PublisherRecord): boolean {
    const me = nameOfReceiver(receiver);
    const sent = publisher.sent[seq];
    if (sent === undefined) {
      this.#invented.push(`G2: ${me} got message ${seq} of publisher ${publisher.id}, which was never sent`);
      return false;
    }
    const what = nameOfMessage(publisher, seq);
    if (!this.#queuesOf(publisher).includes(receiver.queue))
      this.#invented.push(`G2: ${me} got ${what}, which was not for it`);
    else if (hash !== sent.hash) this.#invented.push(`G2: ${me} got ${what} with other bytes`);
    return true;
  }

  #judgeMessage(put: Put, message: SentMessage, deliveries: readonly QueueDelivery[]): void {
    const [first] = deliveries;
    const { publisher, seq, queue } = put;
    if (first !== undefined && message.outcome !== OUTCOME.accepted && message.outcome !== null)
      this.#untrue.push(`G5: ${nameOfMessage(publisher, seq)} was delivered and its sender told that it was not put`);
    this.#judgeRepeats(put, message, deliveries);
    const isConsumed = deliveries.some(({ outcome }) => isFinal(outcome));
    if (isConsumed) this.tally.consumed++;
    // What was delivered was put, whether its sender has heard of it or not.
    else if (first !== undefined || (message.outcome === OUTCOME.accepted && this.#isOwed(queue, message)))
      this.#missing(put, message, deliveries);
  }

  /** A subscription is owed what is sent once it is known. */
  #isOwed(queue: string, { at }: SentMessage): boolean {
    const isSubscription = this.kept.some((one) => one.queue === queue);
    return !isSubscription || at > (this.ledger.keptFrom.get(queue) ?? Infinity);
  }

  #missing(
    { publisher, queue, seq }: Put,
    { at }: SentMessage,
    { length: deliveries }: readonly QueueDelivery[],
  ): void {
    if (this.oracle.lostDisk(queue, at, Infinity)) {
      this.tally.lostWithDisk++;
      return;
    }
    const how = deliveries === 0 ? 'was never delivered' : 'was given back and never delivered again';
    this.#lost.push(
      `G1: ${nameOfMessage(publisher, seq)}, sent at ${at} ms, ${how}${queue === publisher.address ? '' : ` by ${queue}`}`,
    );
  }

  #judgeRepeats(put: Put, message: SentMessage, deliveries: readonly QueueDelivery[]): void {
    const { publisher, queue, seq } = put;
    let unmarked = 0;
    for (const delivery of deliveries) if (!delivery.marked) unmarked++;
    const last = deliveries.at(-1);
    if (unmarked > 1 && last !== undefined && !this.oracle.lostDisk(queue, message.at, last.at))
      this.#doubled.push(
        `G3: ${nameOfMessage(publisher, seq)} came ${unmarked} times unmarked, at ${deliveries.map(told1).join(', ')}`,
      );
    deliveries.forEach((delivery, n) => {
      if (n > 0) this.tally.redelivered++;
      if (delivery.confirmedAt !== null) this.tally.confirmed++;
      const next = deliveries[n + 1];
      if (next !== undefined && isFinal(delivery.outcome)) this.#returned(put, delivery, next);
    });
  }

  /** A message that somebody had settled for good came again. */
  #returned({ publisher, queue, seq }: Put, before: QueueDelivery, after: QueueDelivery): void {
    const { receiver, at, settledAt, confirmedAt } = before;
    if (this.oracle.lostDisk(queue, at, after.at)) return;
    const what = nameOfMessage(publisher, seq);
    const again = `came again at ${after.at} ms to ${nameOfReceiver(after.receiver)}`;
    if (confirmedAt !== null && confirmedAt <= after.at && !this.oracle.isLate(queue, confirmedAt, after.at))
      this.#untrue.push(`G5: ${what} ${again}, after its settlement was confirmed at ${confirmedAt} ms`);
    else if (!this.oracle.mayReturn(receiver, at, after.at))
      this.#doubled.push(`G3: ${what} ${again}, though ${nameOfReceiver(receiver)} settled it at ${settledAt} ms`);
  }

  #judgeOrder(): void {
    const newest = new Map<string, QueueDelivery>();
    for (const delivery of this.ledger.queueDeliveries) {
      const { receiver, publisher: id, seq, marked, at } = delivery;
      const publisher = this.ledger.publishers[id];
      if (marked || publisher === undefined) continue;
      const key = `${receiver.id} ${id}`;
      const before = newest.get(key);
      if (before === undefined || before.seq < seq) newest.set(key, delivery);
      else if (before.seq > seq && !this.oracle.lostDisk(receiver.queue, publisher.sent[seq]?.at ?? at, at))
        this.#reordered.push(
          `G4: ${nameOfReceiver(receiver)} got ${nameOfMessage(publisher, seq)} at ${at} ms after message ${before.seq}`,
        );
    }
  }
}

/** Outcomes after which a message is gone from its queue. */
function isFinal(outcome: QueueDelivery['outcome']): boolean {
  return outcome === OUTCOME.accepted || outcome === OUTCOME.rejected;
}

function told1({ at, marked, receiver }: QueueDelivery): string {
  return `${at} ms${marked ? ' marked' : ''} by ${nameOfReceiver(receiver)}`;
}

export function nameOfReceiver({ id, queue, node, life }: ReceiverRecord): string {
  return `receiver ${id} (${queue} at ${node}, life ${life})`;
}
