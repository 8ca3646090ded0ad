import type { Clock, Journal } from '../common/ports';
import { FairleadError } from '../common/errors';
import type { Queue, QueueHost } from '../queues/contract';
import { SPACE, type Replicas } from '../routing/contract';
import type { AddressNames } from './address-names';
import type { QueueClaim, SubscriptionDefinition } from './queue-claim';
import type { QueueHomes } from './queue-homes';
import { subscriptionPolicy } from './rules';
import { CLOCK_KEY, type SubscriptionBook } from './subscription-book';
import type { SubscriptionFeeder } from './subscription-feeder';
import type { SubscriptionRecord, SubscriptionRecords, Stint } from './subscription-records';
import type { SubscriptionRouting } from './subscription-routing';

export type Confirm = (unconfirmed: readonly string[]) => void;

/** A subscription that lives at this node. */
export interface Here {
  /** Null while what is put for it is put aside. */
  queue: Queue | null;
  claim: QueueClaim;
  readonly definition: SubscriptionDefinition;
  /** When it was here: the last one is not over. */
  readonly stints: readonly Stint[];
  /** What is still to come until it misses nothing that is published at nodes within reach, and who waits for that. */
  missing: number;
  unconfirmed: readonly string[];
  readonly waiters: Confirm[];
  /** Of one that keeps nothing. */
  feeder: SubscriptionFeeder | null;
}

export interface SubscriptionsHerePorts {
  readonly selfName: string;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly host: QueueHost;
  readonly homes: QueueHomes;
  readonly names: AddressNames;
  readonly replicas: Replicas;
  readonly book: SubscriptionBook;
  readonly routing: SubscriptionRouting;
  readonly records: SubscriptionRecords;
  scheduleFlush(): void;
}

/** The subscriptions that live at this node: what is told of them, and kept, and where what is put for them goes. */
export class SubscriptionsHere {
  readonly #all = new Map<string, Here>();
  /** Those whose records cannot be read. */
  readonly #damaged = new Map<string, QueueClaim>();
  /** Of changes to them. */
  #clock = 0;

  constructor(private readonly ports: SubscriptionsHerePorts) {}

  get(name: string): Here | undefined {
    return this.#all.get(name);
  }

  values(): Iterable<readonly [name: string, here: Here]> {
    return this.#all;
  }

  /** What is told of one that is on the disk, also when it cannot be served. */
  claimOf(name: string): QueueClaim | null {
    return this.#all.get(name)?.claim ?? this.#damaged.get(name) ?? null;
  }

  /** @param last the last change that is known from before */
  begin(last: number): void {
    this.#clock = Math.max(last, Math.floor(this.ports.clock.wall()));
  }

  nextClock(): number {
    return (this.#clock = Math.max(this.#clock + 1, Math.floor(this.ports.clock.wall())));
  }

  /** After a change to the subscriptions here: who publishes says as of when it knows them. */
  tellClock(): void {
    const { replicas, book, selfName } = this.ports;
    const value = Buffer.from(String(this.#clock));
    replicas.set(SPACE.facts, CLOCK_KEY, value);
    book.onClock(selfName, value);
  }

  /** One that the disk knows. @param how `aside`: what is put for it is put aside; `leaving`: so it is, and nobody serves it here */
  restore({ name, claim, stints }: SubscriptionRecord, how: 'served' | 'aside' | 'leaving'): void {
    this.ports.homes.own(name, claim);
    const { subscription } = claim;
    if (subscription === null) return;
    const queue = how === 'leaving' ? null : this.#open(name, subscription);
    if (queue === null && how !== 'leaving') this.#damaged.set(name, claim);
    else this.add(name, how === 'served' ? queue : null, claim, stints);
  }

  /** Null for one whose records are damaged: who asks for it is told. */
  #open(name: string, { filter }: SubscriptionDefinition): Queue | null {
    try {
      return this.ports.host.open(name, subscriptionPolicy(this.ports.names.policy('topic', filter)));
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.ports.journal.warn('subscription-damaged', { queue: name, why: error.message });
      return null;
    }
  }

  /** @param queue null while what is put for it is put aside */
  add(name: string, queue: Queue | null, claim: QueueClaim, stints: readonly Stint[]): Here {
    const definition = claim.subscription as SubscriptionDefinition;
    const here: Here = { queue, claim, definition, stints, missing: 0, unconfirmed: [], waiters: [], feeder: null };
    this.#all.set(name, here);
    if (definition.durable) this.ports.routing.add(name, queue, definition, stints);
    return here;
  }

  /** One that is new here, or is another now, is told of and kept. @param done it is on the disk */
  tell(name: string, { claim, definition, stints }: Here, done: () => void = () => undefined): void {
    const { homes, book, selfName, records } = this.ports;
    homes.own(name, claim);
    book.home(selfName);
    this.tellClock();
    if (definition.durable) records.set({ name, claim, stints, seen: null }, done);
    this.ports.scheduleFlush();
  }

  /** What is put for it is put aside from now on. */
  putAside(name: string, here: Here): void {
    here.queue = null;
    this.ports.routing.add(name, null, here.definition, here.stints);
  }

  /** It takes what is put for it. */
  serve(name: string, here: Here): void {
    here.queue = this.#open(name, here.definition);
    if (here.queue !== null) this.ports.routing.add(name, here.queue, here.definition, here.stints);
  }

  /** It lives here no more. */
  remove(name: string): void {
    this.#all.get(name)?.feeder?.close();
    this.#all.delete(name);
    this.#damaged.delete(name);
    this.ports.routing.remove(name);
  }

  /** It is nowhere any more. @param done it is deleted on the disk */
  forget(name: string, done: () => void): void {
    const { homes, records } = this.ports;
    this.remove(name);
    homes.own(name, null);
    this.nextClock();
    this.tellClock();
    records.delete(name, done);
    this.ports.scheduleFlush();
  }
}
