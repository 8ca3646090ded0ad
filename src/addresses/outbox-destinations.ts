import type { AddressEntry } from './address-entry';
import { OUTBOX_IDLE_MAX } from './limits';
import type { OutboxBatch } from './outbox-batch';
import type { OutboxPorts } from './outbox-ports';
import { OUTBOX_SPACE } from './outbox-records';
import { Outgoing } from './outgoing';
import type { TurnClock } from './turn-clock';

/** Queues of other nodes that something waits, or waited, for here: each has a number on the disk until it is forgotten. */
export class OutboxDestinations {
  readonly #byName = new Map<string, Outgoing>();
  /** Those that are empty, the longest ones first. */
  readonly #idle = new Set<Outgoing>();
  #lastId = 0;

  constructor(
    private readonly ports: Pick<OutboxPorts, 'store' | 'entryOf' | 'uses'>,
    private readonly clock: TurnClock,
    private readonly batch: (mayWait: boolean) => OutboxBatch,
    private readonly onForgotten: (to: Outgoing) => void,
  ) {}

  /** Those that are not empty. */
  get busy(): number {
    return this.#byName.size - this.#idle.size;
  }

  all(): IterableIterator<Outgoing> {
    return this.#byName.values();
  }

  find(name: string): Outgoing | undefined {
    return this.#byName.get(name);
  }

  isKnown(to: Outgoing): boolean {
    return this.#byName.get(to.entry.name) === to;
  }

  /** One that the disk knows. */
  add(name: string, id: number): Outgoing {
    this.#lastId = Math.max(this.#lastId, id);
    const entry = this.ports.entryOf(name);
    const to = new Outgoing(id, entry);
    // It stays in the table: its lane must not be forgotten.
    entry.attached++;
    this.ports.uses(entry, to);
    this.#byName.set(name, to);
    to.movedAt = this.clock.now();
    return to;
  }

  /** That of an address, which something is put for now. */
  of({ name }: AddressEntry): Outgoing {
    const known = this.#byName.get(name);
    if (known !== undefined) {
      if (known.empty) known.movedAt = this.clock.now();
      this.#idle.delete(known);
      return known;
    }
    this.#forgetIdle();
    const to = this.add(name, this.#lastId + 1);
    this.#name(to);
    return to;
  }

  /** Something of it has gone: perhaps nothing waits for it any more. */
  review(to: Outgoing): void {
    if (to.empty) this.#idle.add(to);
  }

  #name(to: Outgoing): void {
    this.ports.store.put(OUTBOX_SPACE.names, 0, to.id, Buffer.from(to.entry.name));
    this.batch(false).named.push(to);
  }

  #forgetIdle(): void {
    if (this.#idle.size < OUTBOX_IDLE_MAX) return;
    for (const to of this.#idle) {
      this.#idle.delete(to);
      this.#byName.delete(to.entry.name);
      to.entry.attached--;
      this.ports.uses(to.entry, null);
      this.onForgotten(to);
      this.#forget(to.id);
      return;
    }
  }

  #forget(id: number): void {
    const { store } = this.ports;
    store.delete(OUTBOX_SPACE.names, 0, id);
    store.delete(OUTBOX_SPACE.totals, 0, id);
    this.batch(true).forgotten.push(id);
  }

  /** A group has failed: what it had of names is written again. */
  again({ named, forgotten }: OutboxBatch): void {
    for (const to of named) if (this.isKnown(to)) this.#name(to);
    for (const id of forgotten) this.#forget(id);
  }
}
