import { SETTLE_MS, type Connectivity } from './connectivity';
import type { ConsumerRecord, PublisherRecord, SentMessage } from './ledger';
import type { Oracle } from './oracle';

/** Decides by what was done to wires and nodes what the mesh has promised (FAULTS, G1 and G6). */
export class MeshOracle implements Oracle {
  readonly #apart = new Map<string, ReturnType<Connectivity['apart']>>();

  constructor(
    private readonly connectivity: Connectivity,
    private readonly partitionHoldMs: number,
  ) {}

  mustReach(publisher: PublisherRecord, message: SentMessage, consumer: ConsumerRecord): boolean {
    const known = this.#knownFrom(publisher, consumer);
    if (known === null || message.at < known) return false;
    return !this.excused(publisher, message, consumer);
  }

  /** True when the two were apart for longer than the hold, or one had to begin a new life, while the message may have been under way. */
  excused(publisher: PublisherRecord, { at }: SentMessage, consumer: ConsumerRecord): boolean {
    const early = at + this.partitionHoldMs;
    const disturbed = [publisher, consumer].some(({ node }) =>
      this.connectivity.disturbedBetween(node, at, at + SETTLE_MS),
    );
    return (
      disturbed ||
      this.#apartOf(publisher, consumer).some(
        ({ from, to }) => to - from >= this.partitionHoldMs && from <= early && at <= to,
      )
    );
  }

  /** From when on the publisher's node surely knows of the subscription; null for never. */
  #knownFrom(publisher: PublisherRecord, consumer: ConsumerRecord): number | null {
    const { confirmedAt, unconfirmed } = consumer;
    if (confirmedAt === null) return null;
    if (publisher.node === consumer.node) return publisher.life === consumer.life ? confirmedAt : null;
    const late = unconfirmed.includes(publisher.node) ? SETTLE_MS : 0;
    let from = Math.max(confirmedAt + late, publisher.openedAt);
    for (const apart of this.#apartOf(publisher, consumer)) if (apart.from <= from && from < apart.to) from = apart.to;
    return from === Infinity ? null : from;
  }

  #apartOf(a: PublisherRecord, b: ConsumerRecord): ReturnType<Connectivity['apart']> {
    if (a.node === b.node) return [];
    const key = `${a.node}/${b.node}`;
    let apart = this.#apart.get(key);
    if (apart === undefined) this.#apart.set(key, (apart = this.connectivity.apart(a.node, b.node)));
    return apart;
  }
}
