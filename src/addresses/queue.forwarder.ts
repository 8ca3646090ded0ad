import type { Chunk } from '../common/chunk';
import type { Clock, Journal } from '../common/ports';
import type { NodeId } from '../links/contract';
import type { PutMark, PutSink, Queue, QueueHost } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import { OUTCOME, type LargeBody, type Outcome, type OutcomeDetail, type Receipt } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import { PENDING, type PublisherHandler, type Verdict } from './contract';
import type { Forwarder, ForwarderPorts } from './forwarder';
import { LargePublish } from './large-publish';
import type { LocalPublisher } from './local-publisher';
import { TailBody } from '../streams/framed-body';
import type { OwnPuts } from './own-puts';
import { Outbox } from './outbox';
import { FROM_OUTBOX } from './outbox-records';
import { PutGate } from './put-gate';
import { PUT_HEAD_BYTES, PutHead } from './put-head';
import type { PutLane } from './put-lane';
import { NOWHERE, type QueueHomes } from './queue-homes';
import { QueuePlaces } from './queue-places';
import { QueuePressure } from './queue-pressure';
import { detailOf, originOf, QueueState } from './queue-state';
import { RemotePuts } from './remote-puts';

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
  readonly places: QueuePlaces;
  readonly pressure: QueuePressure;
  readonly puts: RemotePuts;
  readonly outbox: Outbox;
  readonly #gate: PutGate;
  readonly #head = new PutHead();
  /** Of what this node had numbered for another one. */
  readonly #placed: PutSink = {
    onPut: (slot, outcome, detail) => {
      const { queue } = this.shared.pending.entry(slot);
      this.ports.own.onPut(slot, outcome, detail);
      if (queue !== null && queue.outgoing !== null && !queue.hasOlder) this.outbox.wake(queue.outgoing);
    },
  };
  readonly #sitePut: PutSink = { onPut: (site, outcome, detail) => this.shared.sites.settle(site, outcome, detail) };

  constructor(
    private readonly shared: ForwarderPorts,
    private readonly ports: QueueForwarderPorts,
  ) {
    const { store, host, homes, journal, clock } = ports;
    this.#gate = new PutGate(shared, ports);
    this.places = new QueuePlaces({
      self: shared.self,
      host,
      homes,
      reservedHere: (name) => ports.reservedHere(name),
      isLeaving: (name) => ports.isLeaving(name),
    });
    const refresh = this.places.refresh.bind(this.places);
    this.puts = new RemotePuts(
      shared,
      {
        refresh,
        isReachable: (node) => ports.isReachable(node),
        isMerging: (lane) => {
          // Where an outbox was sent to before a restart is not known.
          const isAnywhere = lane.sentTo === NOWHERE && lane === lane.entry.queue?.outbox;
          return homes.isMerging(lane.entry.name, isAnywhere ? null : [shared.self, lane.sentTo]);
        },
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
    this.outbox = new Outbox(shared, {
      store,
      host,
      journal,
      wall: () => clock.wall(),
      entryOf: (name) => ports.entryOf(name),
      uses: (entry, outgoing) => ((entry.queue ??= new QueueState()).outgoing = outgoing),
      openPublisher: (handler) => ports.openPublisher(handler),
      homeOf: (entry) => ports.nodeName(refresh(entry).home),
      isBehind: ({ queue }) => queue !== null && queue.hasOlder,
      unsentBytes: (entry) => entry.queue?.outbox?.unsentBytes ?? 0,
      put: (entry, slot, tag, cameAt, record, start, epoch, seq) =>
        this.puts.putFromOutbox(refresh(entry), entry, slot, tag, cameAt, record, start, epoch, seq),
      putLarge: (entry, slot, tag, cameAt, body, epoch, seq) =>
        this.puts.putLargeFromOutbox(refresh(entry), entry, slot, tag, cameAt, body, epoch, seq),
      deadLetter: (address, payload, done) => ports.deadLetter(address, payload, done),
    });
    const { places, puts, outbox } = this;
    this.pressure = new QueuePressure(shared, { places, puts, outbox, relieved: () => ports.relieved() });
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
    const state = this.places.refresh(entry);
    const slot = this.shared.pending.add(publisher, entry, token, flags);
    if (state.isAt(this.shared.self)) this.#putHere(state, slot, publisher.tag, payload, start, end, null);
    else if (this.#goesByOutbox(entry, state)) {
      this.ports.own.open(slot, end - start);
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
    // It goes to the disk with all that this turn brings.
    this.shared.scheduleFlush();
    this.ports.own.open(slot, end - start);
    const queue = this.#taker(state, slot, head);
    if (queue === null) return;
    const mark = this.#ownMark(queue, head);
    const sink = this.#sinkOf(state, mark, head);
    queue.put(bytes, start, end, tag, mark, head?.seq ?? 0, sink, slot, head?.age ?? 0);
  }

  #putHereLarge(state: QueueState, slot: number, tag: number, body: LargeBody, head: PutHead | null): void {
    this.shared.scheduleFlush();
    // Its bytes are counted by what holds them.
    this.ports.own.open(slot, 0);
    const queue = this.#taker(state, slot, head);
    if (queue === null) return;
    const mark = this.#ownMark(queue, head);
    queue.putLarge(body, tag, mark, head?.seq ?? 0, this.#sinkOf(state, mark, head), slot, head?.age ?? 0);
  }

  #sinkOf(state: QueueState, mark: PutMark | null, head: PutHead | null): PutSink {
    if (head === null || head.fromOutbox) return this.ports.own;
    state.placing = mark;
    return this.#placed;
  }

  /** The queue here; null, and the put is answered, where it does not take it. */
  #taker(state: QueueState, slot: number, head: PutHead | null): Queue | null {
    const { own } = this.ports;
    const { queue } = state;
    if (queue === null) {
      own.onPut(slot, OUTCOME.rejected, detailOf(state));
      return null;
    }
    const mark = this.#ownMark(queue, head);
    if (mark === null || head === null) return queue;
    const obstacle = this.#gate.obstacleTo(this.shared.pending.entry(slot), queue, mark, head);
    if (obstacle === null) return queue;
    own.onPut(slot, OUTCOME.undelivered, obstacle);
    return null;
  }

  /** The former home may have had it before the queue came here, with what it remembers of puts. */
  #ownMark(queue: Queue, head: PutHead | null): PutMark | null {
    return head === null
      ? null
      : queue.mark(originOf(this.ports.selfName, head.fromOutbox), head.epoch, head.fromOutbox);
  }

  begin(publisher: LocalPublisher, entry: AddressEntry, flags: number, token: number): LargePublish {
    const { streams, large, pending } = this.shared;
    return new LargePublish(streams, large, -1, 'whole', {
      complete: (body) => {
        if (body === null) return OUTCOME.rejected;
        const state = this.places.refresh(entry);
        const slot = pending.add(publisher, entry, token, flags);
        if (state.isAt(this.shared.self)) this.#putHereLarge(state, slot, publisher.tag, body, null);
        else if (this.#goesByOutbox(entry, state)) {
          // Its bytes are counted by what holds them.
          this.ports.own.open(slot, 0);
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
    const state = this.places.refresh(entry);
    const site = this.shared.sites.add(receipt, seq, 1, entry);
    const { queue } = state;
    if (queue === null || this.#gate.hasToWait(entry, queue, state, receipt.origin, head)) {
      this.#gate.refuse(site, entry, state, receipt.origin, head);
      return;
    }
    const mark = this.#gate.markOf(state, queue, receipt.origin, head);
    queue.put(chunk.bytes, start + PUT_HEAD_BYTES, end, head.publisher, mark, head.seq, this.#sitePut, site, head.age);
    this.pressure.chokeIfFull(entry, queue, receipt.origin);
  }

  arriveLarge(receipt: Receipt, seq: number, entry: AddressEntry, flags: number, body: LargeBody): void {
    if (entry.circuit !== null) {
      entry.circuit.arriveLarge(receipt, seq, flags, body);
      return;
    }
    const head = this.#head;
    const bytes = Buffer.alloc(PUT_HEAD_BYTES);
    head.read(bytes, 0, body.read(0, bytes));
    const state = this.places.refresh(entry);
    const site = this.shared.sites.add(receipt, seq, 1, entry);
    const { queue } = state;
    if (queue === null || this.#gate.hasToWait(entry, queue, state, receipt.origin, head)) {
      this.#gate.refuse(site, entry, state, receipt.origin, head);
      return;
    }
    const mark = this.#gate.markOf(state, queue, receipt.origin, head);
    queue.putLarge(new TailBody(body, PUT_HEAD_BYTES), head.publisher, mark, head.seq, this.#sitePut, site, head.age);
    this.pressure.chokeIfFull(entry, queue, receipt.origin);
  }

  /** A large put of another node had no room here: what it sent behind it must not be taken before it. */
  notTaken(entry: AddressEntry, origin: NodeId): void {
    this.places.refresh(entry).miss(origin);
  }

  onOutcome(slot: number, _node: NodeId, outcome: Outcome, detail: OutcomeDetail | null): void {
    const lane = this.#laneOf(slot);
    if (lane !== null) this.puts.onOutcome(lane, slot, outcome, detail);
  }

  #laneOf(slot: number): PutLane | null {
    const { pending } = this.shared;
    const { lane, outbox } = this.places.refresh(pending.entry(slot));
    return (pending.flags(slot) & FROM_OUTBOX) === 0 ? lane : outbox;
  }

  onLost(slot: number): void {
    const lane = this.#laneOf(slot);
    if (lane !== null) this.puts.onLost(lane, slot);
  }

  // --- back-pressure -----------------------------------------------------------------------------------------------------------

  allowance(entry: AddressEntry): number {
    return this.pressure.allowance(entry);
  }

  congested(entry: AddressEntry): boolean {
    return this.pressure.congested(entry);
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
    this.pressure.tick(now);
  }

  deadline(): number {
    return Math.min(this.puts.deadline(), this.outbox.deadline(), this.pressure.deadline());
  }
}
