import { nodeIdOf } from '../links/contract';
import type { Queue, QueueHost } from '../queues/contract';
import { SPACE, type Replicas } from '../routing/contract';
import type { AddressNames } from './address-names';
import { LateQueues } from './late-queues';
import { STINTS_MAX } from './limits';
import { isSame, joined, type QueueClaim } from './queue-claim';
import type { QueueHomes } from './queue-homes';
import type { MovingSubscriptions } from './rehoming-ports';
import { isSubscriptionQueue } from './reserved-names';
import { subscriptionPolicy } from './rules';
import type { Seen, Stint, SubscriptionRecord, SubscriptionRecords } from './subscription-records';
import type { SubscriptionRouting } from './subscription-routing';
import type { SubscriptionsHere } from './subscriptions-here';

/** One that has moved away: what this node tells of it says where to. */
interface Gone {
  readonly claim: QueueClaim;
  readonly stints: readonly Stint[];
  /** It was known to be there as of that state of that node's facts. */
  readonly seen: Seen;
}

export interface SubscriptionMovesPorts {
  readonly host: QueueHost;
  readonly homes: QueueHomes;
  readonly names: AddressNames;
  readonly replicas: Replicas;
  readonly routing: SubscriptionRouting;
  readonly records: SubscriptionRecords;
  readonly here: SubscriptionsHere;
  /** A queue here is on its way to another node, or into another queue. */
  isLeaving(queue: string): boolean;
  /** What is put for it to its former home is on its way here. */
  isComing(queue: string): boolean;
  /** What is noted of one that has come from another node; null for any other. */
  claimOf(queue: string): QueueClaim | null;
  scheduleFlush(): void;
}

/**
 * Subscriptions that come to this node, and leave it. Of one that has left the node tells where it went for as long as it lives: who
 * knows no more than that puts to here, and what is put is sent on (`late-queues.ts`).
 */
export class SubscriptionMoves implements MovingSubscriptions {
  readonly late: LateQueues;
  readonly #gone = new Map<string, Gone>();
  /** Those of which it is not known whether they live. */
  readonly #unsure = new Set<string>();

  constructor(private readonly ports: SubscriptionMovesPorts) {
    this.late = new LateQueues(ports.host, (name) => ports.isLeaving(name));
  }

  /** What the disk knows is told again. */
  start(known: readonly SubscriptionRecord[]): void {
    const { host, here } = this.ports;
    this.late.start();
    here.begin(known.reduce((last, { stints }) => Math.max(last, ...stints.flat()), 0));
    const stored = new Set(host.stored);
    for (const record of known) {
      if (record.seen !== null) this.#goneAway(record.name, { ...record, seen: record.seen });
      else if (stored.has(record.name)) here.restore(record, this.#stateOf(record.name));
      else this.ports.homes.own(record.name, record.claim);
    }
    for (const name of stored) this.#findCome(name);
    if (known.length > 0) here.tellClock();
  }

  /** It had come when the last life ended. */
  #findCome(name: string): void {
    if (!isSubscriptionQueue(name) || this.idsOf(name).length > 0 || this.ports.isLeaving(name)) return;
    const claim = this.ports.claimOf(name);
    if (claim !== null) this.adopted(name, claim);
  }

  #stateOf(name: string): 'served' | 'aside' | 'leaving' {
    if (this.ports.isLeaving(name)) return 'leaving';
    return this.ports.isComing(name) || this.late.first(name) !== null ? 'aside' : 'served';
  }

  // --- what rehoming asks ------------------------------------------------------------------------------------------------------

  isDurable(name: string): boolean {
    return this.ports.here.get(name)?.definition.durable === true;
  }

  isHere(name: string): boolean {
    return this.ports.here.claimOf(name) !== null;
  }

  idsOf(name: string): readonly string[] {
    return (this.ports.here.claimOf(name) ?? this.#gone.get(name)?.claim)?.ids ?? [];
  }

  leaves(name: string): void {
    const here = this.ports.here.get(name);
    if (here !== undefined) this.ports.here.putAside(name, here);
  }

  stays(name: string): void {
    const here = this.ports.here.get(name);
    if (here === undefined || here.queue !== null || this.ports.isLeaving(name) || this.ports.isComing(name)) return;
    if (!this.late.isBehind(name)) this.ports.here.serve(name, here);
  }

  adopted(name: string, told: QueueClaim): void {
    const { here, host, names } = this.ports;
    const { subscription } = told;
    if (subscription === null) return;
    host.open(name, subscriptionPolicy(names.policy('topic', subscription.filter)));
    const claim = { ...told, since: here.nextClock() };
    const before = this.#gone.get(name);
    const former = before !== undefined && isSame(before.claim, told) ? before.stints : [];
    this.#forget(name);
    const stints = [...former, [claim.since, 0] as const].slice(-STINTS_MAX);
    // What is put by those who know it here already comes behind what those who do not yet have put.
    here.tell(name, here.add(name, null, claim, stints));
  }

  joined(name: string, ids: readonly string[]): void {
    const here = this.ports.here.get(name);
    if (here === undefined || ids.every((id) => here.claim.ids?.includes(id))) return;
    here.claim = joined(here.claim, ids);
    this.ports.here.tell(name, here);
  }

  departed(name: string, to: string): void {
    const { here, homes, replicas, records } = this.ports;
    const left = here.get(name);
    const told = homes.told(to, name);
    if (left === undefined || told === null) return;
    here.remove(name);
    const until = here.nextClock();
    const claim = { ...left.claim, generation: told.generation, movedTo: to, until };
    const stints = left.stints.map(([since, end]): Stint => [since, end === 0 ? until : end]);
    const { incarnation, version } = replicas.stamp(SPACE.facts, nodeIdOf(to)) ?? { incarnation: 0, version: 0 };
    const seen = { incarnation, version };
    this.#goneAway(name, { claim, stints, seen });
    here.tellClock();
    records.set({ name, claim, stints, seen }, () => undefined);
  }

  ended(name: string): void {
    if (this.isHere(name)) this.ports.here.forget(name, () => undefined);
  }

  #goneAway(name: string, gone: Gone): void {
    const { claim, stints } = gone;
    if (claim.subscription === null) return;
    this.#gone.set(name, gone);
    this.ports.routing.add(name, null, claim.subscription, stints);
    this.ports.homes.own(name, claim);
    this.review(name);
  }

  /** A queue here for what comes while it is on its way, or late for one that has moved away. */
  lateQueue(name: string): Queue {
    const { here, names } = this.ports;
    const subscription = (here.claimOf(name) ?? this.#gone.get(name)?.claim)?.subscription ?? null;
    const rule = subscription === null ? null : names.policy('topic', subscription.filter);
    this.ports.scheduleFlush();
    return this.late.open(name, subscriptionPolicy(rule));
  }

  // --- the end of what is told of those that left --------------------------------------------------------------------------------

  /** What others tell of a subscription may be another: one that has left may have been ended. */
  review(name: string): void {
    const gone = this.#gone.get(name);
    if (gone === undefined) return;
    const { homes, replicas } = this.ports;
    const { claim, seen } = gone;
    const to = claim.movedTo ?? '';
    const told = homes.told(to, name);
    this.#unsure.delete(name);
    // Where it went somebody may tell where it went from there: whoever is behind asks no further than that.
    if (told !== null && isSame(told, claim)) return;
    if (isBefore(replicas.stamp(SPACE.facts, nodeIdOf(to)), seen)) {
      this.#unsure.add(name);
      return;
    }
    this.drop(name);
  }

  /** It is told no more where one went: it was ended, wherever it was. */
  drop(name: string): void {
    if (!this.#gone.has(name)) return;
    this.#forget(name);
    this.ports.homes.own(name, null);
    this.ports.records.delete(name, () => undefined);
    this.ports.scheduleFlush();
  }

  #forget(name: string): void {
    if (!this.#gone.delete(name)) return;
    this.#unsure.delete(name);
    this.ports.routing.remove(name);
  }

  /** Facts of another node are newer than before. */
  factsChanged(): void {
    for (const name of [...this.#unsure]) this.review(name);
  }
}

/** What is known of a node's facts is older than what was known once: since then this node was restarted. */
function isBefore(known: Seen | null, seen: Seen): boolean {
  if (known === null || known.incarnation < seen.incarnation) return true;
  return known.incarnation === seen.incarnation && known.version < seen.version;
}
