import { SETTLE_MS, type Connectivity, type Disturbance, type Interval } from './connectivity';
import type { ConsumerRecord, Ledger, PublisherRecord, SentMessage } from './ledger';
import { accountOf, type Account, type Missed, type Oracle } from './oracle';

/** Decides by what was done to wires, nodes and clients what the mesh has promised (FAULTS, G1 and G6). */
export class MeshOracle implements Oracle {
  readonly #apart = new Map<string, readonly Interval[]>();
  readonly #upset = new Map<string, readonly Interval[]>();
  /** When each life of a node, by its name and number, first sent a consumer something that it got. */
  readonly #shown = new Map<ConsumerRecord, ReadonlyMap<string, number>>();

  constructor(
    private readonly ledger: Ledger,
    private readonly connectivity: Connectivity,
    private readonly partitionHoldMs: number,
    /** Where nothing is between two nodes, the one has learnt within that time that something arrived at the other. */
    private readonly acknowledgedMs: number,
  ) {}

  missed(publisher: PublisherRecord, message: SentMessage, consumer: ConsumerRecord, passed: boolean): Missed {
    const { at } = message;
    const { endedAt } = consumer;
    if (consumer.confirmedAt === null || at < consumer.confirmedAt) return null;
    if (endedAt !== null && at >= endedAt) return this.#afterDeath(publisher, at, consumer, endedAt);
    if (!this.#knows(publisher, at, consumer)) return { cause: 'cutOff' };
    if (this.#twinOf(at, consumer)) return { cause: 'twin' };
    if (!passed && endedAt !== null) return this.#whenEnded(publisher, message, consumer, endedAt);
    if (!passed && publisher.diedAt !== null) return { cause: 'publisherDied' };
    const lost = [...this.#unreachable(publisher, at, consumer.node, null), ...this.#newLife(publisher, at, consumer)];
    return { lost, dropped: dropOldest(consumer) };
  }

  /** Until its node is back others go on holding for it what is published; then they count it, if they live to see that. */
  #afterDeath(publisher: PublisherRecord, at: number, consumer: ConsumerRecord, endedAt: number): Missed {
    if (!consumer.died || publisher.node === consumer.node) return null;
    if (at >= this.connectivity.bornAfter(consumer.node, endedAt) || !this.#knows(publisher, at, consumer)) return null;
    if (this.#twinOf(at, consumer)) return { cause: 'twin' };
    if (publisher.diedAt !== null && publisher.diedAt < this.#joinedAfter(publisher.node, consumer.node, at))
      return { cause: 'publisherDied' };
    const { node, life } = publisher;
    return { lost: [accountOf(node, life, 'unreachable'), accountOf(node, life, 'peerRestarted')], dropped: [] };
  }

  /** The consumer ended after it was sent: it may have been on its way still, or waited for the consumer. */
  #whenEnded(publisher: PublisherRecord, message: SentMessage, consumer: ConsumerRecord, endedAt: number): Missed {
    if (consumer.died) return { cause: 'consumerDied' };
    if (consumer.kind !== 'topic' || !this.#surelyThere(publisher, message, consumer, endedAt))
      return { cause: 'consumerLeft' };
    const left = accountOf(consumer.node, consumer.life, 'consumerDisconnected');
    return { lost: [], dropped: [left, ...dropOldest(consumer)] };
  }

  /** What was handed over before is at the consumer's node by then: nothing came between. */
  #surelyThere(publisher: PublisherRecord, message: SentMessage, { node }: ConsumerRecord, then: number): boolean {
    const { at, answeredAt } = message;
    if (answeredAt === null) return false;
    if (publisher.node === node) return answeredAt < then;
    const between = [
      ...this.#apartOf(publisher.node, node),
      ...this.#disturbances(publisher.node, at),
      ...this.#disturbances(node, at),
    ];
    return answeredAt + this.acknowledgedMs < then && !between.some(({ from, to }) => from < then && at < to);
  }

  mayLose(
    publisher: PublisherRecord,
    { at }: SentMessage,
    consumers: readonly ConsumerRecord[],
    doneAt: number | null,
  ): readonly Account[] {
    const node = consumers[0]?.node ?? publisher.node;
    if (node === publisher.node || !consumers.some((consumer) => this.#mayKnow(publisher, at, consumer))) return [];
    return [...this.#unreachable(publisher, at, node, doneAt), ...this.#peerRestarted(publisher, at, node, doneAt)];
  }

  mayDrop({ at }: SentMessage, consumer: ConsumerRecord, passed: boolean): readonly Account[] {
    const { kind, node, life, endedAt, openedAt, died } = consumer;
    if (kind !== 'topic' || at < openedAt || (endedAt !== null && at > endedAt)) return [];
    const left = endedAt !== null && !died && !passed;
    return [...dropOldest(consumer), ...(left ? [accountOf(node, life, 'consumerDisconnected')] : [])];
  }

  /** The node was out of reach for longer than the hold before it was known to have the message. */
  #unreachable({ node, life }: PublisherRecord, at: number, other: string, doneAt: number | null): readonly Account[] {
    const hold = this.partitionHoldMs;
    const lost = this.#apartOf(node, other).some(({ from, to }) =>
      doneAt === null
        ? to - from >= hold && from <= at + hold && at <= to
        : to - Math.max(from, doneAt) >= hold - this.acknowledgedMs && from <= doneAt + this.acknowledgedMs,
    );
    return lost ? [accountOf(node, life, 'unreachable')] : [];
  }

  /** The node, or the publisher's, began a new life before it was known to have the message. */
  #peerRestarted(
    { node, life }: PublisherRecord,
    at: number,
    other: string,
    doneAt: number | null,
  ): readonly Account[] {
    const { connectivity, partitionHoldMs: hold } = this;
    const lost =
      [...this.#upsets(node), ...this.#upsets(other)].some(
        ({ from, to }) => from <= (doneAt === null ? at + hold : doneAt + this.acknowledgedMs) && at <= to,
      ) ||
      connectivity.births(other).some((born) => {
        const apart = this.#apartOf(node, other).find(({ from, to }) => from <= born && born < to);
        const from = apart?.from ?? born;
        const to = apart?.to ?? born;
        return doneAt === null ? from <= at + hold && at <= to : from <= doneAt + this.acknowledgedMs && doneAt <= born;
      });
    return lost ? [accountOf(node, life, 'peerRestarted')] : [];
  }

  /** Times in which a node may have to begin a new life: also those who were cut off from it meanwhile may still tell it to. */
  #upsets(node: string): readonly Interval[] {
    let upsets = this.#upset.get(node);
    if (upsets === undefined) {
      const { connectivity } = this;
      upsets = connectivity.disturbances(node).map(({ from, to }) => ({ from, to: connectivity.reunited(node, to) }));
      this.#upset.set(node, upsets);
    }
    return upsets;
  }

  /** Another process of the consumer's node's name may have taken it. */
  #twinOf(at: number, { node }: ConsumerRecord): boolean {
    return this.#disturbances(node, at).some(({ twin }) => twin);
  }

  /** One of the two nodes had to begin a new life while it ran: then its streams, and those to it, are counted as lost. */
  #newLife({ node, life }: PublisherRecord, at: number, consumer: ConsumerRecord): readonly Account[] {
    if (node === consumer.node) return [];
    const both = [...this.#disturbances(node, at), ...this.#disturbances(consumer.node, at)];
    return both.length > 0 ? [accountOf(node, life, 'peerRestarted')] : [];
  }

  #disturbances(node: string, at: number): readonly Disturbance[] {
    return this.connectivity.disturbances(node).filter(({ from, to }) => from <= at + this.partitionHoldMs && at <= to);
  }

  /** The publisher's node surely knew of the subscription at that time: it was told, or what it had sent before came. */
  #knows(publisher: PublisherRecord, at: number, consumer: ConsumerRecord): boolean {
    const { node, life, openedAt } = publisher;
    const { confirmedAt, unconfirmed } = consumer;
    if (confirmedAt === null || at < confirmedAt) return false;
    if (node === consumer.node || at > (this.#shownTo(consumer).get(`${node}/${life}`) ?? Infinity)) return true;
    const late = unconfirmed.includes(node) ? SETTLE_MS : 0;
    return at >= this.#joinedAfter(node, consumer.node, Math.max(confirmedAt + late, openedAt));
  }

  #shownTo(consumer: ConsumerRecord): ReadonlyMap<string, number> {
    const known = this.#shown.get(consumer);
    if (known !== undefined) return known;
    const shown = new Map<string, number>();
    for (const { publisher, seq } of this.#hasPredecessor(consumer) ? [] : consumer.got) {
      const { node, life, sent } = this.ledger.publishers[publisher] as PublisherRecord;
      const { at } = sent[seq] as SentMessage;
      const key = `${node}/${life}`;
      if (at >= consumer.openedAt) shown.set(key, Math.min(shown.get(key) ?? Infinity, at));
    }
    this.#shown.set(consumer, shown);
    return shown;
  }

  /** Another one left its node before it came: what was sent for that one reaches it too, and shows nothing. */
  #hasPredecessor({ node, kind, openedAt }: ConsumerRecord): boolean {
    return this.ledger.consumers.some(
      (other) => other.node === node && other.kind === kind && other.endedAt !== null && other.endedAt <= openedAt,
    );
  }

  /** The publisher's node may hold that the subscription is in force. */
  #mayKnow(publisher: PublisherRecord, at: number, { node, openedAt, endedAt, died }: ConsumerRecord): boolean {
    if (at < openedAt) return false;
    if (endedAt === null) return true;
    const over = died ? this.connectivity.bornAfter(node, endedAt) : endedAt;
    return at <= this.#joinedAfter(publisher.node, node, over) + SETTLE_MS;
  }

  /** The first time from then on at which the two nodes were surely joined. */
  #joinedAfter(a: string, b: string, at: number): number {
    return this.#apartOf(a, b).find(({ from, to }) => from <= at && at < to)?.to ?? at;
  }

  #apartOf(a: string, b: string): readonly Interval[] {
    if (a === b) return [];
    const key = `${a}/${b}`;
    let apart = this.#apart.get(key);
    if (apart === undefined) this.#apart.set(key, (apart = this.connectivity.apart(a, b)));
    return apart;
  }
}

function dropOldest({ lossy, node, life }: ConsumerRecord): readonly Account[] {
  return lossy ? [accountOf(node, life, 'dropOldest')] : [];
}
