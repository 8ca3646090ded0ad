import type { ConsumerRecord, Delivery, Ledger, PublisherRecord } from './ledger';

/** What each consumer got, by message. */
export class Deliveries {
  readonly #byConsumer = new Map<ConsumerRecord, ReadonlyMap<number, Delivery>>();
  readonly #last = new Map<ConsumerRecord, Map<number, number>>();
  readonly #wanted = new Map<string, boolean>();

  constructor(ledger: Ledger) {
    for (const consumer of ledger.consumers) {
      const byMessage = new Map<number, Delivery>();
      const last = new Map<number, number>();
      for (const delivery of consumer.got) {
        const { publisher, seq } = delivery;
        const key = keyOf(publisher, seq);
        if (!byMessage.has(key)) byMessage.set(key, delivery);
        if (seq > (last.get(publisher) ?? -1)) last.set(publisher, seq);
      }
      this.#byConsumer.set(consumer, byMessage);
      this.#last.set(consumer, last);
    }
  }

  of(consumer: ConsumerRecord, publisher: PublisherRecord, seq: number): Delivery | undefined {
    return this.#byConsumer.get(consumer)?.get(keyOf(publisher.id, seq));
  }

  /** The youngest message of the publisher that the consumer got; -1 for none. */
  last(consumer: ConsumerRecord, publisher: PublisherRecord): number {
    return this.#last.get(consumer)?.get(publisher.id) ?? -1;
  }

  /** True when the consumer is one of those that the publisher's messages are for. */
  wants({ kind, filter }: ConsumerRecord, publisher: PublisherRecord): boolean {
    if (publisher.kind !== kind) return false;
    const key = `${filter} ${publisher.address}`;
    let wanted = this.#wanted.get(key);
    if (wanted === undefined) this.#wanted.set(key, (wanted = filterMatches(filter, publisher.address)));
    return wanted;
  }
}

function keyOf(publisher: number, seq: number): number {
  return publisher * 0x1_0000_0000 + seq;
}

/** True when a filter of dotted words matches a name. */
export function filterMatches(filter: string, name: string): boolean {
  const pattern = filter
    .split('.')
    .map((word) => (word === '#' ? '.*' : word === '*' ? '[^.]*' : word.replace(/[^\w]/g, '\\$&')))
    .join('\\.');
  return new RegExp(`^${pattern.replace(/\\\.\.\*/g, '(\\..*)?')}$`).test(name);
}
