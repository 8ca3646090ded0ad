import type { Clock, Journal } from '../common/ports';
import type { DropReason, Outcome, OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { AddressTable } from './address-table';
import type { Audience } from './audience';
import type { Barrier } from './barrier';
import type { Chokes } from './chokes';
import type { Consumer, ConsumerHandler, ConsumerSpec } from './contract';
import { AddressError } from './errors';
import { SLOW_CHECK_MS } from './limits';
import { LocalConsumer, type ConsumerPorts } from './local-consumer';
import type { Holding } from './holding';
import type { LocalInterest } from './local-interest';
import type { AddressCounters } from './ports';
import type { Queues } from './queues';
import type { SiteSlots } from './site-slots';
import type { LaneBudget } from './spill';

/** What the consumers of a node are told of and tell. */
export interface ConsumersPorts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly table: AddressTable;
  readonly queues: Queues;
  readonly audience: Audience;
  readonly interest: LocalInterest;
  readonly barrier: Barrier;
  readonly chokes: Chokes;
  readonly sites: SiteSlots;
  readonly counters: AddressCounters;
  readonly lanes: LaneBudget;
  readonly holding: Holding;
  scheduleFlush(): void;
}

/** All consumers of this node: told to the mesh when they come and go, and ended when they take nothing for too long. */
export class Consumers implements ConsumerPorts {
  readonly #slow = new Set<LocalConsumer>();
  #checkAt = Infinity;

  constructor(private readonly ports: ConsumersPorts) {}

  get lanes(): LaneBudget {
    return this.ports.lanes;
  }

  get holding(): Holding {
    return this.ports.holding;
  }

  /** @throws FairleadError when the address cannot be used */
  open(spec: ConsumerSpec, handler: ConsumerHandler): Consumer {
    const { table, queues } = this.ports;
    if (spec.subscription !== undefined) return queues.subscriptions.openConsumer(spec, spec.subscription, handler);
    const entry = table.consumerEntry(spec.address, spec.hint);
    return entry.kind === 'queue' ? queues.openConsumer(entry, spec, handler) : this.#open(entry, spec, handler);
  }

  #open(entry: AddressEntry, spec: ConsumerSpec, handler: ConsumerHandler): Consumer {
    const { audience, interest, barrier } = this.ports;
    const consumer = new LocalConsumer(this, spec, handler, entry);
    entry.attached++;
    audience.addConsumer(consumer);
    const version = interest.add(entry.kind, entry.name);
    barrier.wait(version, (unconfirmed) => {
      if (consumer.closed) return;
      if (unconfirmed.length > 0) this.#warn(consumer, unconfirmed);
      handler.onConfirmed(unconfirmed);
    });
    return consumer;
  }

  #warn({ filter, spec }: LocalConsumer, unconfirmed: readonly string[]): void {
    this.ports.journal.warn('consumer-unconfirmed', {
      address: filter,
      client: spec.client,
      nodes: unconfirmed.slice(0, 10),
    });
  }

  closed(consumer: LocalConsumer): void {
    const { audience, interest } = this.ports;
    const { entry } = consumer;
    entry.attached--;
    audience.removeConsumer(consumer);
    interest.remove(entry.kind, entry.name);
    entry.forwarder.left(entry);
  }

  now(): number {
    return this.ports.clock.now();
  }

  delivered(): void {
    this.ports.counters.delivered++;
  }

  dropped(reason: DropReason, count: number): void {
    this.ports.counters.drop(reason, count);
  }

  settled(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    this.ports.sites.settle(slot, outcome, detail);
  }

  onSlow(consumer: LocalConsumer, slow: boolean): void {
    this.ports.chokes.onSlow(consumer, slow);
    if (!slow) {
      this.#slow.delete(consumer);
      return;
    }
    this.#slow.add(consumer);
    if (this.#checkAt !== Infinity) return;
    this.#checkAt = this.now() + SLOW_CHECK_MS;
    this.ports.scheduleFlush();
  }

  tick(now: number): void {
    if (now < this.#checkAt) return;
    for (const consumer of [...this.#slow]) {
      if (!consumer.stuck(now)) continue;
      const { filter, spec, blockForMs } = consumer;
      this.ports.journal.warn('consumer-slow', { address: filter, client: spec.client });
      const message = `consumer of '${filter}' took nothing for ${blockForMs} ms while messages waited`;
      consumer.end(new AddressError('FL_CONSUMER_SLOW', message));
    }
    this.#checkAt = this.#slow.size > 0 ? now + SLOW_CHECK_MS : Infinity;
  }

  deadline(): number {
    return this.#checkAt;
  }
}
