import type { CoHolder } from '../queues/co-holder';
import type { AddressEntry } from './address-entry';
import type { OutboxDisk } from './outbox-disk';
import type { MessageFacts, OutboxWriter } from './outbox-writer';
import type { Outgoing } from './outgoing';

/** The part of the outbox in a message that goes into subscriptions here as well: written, stored and answered with that. */
export class OutboxCompanion implements CoHolder {
  /** Where it has its place already, and under which number. */
  #places: readonly Outgoing[] | null = null;
  #key = 0;

  constructor(
    private readonly disk: OutboxDisk,
    private readonly writer: OutboxWriter,
    private readonly entries: readonly AddressEntry[],
    private readonly facts: MessageFacts,
    private readonly length: number,
  ) {}

  get holders(): number {
    return this.entries.length;
  }

  wait(): void {
    if (this.#places !== null) return;
    const places = this.#destinations();
    this.#key = this.disk.nextKey();
    for (const to of places) to.store(this.#key, this.length);
    this.#places = places;
  }

  #destinations(): readonly Outgoing[] {
    return this.entries.map((entry) => this.disk.destinations.of(entry));
  }

  enter(payload: Buffer, start: number, at: number, end: number, shared: number | null): void {
    const to = this.#enter();
    if (shared === null) this.writer.write(to, this.#key, this.facts, payload, start, end);
    else {
      const what = { kind: 'message', id: shared, length: end - at } as const;
      this.writer.writeHeld(to, this.#key, this.facts, what, payload.subarray(start, at));
    }
  }

  enterLarge(topic: Buffer, body: number, length: number): void {
    this.writer.writeHeld(this.#enter(), this.#key, this.facts, { kind: 'body', id: body, length }, topic);
  }

  #enter(): readonly Outgoing[] {
    if (this.#places !== null) return this.#places;
    this.#key = this.disk.nextKey();
    return this.#destinations();
  }

  refused(): void {
    for (const to of this.#places ?? []) this.disk.stored(to, this.#key);
  }
}
