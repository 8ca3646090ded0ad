import type { QueueStore } from '../queues/store-port';
import { idOf, kindOf, OUTBOX_SPACE, RECORD_KIND, sizeOf, type Totals } from './outbox-records';

/** What a salvage has left of an outbox, counted anew. */
export class OutboxRecount {
  readonly #totals = new Map<number, { messages: number; bytes: number }>();
  readonly #holders = new Map<number, number>();
  last = 0;

  /** @throws RecordDamagedError */
  constructor(
    private readonly store: QueueStore,
    destinations: Iterable<number>,
  ) {
    for (const id of destinations) this.#count(id);
  }

  #count(id: number): void {
    const totals = { messages: 0, bytes: 0 };
    this.#totals.set(id, totals);
    this.store.scan(OUTBOX_SPACE.messages, id, 0, Number.MAX_SAFE_INTEGER, (key, record) => {
      totals.messages++;
      totals.bytes += sizeOf(record);
      this.last = Math.max(this.last, key);
      if (kindOf(record) === RECORD_KIND.payload)
        this.#holders.set(idOf(record), (this.#holders.get(idOf(record)) ?? 0) + 1);
      return true;
    });
  }

  totals(id: number): Totals {
    return this.#totals.get(id) ?? { messages: 0, bytes: 0 };
  }

  /** @param visit told of each payload how many have it, perhaps nobody */
  payloads(visit: (id: number, record: Buffer, holders: number) => void): void {
    this.store.scan(OUTBOX_SPACE.payloads, 0, 0, Number.MAX_SAFE_INTEGER, (id, record) => {
      this.last = Math.max(this.last, id);
      visit(id, record, this.#holders.get(id) ?? 0);
      return true;
    });
  }
}
