import type { AddressEntry } from './address-entry';
import type { AddressTable } from './address-table';
import type { PublisherHandler, PublisherSpec } from './contract';
import type { CreditBook } from './credit';
import { LocalPublisher, type PublisherPorts } from './local-publisher';
import type { AddressCounters } from './ports';

/** All publishers of this node. */
export class Publishers implements PublisherPorts {
  /** Those of large messages that were told to wait. */
  readonly #held = new Set<LocalPublisher>();

  constructor(
    private readonly table: AddressTable,
    readonly credit: CreditBook,
    readonly counters: AddressCounters,
  ) {}

  /** @throws AddressError when the address cannot be used */
  open(spec: PublisherSpec, handler: PublisherHandler): LocalPublisher {
    const entry = spec.address === null ? null : this.table.resolve(spec.address, spec.hint);
    const publisher = new LocalPublisher(this, spec, handler, entry);
    entry?.publishers.add(publisher);
    this.credit.opened(publisher);
    return publisher;
  }

  /** One of the mesh's own: what it may have under way is bounded elsewhere, so that it gets no credit. */
  openInternal(client: string, handler: PublisherHandler): LocalPublisher {
    const publisher = new LocalPublisher(this, { address: null, hint: null, client }, handler, null);
    publisher.window = 0;
    return publisher;
  }

  live(entry: AddressEntry): AddressEntry {
    return this.table.live(entry);
  }

  hold(publisher: LocalPublisher, held: boolean): void {
    if (held) this.#held.add(publisher);
    else this.#held.delete(publisher);
  }

  closed(publisher: LocalPublisher): void {
    publisher.entry?.publishers.delete(publisher);
    this.credit.closed(publisher);
  }

  /** A stream has room again, or is gone. */
  relieved(): void {
    this.credit.anyChanged();
    this.reviewHeld();
  }

  /** What large messages wait for may be over. */
  reviewHeld(): void {
    for (const publisher of [...this.#held]) publisher.review();
  }
}
