import type { Chunk } from '../common/chunk';
import { FairleadError } from '../common/errors';
import type { Clock, Journal } from '../common/ports';
import { WireWriter } from '../common/wire';
import type { NodeId } from '../links/contract';
import type { PutMark, PutSink, Queue, QueueHost } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import { OUTCOME, type LargeBody, type Outcome, type OutcomeDetail, type Receipt } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import { isTemporary } from './address-names';
import { PENDING, type PublisherHandler, type Verdict } from './contract';
import { CONTROL } from './control';
import { AddressError } from './errors';
import type { Forwarder, ForwarderPorts } from './forwarder';
import { LargePublish } from './large-publish';
import { CREDIT_MAX } from './limits';
import type { LocalPublisher } from './local-publisher';
import { TailBody } from '../streams/framed-body';
import type { OwnPuts } from './own-puts';
import { FROM_OUTBOX, Outbox } from './outbox';
import { PUT_HEAD_BYTES, PutHead } from './put-head';
import type { PutLane } from './put-lane';
import { NOWHERE, type QueueHomes } from './queue-homes';
import { originOf, QueueState } from './queue-state';
import { RemotePuts } from './remote-puts';
import { RoomReview } from './room-review';
import { isReserved } from './reserved-names';

/** What an origin is told of a put that it has on its disk: it tries again. */
const QUEUE_FULL: OutcomeDetail = { description: 'the queue is as full as its rule allows' };
const DISK_FULL: OutcomeDetail = { description: 'the disk of the queue is full' };
const DISK_FAILED: OutcomeDetail = { description: 'the disk of the queue fails' };

/** What the queues of a node are built on, beside what all forwarders are. */
export interface QueueForwarderPorts {
  readonly host: QueueHost;
  readonly homes: QueueHomes;
  readonly selfName: string;
  /** One life of this node's numbering of puts. */
  readonly epoch: number;
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly journal: Journal;
  /** So long a message waits for a home that is out of reach. */
  readonly holdMs: number;
  /** What publishers here put to this node's disk. */
  readonly own: OwnPuts;
  /** A queue here whose name is none of a client's; null where there is none. */
  reservedHere(name: string): Queue | null;
  entryOf(name: string): AddressEntry;
  openPublisher(handler: PublisherHandler): LocalPublisher;
  deadLetter(address: string, payload: Buffer | LargeBody, done: (outcome: Outcome) => void): void;
  nodeName(node: NodeId): string;
  isReachable(node: NodeId): boolean;
  /** Publishers of large messages that were told to wait may go on. */
  relieved(): void;
  /** A queue here is on its way to another node. */
  isLeaving(name: string): boolean;
  /** A put for it is answered once it is there. @returns false when it is not on its way */
  hold(name: string, site: number): boolean;
}

/** Queues: a message is put where its queue lives, and accepted once it is on the disk there. */
export class QueueForwarder implements Forwarder {
  readonly puts: RemotePuts;
  readonly outbox: Outbox;
  readonly #head = new PutHead();
  readonly #sitePut: PutSink = { onPut: (site, outcome, detail) => this.shared.sites.settle(site, outcome, detail) };
  /** Queues here with a limit. */
  readonly #limited: RoomReview;

  constructor(
    private readonly shared: ForwarderPorts,
    private readonly ports: QueueForwarderPorts,
  ) {
    this.#limited = new RoomReview(shared.clock, shared.scheduleFlush);
    this.puts = new RemotePuts(
      shared,
      {
        refresh: (entry) => this.refresh(entry),
        isReachable: (node) => ports.isReachable(node),
        nodeName: (node) => ports.nodeName(node),
        putHere: (state, slot, head, bytes, start, end) =>
          this.#putHere(state, slot, head.publisher, bytes, start, end, head),
        putHereLarge: (state, slot, head, body) => this.#putHereLarge(state, slot, head.publisher, body, head),
        waits: ({ entry: { queue } }, why) => {
          if (queue !== null && queue.outgoing !== null) queue.outgoing.refusal = why;
        },
        emptied: ({ entry: { queue } }) => {
          if (queue !== null && queue.outgoing !== null) this.outbox.wake(queue.outgoing);
        },
        holdMs: ports.holdMs,
      },
      ports.epoch,
    );
    const { store, host, journal, clock } = ports;
    this.outbox = new Outbox(shared, {
      store,
      host,
      journal,
      wall: () => clock.wall(),
      entryOf: (name) => ports.entryOf(name),
      uses: (entry, outgoing) => ((entry.queue ??= new QueueState()).outgoing = outgoing),
      openPublisher: (handler) => ports.openPublisher(handler),
      homeOf: (entry) => ports.nodeName(this.refresh(entry).home),
      isBehind: ({ queue }) => queue !== null && queue.lane !== null && !queue.lane.empty,
      unsentBytes: (entry) => entry.queue?.outbox?.unsentBytes ?? 0,
      put: (entry, slot, tag, record, start, epoch, seq) =>
        this.puts.putFromOutbox(this.refresh(entry), entry, slot, tag, record, start, epoch, seq),
      putLarge: (entry, slot, tag, body, epoch, seq) =>
        this.puts.putLargeFromOutbox(this.refresh(entry), entry, slot, tag, body, epoch, seq),
      deadLetter: (address, payload, done) => ports.deadLetter(address, payload, done),
    });
  }

  // --- where it lives ----------------------------------------------------------------------------------------------------------

  /** Where the queue lives; one that is to live here is made. */
  refresh(entry: AddressEntry): QueueState {
    const state = (entry.queue ??= new QueueState());
    if (state.generation !== this.ports.homes.generation) this.#lookUp(entry, state);
    return state;
  }

  #lookUp(entry: AddressEntry, state: QueueState): void {
    const { homes } = this.ports;
    state.home = homes.homeOf(entry.name, entry.policy);
    // Until its new home is known there is none.
    if (state.home === this.shared.self && this.ports.isLeaving(entry.name)) state.home = NOWHERE;
    if (state.home === this.shared.self) this.#open(entry, state);
    else state.set(null, null);
    state.generation = homes.generation;
  }

  #open({ name, policy }: AddressEntry, state: QueueState): void {
    const { host } = this.ports;
    try {
      const queue = isTemporary(name)
        ? host.find(name)
        : isReserved(name)
          ? this.ports.reservedHere(name)
          : host.open(name, policy);
      state.set(queue, queue === null ? new AddressError('FL_QUEUE_GONE', `there is no queue '${name}'`) : null);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      state.set(null, error);
    }
  }

  /**
   * The queue of an entry where it lives here, or null: also while older puts are on their way to where it lived before.
   * @throws FairleadError when it cannot be served
   */
  queueHere(entry: AddressEntry): Queue | null {
    const state = this.refresh(entry);
    if (!state.isAt(this.shared.self)) return null;
    if (state.queue === null)
      throw state.damage ?? new AddressError('FL_QUEUE_GONE', `there is no queue '${entry.name}'`);
    return state.queue;
  }

  // --- publishers of this node -------------------------------------------------------------------------------------------------

  publish(
    publisher: LocalPublisher,
    entry: AddressEntry,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    token: number,
  ): Verdict {
    const state = this.refresh(entry);
    const slot = this.shared.pending.add(publisher, entry, token, flags);
    if (state.isAt(this.shared.self)) this.#putHere(state, slot, publisher.tag, payload, start, end, null);
    else if (this.#goesByOutbox(entry, state)) {
      this.ports.own.open(slot, end - start, 1);
      this.outbox.put([entry], this.ports.own, slot, flags, publisher.tag, payload, start, end);
    } else this.puts.put(state, entry, slot, publisher.tag, payload, start, end);
    return PENDING;
  }

  /** By the rule; or because older messages are in the outbox, which it must not overtake: then it is accepted when it is there. */
  #goesByOutbox({ policy }: AddressEntry, { home, outgoing }: QueueState): boolean {
    return (policy.custody === 'ingress' && home !== this.shared.self) || (outgoing !== null && !outgoing.empty);
  }

  /** @param head of one that was on its way to another node before, else null */
  #putHere(
    state: QueueState,
    slot: number,
    tag: number,
    bytes: Buffer,
    start: number,
    end: number,
    head: PutHead | null,
  ): void {
    const { queue } = state;
    // It goes to the disk with all that this turn brings.
    this.shared.scheduleFlush();
    this.ports.own.open(slot, end - start, 1);
    if (queue === null) this.ports.own.onPut(slot, OUTCOME.rejected, detailOf(state));
    else queue.put(bytes, start, end, tag, this.#ownMark(queue, head), head?.seq ?? 0, this.ports.own, slot);
  }

  #putHereLarge(state: QueueState, slot: number, tag: number, body: LargeBody, head: PutHead | null): void {
    const { queue } = state;
    this.shared.scheduleFlush();
    // Its bytes are counted by what holds them.
    this.ports.own.open(slot, 0, 1);
    if (queue === null) this.ports.own.onPut(slot, OUTCOME.rejected, detailOf(state));
    else queue.putLarge(body, tag, this.#ownMark(queue, head), head?.seq ?? 0, this.ports.own, slot);
  }

  /** The former home may have had it before the queue came here, with what it remembers of puts. */
  #ownMark(queue: Queue, head: PutHead | null): PutMark | null {
    return head === null ? null : queue.mark(originOf(this.ports.selfName, head.fromOutbox), head.epoch);
  }

  begin(publisher: LocalPublisher, entry: AddressEntry, flags: number, token: number): LargePublish {
    const { streams, large, pending } = this.shared;
    return new LargePublish(streams, large, -1, 'whole', {
      complete: (body) => {
        if (body === null) return OUTCOME.rejected;
        const state = this.refresh(entry);
        const slot = pending.add(publisher, entry, token, flags);
        if (state.isAt(this.shared.self)) this.#putHereLarge(state, slot, publisher.tag, body, null);
        else if (this.#goesByOutbox(entry, state)) {
          // Its bytes are counted by what holds them.
          this.ports.own.open(slot, 0, 1);
          this.outbox.putLarge([entry], this.ports.own, slot, flags, publisher.tag, body);
        } else this.puts.putLarge(state, entry, slot, publisher.tag, body);
        return PENDING;
      },
      aborted: () => undefined,
    });
  }

  // --- puts of other nodes, and deliveries by circuits -------------------------------------------------------------------------

  arrive(
    receipt: Receipt,
    seq: number,
    entry: AddressEntry,
    flags: number,
    chunk: Chunk,
    start: number,
    end: number,
  ): void {
    if (entry.circuit !== null) {
      entry.circuit.arrive(receipt, seq, flags, chunk, start, end);
      return;
    }
    const head = this.#head;
    head.read(chunk.bytes, start, end);
    const state = this.refresh(entry);
    const site = this.shared.sites.add(receipt, seq, 1, entry);
    const { queue } = state;
    if (queue === null || this.#hasToWait(entry, queue, state, receipt.origin)) {
      this.#refuse(site, entry, state, receipt.origin);
      return;
    }
    const mark = this.#markOf(state, queue, receipt.origin);
    queue.put(chunk.bytes, start + PUT_HEAD_BYTES, end, head.publisher, mark, head.seq, this.#sitePut, site);
    this.#chokeIfFull(entry, queue, receipt.origin);
  }

  arriveLarge(receipt: Receipt, seq: number, entry: AddressEntry, flags: number, body: LargeBody): void {
    if (entry.circuit !== null) {
      entry.circuit.arriveLarge(receipt, seq, flags, body);
      return;
    }
    const head = this.#head;
    const bytes = Buffer.alloc(PUT_HEAD_BYTES);
    head.read(bytes, 0, body.read(0, bytes));
    const state = this.refresh(entry);
    const site = this.shared.sites.add(receipt, seq, 1, entry);
    const { queue } = state;
    if (queue === null || this.#hasToWait(entry, queue, state, receipt.origin)) {
      this.#refuse(site, entry, state, receipt.origin);
      return;
    }
    const mark = this.#markOf(state, queue, receipt.origin);
    queue.putLarge(new TailBody(body, PUT_HEAD_BYTES), head.publisher, mark, head.seq, this.#sitePut, site);
    this.#chokeIfFull(entry, queue, receipt.origin);
  }

  /** A large put of another node had no room here: what it sent behind it must not be taken before it. */
  notTaken(entry: AddressEntry, origin: NodeId): void {
    this.refresh(entry).miss(origin);
  }

  /**
   * The put whose head was read last was sent behind one that was not taken; or nobody waits for it, its origin has it on the disk, and
   * it would be refused for now: refused for good it would lose its place.
   */
  #hasToWait(entry: AddressEntry, queue: Queue, state: QueueState, origin: NodeId): boolean {
    if (state.isBehindRefused(origin, this.#head)) return true;
    const { fromOutbox, epoch, seq } = this.#head;
    if (!fromOutbox || this.#obstacle(entry, queue) === null) return false;
    // One that is stored already is answered at once.
    return seq > state.mark(queue, origin, fromOutbox, epoch, this.ports.nodeName).last;
  }

  /** Why a queue here takes nothing for now. */
  #obstacle({ name }: AddressEntry, queue: Queue): OutcomeDetail | null {
    if (queue.isFull(1)) return QUEUE_FULL;
    const { state, lacksRoom } = this.ports.store;
    if (state === 'ok' || isTemporary(name)) return null;
    return lacksRoom ? DISK_FULL : DISK_FAILED;
  }

  /** The mark of the put whose head was read last. */
  #markOf(state: QueueState, queue: Queue, origin: NodeId): PutMark {
    const { fromOutbox, epoch, seq } = this.#head;
    const mark = state.mark(queue, origin, fromOutbox, epoch, this.ports.nodeName);
    if (seq <= mark.last) this.shared.counters.putsRepeated++;
    return mark;
  }

  /** Not stored here, for certain: its origin asks where the queue lives by now, or is told what is wrong. */
  #refuse(site: number, entry: AddressEntry, state: QueueState, origin: NodeId): void {
    const { sites, self } = this.shared;
    if (state.home === self && state.queue === null) {
      sites.settle(site, OUTCOME.rejected, detailOf(state));
      return;
    }
    state.refuse(origin, this.#head);
    if (this.ports.hold(entry.name, site)) return;
    sites.settle(site, OUTCOME.undelivered, state.queue === null ? null : this.#obstacle(entry, state.queue));
  }

  onOutcome(slot: number, _node: NodeId, outcome: Outcome, detail: OutcomeDetail | null): void {
    const lane = this.#laneOf(slot);
    if (lane !== null) this.puts.onOutcome(lane, slot, outcome, detail);
  }

  #laneOf(slot: number): PutLane | null {
    const { pending } = this.shared;
    const { lane, outbox } = this.refresh(pending.entry(slot));
    return (pending.flags(slot) & FROM_OUTBOX) === 0 ? lane : outbox;
  }

  onLost(slot: number): void {
    const lane = this.#laneOf(slot);
    if (lane !== null) this.puts.onLost(lane, slot);
  }

  // --- back-pressure -----------------------------------------------------------------------------------------------------------

  #isBlocked(entry: AddressEntry, queue: Queue): boolean {
    return entry.policy.overLimit === 'block' && queue.room === 0;
  }

  /** The queue takes no more for now: the origin is to give its publishers no credit. */
  #chokeIfFull(entry: AddressEntry, queue: Queue, origin: NodeId): void {
    if (!this.#isBlocked(entry, queue) || entry.choked.has(origin)) return;
    const { counters, streams } = this.shared;
    entry.choked.add(origin);
    counters.chokes++;
    streams.sendControl(origin, CONTROL.choke, new WireWriter().text(entry.wire).take());
  }

  /** A queue here has no room any more, or some again. */
  onRoom(entry: AddressEntry, room: number): void {
    if (room === 0) return;
    const { credit, streams } = this.shared;
    for (const origin of entry.choked)
      streams.sendControl(origin, CONTROL.unchoke, new WireWriter().text(entry.wire).take());
    entry.choked.clear();
    credit.changed(entry);
    this.ports.relieved();
  }

  allowance(entry: AddressEntry): number {
    if (entry.chokedBy.size > 0) return 0;
    const state = this.refresh(entry);
    const { home, queue } = state;
    if (home !== this.shared.self)
      return entry.policy.custody === 'ingress' ? this.#outboxRoom(entry, state) : this.puts.allowance(entry, state);
    // Where it cannot be served, each message is told why.
    if (queue === null || entry.policy.overLimit !== 'block') return Infinity;
    this.#limited.add(entry, queue.room);
    return queue.room;
  }

  #outboxRoom(entry: AddressEntry, { outgoing }: QueueState): number {
    const room = this.outbox.room(outgoing);
    // It comes back without a word.
    if (room < CREDIT_MAX) this.#limited.add(entry, room);
    return room;
  }

  congested(entry: AddressEntry): boolean {
    const state = this.refresh(entry);
    const { home, queue } = state;
    if (home !== this.shared.self) return entry.policy.custody === 'home' && this.puts.congested(entry, state);
    return queue !== null && this.#isBlocked(entry, queue);
  }

  pump(): void {
    // The queue gives to its consumers by itself.
  }

  left(): void {
    // The same.
  }

  // --- time --------------------------------------------------------------------------------------------------------------------

  flush(now: number): void {
    this.outbox.flush(now);
    if (!this.puts.flush(now)) return;
    this.outbox.relieved();
    this.ports.relieved();
  }

  tick(now: number): void {
    this.puts.tick(now);
    this.outbox.tick(now);
    this.#limited.tick(now, (entry, room) => {
      const { queue, home, outgoing } = this.refresh(entry);
      const left = home === this.shared.self ? queue?.room : this.outbox.room(outgoing);
      if (left === room) this.#limited.add(entry, room);
      else this.shared.credit.changed(entry);
    });
  }

  deadline(): number {
    return Math.min(this.puts.deadline(), this.outbox.deadline(), this.#limited.deadline());
  }
}

/** Why a message cannot be put into a queue of this node. */
function detailOf({ damage }: QueueState): OutcomeDetail {
  const { condition = 'amqp:internal-error', message = 'the queue cannot be served' } = damage ?? {};
  return { condition, description: message };
}
