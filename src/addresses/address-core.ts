import type { Chunk } from '../common/chunk';
import type { FairleadError } from '../common/errors';
import type { WireReader } from '../common/wire';
import type { NodeId, StreamClass } from '../links/contract';
import { SPACE, type NodeView, type ReplicaEvents, type Space } from '../routing/contract';
import type {
  DropReason,
  LargeBody,
  Outcome,
  OutcomeDetail,
  Receipt,
  StreamsUpper,
  TargetState,
} from '../streams/contract';
import type { QueueHost } from '../queues/contract';
import type { AddressEntry } from './address-entry';
import { CIRCUIT_LETTER } from './circuits';
import { temporaryName } from './address-names';
import type {
  AddressKind,
  AddressRef,
  AddressSpace,
  Consumer,
  ConsumerHandler,
  ConsumerSpec,
  KindHint,
  Publisher,
  PublisherHandler,
  PublisherSpec,
  SubscriptionRef,
  SubscriptionView,
  Transaction,
} from './contract';
import { CONTROL } from './control';
import { reserved } from './errors';
import { AddressParts } from './address-parts';
import type { OutboxView } from './outbox-view';
import { Peers } from './peers';
import { REHOMING_WIRE } from './rehoming-messages';
import type { QueueRelocation } from './rehoming';
import type { AddressCounters, AddressPorts } from './ports';
import { parseAddress } from './names';
import { isReserved } from './reserved-names';
import { RuleChanges } from './rule-changes';
import type { AddressPolicy, RuleInForce } from './rules';

/**
 * What a name means: who publishes, who consumes, here and at other sites, and by which rule. Stands on streams below and is what
 * listeners and bridges see. This class hands each event to the parts that it concerns; see the folder's README.
 */
export class AddressCore implements AddressSpace, StreamsUpper<AddressEntry>, ReplicaEvents {
  readonly #parts: AddressParts;
  readonly #peers: Peers;
  readonly #ruleChanges: RuleChanges;
  #temporaries = 0;

  constructor(private readonly ports: AddressPorts) {
    this.#parts = new AddressParts(ports, () => this.#ruleChanges.apply());
    this.#peers = new Peers(ports, this.#parts);
    this.#ruleChanges = new RuleChanges(this.#parts, ports.scheduleFlush);
    this.#ruleChanges.apply();
  }

  /** Queues that live at this node. */
  get queues(): QueueHost {
    return this.#parts.queues.host;
  }

  /** Every queue of the mesh with the name of the node where it lives. */
  queueHomes(): Iterable<readonly [name: string, node: string]> {
    return this.#parts.queues.homes.all();
  }

  /** What waits here to be forwarded, by the queue of another node that it is for. */
  outbox(): readonly OutboxView[] {
    return this.#parts.queues.forwarder.outbox.views();
  }

  /** Queues that move from this node to others. */
  get relocation(): QueueRelocation {
    return this.#parts.queues.rehoming;
  }

  get counters(): AddressCounters {
    return this.#parts.counters;
  }

  // --- what listeners ask --------------------------------------------------------------------------------------------------

  resolve(address: string, hint: KindHint): AddressRef {
    return unreserved(this.#parts.table.resolve(address, hint));
  }

  temporary(hint: KindHint): AddressRef {
    const unique = `${this.ports.random.u32().toString(16)}-${(++this.#temporaries).toString(16)}`;
    const name = temporaryName(hint ?? 'anycast', this.ports.selfName, unique);
    if (hint === 'queue') this.#parts.queues.openTemporary(name);
    return this.#parts.table.resolve(name, null);
  }

  dropTemporary(address: AddressRef): void {
    if (address.kind === 'queue') this.#parts.queues.dropTemporary(address.name);
  }

  beginTransaction(): Transaction {
    return this.#parts.queues.transactions.beginTransaction();
  }

  openPublisher(spec: PublisherSpec, handler: PublisherHandler): Publisher {
    const address = spec.address === null ? null : this.resolve(spec.address, spec.hint);
    if (address?.kind === 'queue') this.#parts.queues.checkThere(address.name);
    return this.#parts.publishers.open(spec, handler);
  }

  openConsumer(spec: ConsumerSpec, handler: ConsumerHandler): Consumer {
    unreserved(parseAddress(spec.address));
    return this.#parts.consumers.open(spec, handler);
  }

  findSubscription(ref: SubscriptionRef): SubscriptionView | null {
    return this.#parts.queues.book.view(ref);
  }

  unsubscribe(ref: SubscriptionRef, done: (error: FairleadError | null) => void): void {
    this.#parts.queues.subscriptions.unsubscribe(ref, done);
  }

  subscriptions(): Iterable<SubscriptionView> {
    return this.#parts.queues.book.views();
  }

  // --- what streams bring --------------------------------------------------------------------------------------------------

  resolveWire(wire: string): AddressEntry {
    if (wire.startsWith(CIRCUIT_LETTER) || wire === REHOMING_WIRE) return this.#parts.queues.circuitEntry(wire);
    return this.#parts.table.ofWire(wire);
  }

  onMessage(
    receipt: Receipt,
    seq: number,
    entry: AddressEntry,
    flags: number,
    chunk: Chunk,
    start: number,
    end: number,
  ): void {
    entry.forwarder.arrive(receipt, seq, entry, flags, chunk, start, end);
  }

  onLarge(receipt: Receipt, seq: number, entry: AddressEntry, flags: number, body: LargeBody): void {
    const live = entry.circuit === null ? this.#parts.table.live(entry) : entry;
    live.forwarder.arriveLarge(receipt, seq, live, flags, body);
  }

  onNotTaken(origin: NodeId, entry: AddressEntry): void {
    if (entry.kind === 'queue' && entry.circuit === null) this.#parts.queues.forwarder.notTaken(entry, origin);
  }

  /** @throws WireError */
  onControl(origin: NodeId, kind: number, payload: WireReader): void {
    if (kind === CONTROL.interestApplied) {
      this.#parts.barrier.onAck(origin, payload);
      return;
    }
    if (kind === CONTROL.factsApplied) {
      this.#parts.facts.onAck(origin, payload);
      return;
    }
    if (kind >= CONTROL.circuitOpen && kind <= CONTROL.handoverAnswer) {
      this.#parts.queues.onControl(origin, kind, payload);
      return;
    }
    this.#peers.onControl(origin, kind, payload);
  }

  onOutcome(slot: number, target: NodeId, outcome: Outcome, detail: OutcomeDetail | null): void {
    const { queues, pending } = this.#parts;
    if (queues.ownsSlot(slot)) queues.onOutcome(slot, outcome, detail);
    else pending.find(slot)?.forwarder.onOutcome(slot, target, outcome, detail);
  }

  onLost(slot: number, target: NodeId, sent: boolean, reason: DropReason): void {
    const { queues, pending } = this.#parts;
    if (queues.ownsSlot(slot)) {
      queues.onLost(slot, sent);
      return;
    }
    const entry = pending.find(slot);
    if (entry === null) return;
    // What a site certainly does not have may still be given to another candidate of anycast; of multicast that site has lost it.
    // Puts into queues are sent again.
    if (entry.kind !== 'queue' && (sent || entry.kind === 'multicast')) this.counters.drop(reason, 1);
    entry.forwarder.onLost(slot, target, sent);
  }

  onDropped(_target: NodeId, address: string, count: number, reason: DropReason): void {
    // A queue on its way is copied again.
    if (address !== REHOMING_WIRE) this.counters.drop(reason, count);
  }

  onFull(target: NodeId, _cls: StreamClass, full: boolean): void {
    if (full) return;
    this.#parts.queues.relieved(target);
    this.#parts.publishers.relieved();
    this.#parts.anycast.relieved();
  }

  onGap(origin: NodeId, missed: ReadonlyMap<string, number>): void {
    this.#peers.onGap(origin, missed);
  }

  onGivenUp(origin: NodeId): void {
    this.#peers.onGivenUp(origin);
  }

  onTargetState(target: NodeId, state: TargetState): void {
    this.#peers.onTargetState(target, state);
  }

  // --- what routing tells --------------------------------------------------------------------------------------------------

  onReplica(
    space: Space,
    origin: NodeId,
    version: number,
    replaced: boolean,
    changes: readonly (readonly [string, Buffer | null])[],
  ): void {
    const { audience, barrier, rules } = this.#parts;
    if (space === SPACE.facts) {
      rules.onReplica(origin, replaced, changes);
      this.#peers.factsApplied(origin);
      this.#parts.queues.factsChanged();
      return;
    }
    audience.onInterest(origin, replaced ? this.ports.replicas.entries(space, origin) : null, changes);
    if (version > 0) barrier.applied(origin);
  }

  onReachable(view: NodeView): void {
    this.#peers.onReachable(view);
  }

  onUnreachable(view: NodeView): void {
    this.#peers.onUnreachable(view);
  }

  onIncarnation(view: NodeView): void {
    this.#peers.onIncarnation(view);
  }

  /** This node itself began a new life. */
  onOwnIncarnation(): void {
    this.#peers.onOwnIncarnation();
  }

  onTopology(): void {
    this.#parts.audience.pathsChanged();
    this.#parts.credit.anyChanged();
  }

  // --- rules ---------------------------------------------------------------------------------------------------------------

  setRules(rules: readonly AddressPolicy[], defaultKind: AddressKind): void {
    this.#parts.names.defaultKind = defaultKind;
    this.#parts.table.rulesChanged();
    this.#parts.rules.setOwn(rules);
  }

  rulesInForce(): readonly RuleInForce[] {
    return this.#parts.rules.book.inForce();
  }

  conflicts(): readonly string[] {
    const { rules, queues } = this.#parts;
    return [...rules.book.conflicts, ...queues.conflicts()];
  }

  // --- time and the end of a turn ------------------------------------------------------------------------------------------

  /** No publisher gets credit any more. */
  drain(): void {
    this.#parts.draining = true;
  }

  /** True when every message taken from a publisher here has its outcome and every tracked one given to a consumer here too. */
  get drained(): boolean {
    const { pending, sites, queues } = this.#parts;
    return pending.size === queues.forwarding && sites.size === 0 && queues.settled;
  }

  flush(): void {
    const { hold, holding, turn, credit, anycast, queues } = this.#parts;
    const now = this.ports.clock.now();
    hold.flush();
    queues.flush(now);
    holding.flush();
    anycast.flush();
    turn.end();
    credit.flush(now);
  }

  tick(now: number): void {
    const { barrier, facts, multicast, quotas, hold, credit, consumers, queues } = this.#parts;
    queues.tick(now);
    barrier.tick(now);
    facts.tick(now);
    multicast.tick(now);
    quotas.tick(now);
    hold.tick(now);
    consumers.tick(now);
    if (now >= credit.deadline()) credit.flush(now);
  }

  deadline(): number {
    const { barrier, facts, multicast, quotas, hold, credit, consumers, queues } = this.#parts;
    return Math.min(
      queues.deadline(),
      barrier.deadline(),
      facts.deadline(),
      multicast.deadline(),
      quotas.deadline(),
      hold.deadline(),
      credit.deadline(),
      consumers.deadline(),
    );
  }

  /** Bytes that the credit given out may bring. */
  get reservedBytes(): number {
    return this.#parts.credit.reserved;
  }
}

/** @throws AddressError when the name is one of the mesh's own */
function unreserved<T extends { readonly name: string }>(address: T): T {
  if (isReserved(address.name)) throw reserved(address.name);
  return address;
}
