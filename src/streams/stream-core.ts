import { crc32 } from '../common/crc32';
import type { Chunk } from '../common/chunk';
import { invariant } from '../common/errors';
import { WireError, WireReader } from '../common/wire';
import type { NodeId, TrafficClass } from '../links/contract';
import type { NodeView } from '../routing/contract';
import { StagingBuffers } from './batch';
import {
  OUTCOME,
  type Outcome,
  type OutcomeDetail,
  type Placement,
  type Receipt,
  type SegmentKeeper,
  type Streams,
  type TargetSet,
  type TargetState,
} from './contract';
import { DatagramPort } from './datagrams';
import { CONTROL_GAP, CONTROL_GIVEN_UP, CONTROL_OUTCOMES, Delivery } from './delivery';
import { readBatchHead, readDatagramHead, type BatchTarget } from './frames';
import { MESSAGE_BYTES_MAX } from './limits';
import { Notices, readGivenUp, readMissed } from './notices';
import { OutcomeCollector, readOutcomes } from './outcomes';
import { Peers, type Peer } from './peer';
import { StreamCounters, type StreamPorts } from './ports';
import { Receiving } from './receiving';
import { Sending } from './sending';
import type { OpenTargetSet } from './target-sets';
import { Transit } from './transit';

/**
 * Reliable, ordered, deduplicated delivery between any two nodes over unreliable routed hops.
 * A stream is (origin, its incarnation, destination, its incarnation, class) and an epoch that the origin raises when it gives
 * a stream up. See the folder's README for what always holds.
 */
export class StreamCore<A> implements Streams {
  readonly counters = new StreamCounters();
  readonly #peers = new Peers<A>();
  /** Peers that are waited for, so that a turn costs nothing for the others. */
  readonly #held = new Set<Peer<A>>();
  readonly #staging = new StagingBuffers();
  readonly #sending: Sending<A>;
  readonly #receiving: Receiving<A>;
  readonly #transit: Transit<A>;
  readonly #datagrams: DatagramPort<A>;
  readonly #outcomes = new OutcomeCollector();
  readonly #notices: Notices<A>;
  /** Copies that the caller of `append` may retain until the end of the turn, and the placement that names the last one. */
  readonly #afterFlush: Chunk[] = [];
  readonly #placement: Placement;

  constructor(private readonly ports: StreamPorts<A>) {
    this.#placement = { chunk: ports.retention.stage(Buffer.alloc(0)), start: 0, length: 0 };
    this.#transit = new Transit(ports, this.counters);
    this.#datagrams = new DatagramPort(ports);
    this.#sending = new Sending(ports, this.counters, this.#peers, this.#staging);
    this.#notices = new Notices((peer, kind, payload) => this.#sending.putControl(peer.id, kind, payload));
    const delivery = new Delivery(
      ports,
      this.counters,
      (peer, kind, reader) => this.#onControl(peer, kind, reader),
      (stream, seq) => this.outcome(stream.origin, stream, seq, OUTCOME.undelivered, null),
    );
    this.#receiving = new Receiving(ports, this.counters, this.#peers, delivery, this.#datagrams, (peer) =>
      this.#onHeard(peer),
    );
  }

  // --- what addresses ask -------------------------------------------------------------------------------------------------

  targetSet(targets: readonly NodeId[]): TargetSet {
    return this.#sending.sets.intern(targets);
  }

  append(
    set: TargetSet,
    cls: TrafficClass,
    address: string,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    slot: number,
  ): Placement {
    const open = set as OpenTargetSet;
    if (end - start <= MESSAGE_BYTES_MAX)
      return this.#sending.put(open, cls, address, flags, payload, start, end, slot);
    const id = this.beginLarge(set, cls, address, flags, slot);
    this.appendSegment(id, payload, start, end);
    this.endLarge(id, false);
    const chunk = this.ports.retention.adopt(Buffer.from(payload.subarray(start, end)));
    this.#afterFlush.push(chunk);
    this.#placement.chunk = chunk;
    this.#placement.start = 0;
    this.#placement.length = end - start;
    return this.#placement;
  }

  beginLarge(set: TargetSet, cls: TrafficClass, address: string, flags: number, slot: number): number {
    return this.#sending.large.begin(set as OpenTargetSet, cls, address, flags, slot);
  }

  appendSegment(largeId: number, payload: Buffer, start: number, end: number, kept: SegmentKeeper | null = null): void {
    this.#sending.large.segment(largeId, payload, start, end, kept);
  }

  endLarge(largeId: number, aborted: boolean): void {
    this.#sending.large.end(largeId, aborted);
  }

  isFull(target: NodeId, cls: TrafficClass): boolean {
    return this.#peers.find(target)?.send[cls]?.full ?? false;
  }

  sendControl(target: NodeId, kind: number, payload: Buffer): void {
    invariant(kind < CONTROL_OUTCOMES, `control kind ${kind} is not for addresses`);
    this.#sending.putControl(target, kind, payload);
  }

  outcome(origin: NodeId, receipt: Receipt, seq: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    invariant(origin === receipt.origin, 'outcome for a receipt of another origin');
    this.#outcomes.add(receipt, seq, outcome, detail);
    this.ports.scheduleFlush();
  }

  /** Ends the open batches: what is appended from now on comes after them. Needed before an address changes its target set. */
  sealBatches(): void {
    this.#sending.sealBatches();
  }

  /** Outcomes that were told so far go before the control messages that follow. */
  sendOutcomes(): void {
    this.#outcomes.flush((origin, incarnation, payload) => {
      if (this.#peers.find(origin)?.receiveIncarnation === incarnation)
        this.#sending.putControl(origin, CONTROL_OUTCOMES, payload);
    });
  }

  // --- events from below --------------------------------------------------------------------------------------------------

  /**
   * A batch frame came in by a link. The bytes are copied once.
   * @throws WireError when it is malformed or its checksum is wrong: the link that brought it is to be reset
   */
  onBatch(bytes: Buffer, start: number, end: number): void {
    const reader = new WireReader(bytes, start, end);
    const head = readBatchHead(reader);
    const from = reader.offset;
    if (crc32(bytes.subarray(from, end)) !== head.bodyCrc) {
      this.counters.corruptFrames++;
      throw new WireError('checksum of a batch body is wrong');
    }
    const self = this.ports.routes.self;
    let local: BatchTarget | null = null;
    let others = 0;
    for (const target of head.targets) {
      if (target.node === self.id) local = target;
      else others++;
    }
    const body = this.#staging.hold(local === null ? this.ports.transit : this.ports.receive, bytes, from, end);
    try {
      if (others > 0) {
        this.#transit.forward(
          head,
          others === head.targets.length ? head.targets : head.targets.filter((t) => t !== local),
          body,
        );
      }
      if (local !== null) this.#receiving.receive(head, local, body);
    } finally {
      body.release();
    }
  }

  /** A datagram came in by a link. @throws WireError when it is malformed */
  onDatagram(bytes: Buffer, start: number, end: number): void {
    const reader = new WireReader(bytes, start, end);
    const head = readDatagramHead(reader);
    const self = this.ports.routes.self;
    if (head.node !== self.id) {
      if (!this.#datagrams.forward(head, reader)) this.counters.unroutableFrames++;
      return;
    }
    if (head.nodeIncarnation !== self.incarnation) return;
    this.#datagrams.read(head, reader, {
      onAck: (cls, epoch, next, window) => this.#sending.onAck(head.origin, head.incarnation, cls, epoch, next, window),
      onGap: (cls, epoch, from, to) => this.#sending.onGapReport(head.origin, cls, epoch, from, to),
      onCongested: (cls, node, epoch, firstSeq) => this.#sending.onCongested(cls, node, epoch, firstSeq),
    });
  }

  /** A link's queue had no room for a batch frame: its origin is told, so that it slows down and sends again. */
  onFrameDropped(head: Buffer): void {
    const dropped = readBatchHead(new WireReader(head));
    this.counters.congestionDrops++;
    const self = this.ports.routes.self;
    for (const target of dropped.targets) {
      if (dropped.origin === self.id)
        this.#sending.onCongested(dropped.cls, target.node, target.epoch, target.firstSeq);
      else this.#datagrams.sendCongested(dropped.origin, dropped.incarnation, dropped.cls, target);
    }
  }

  onReachable(view: NodeView): void {
    const peer = this.#peers.of(view.id);
    if (peer.incarnation !== view.incarnation) this.#newLife(peer, view.incarnation);
    const former = peer.state;
    peer.state = 'reachable';
    this.#held.delete(peer);
    if (former === 'unusable') this.#usable(peer);
    this.#sending.resume(peer);
  }

  /** A peer that was given up here is seen to be back before routing says so: what it is owed from now on is held for it. */
  #onHeard(peer: Peer<A>): void {
    if (peer.state !== 'unusable') return;
    const incarnation = this.ports.routes.view(peer.id)?.incarnation ?? 0;
    if (peer.incarnation !== incarnation) this.#newLife(peer, incarnation);
    this.#hold(peer);
    this.#usable(peer);
  }

  #usable(peer: Peer<A>): void {
    this.ports.upper.onTargetState(peer.id, 'usable');
    this.#notices.tell(peer);
  }

  onUnreachable(view: NodeView): void {
    const peer = this.#peers.of(view.id);
    if (peer.state !== 'reachable') return;
    this.#hold(peer);
    this.counters.holds++;
    this.ports.scheduleFlush();
  }

  #hold(peer: Peer<A>): void {
    peer.state = 'held';
    peer.holdDeadline = this.ports.clock.now() + this.ports.partitionHoldMs;
    this.#held.add(peer);
  }

  #unusable(peer: Peer<A>, state: Exclude<TargetState, 'usable'>): void {
    peer.state = 'unusable';
    this.#held.delete(peer);
    this.ports.upper.onTargetState(peer.id, state);
  }

  onIncarnation(view: NodeView): void {
    const peer = this.#peers.find(view.id);
    if (peer !== undefined && peer.incarnation !== view.incarnation) this.#newLife(peer, view.incarnation);
  }

  /** This node took a new incarnation: every peer starts all streams afresh. */
  onOwnIncarnation(): void {
    this.#sending.sealBatches(false);
    for (const peer of this.#peers.all()) this.#sending.reset(peer, 'peerRestarted');
    for (const peer of this.#peers.all()) this.#receiving.reset(peer);
  }

  onTopology(removed: boolean): void {
    this.#sending.onTopology(removed);
  }

  // --- time and the end of a turn -----------------------------------------------------------------------------------------

  /** Sends what this turn collected. */
  flush(): void {
    const now = this.ports.clock.now();
    this.sendOutcomes();
    this.#sending.sealBatches();
    this.#receiving.acknowledge(now);
    for (const chunk of this.#afterFlush) chunk.release();
    this.#afterFlush.length = 0;
  }

  /** Does what is due: re-sends, gap reports, acknowledgements, the end of holds. */
  tick(): void {
    const now = this.ports.clock.now();
    this.#receiving.acknowledge(now);
    this.#receiving.reportGaps(now);
    this.#sending.tick(now);
    for (const peer of this.#held) if (peer.holdDeadline <= now) this.#giveUp(peer);
  }

  /** The next moment at which `tick` has something to do; Infinity when there is none. */
  deadline(): number {
    let next = Math.min(this.#sending.deadline(this.ports.clock.now()), this.#receiving.deadline());
    for (const peer of this.#held) next = Math.min(next, peer.holdDeadline);
    return next;
  }

  /** True when nothing that this node sent is unacknowledged at a reachable peer. */
  get idle(): boolean {
    return this.#sending.idle;
  }

  // --- control messages ------------------------------------------------------------------------------------------------------

  #onControl(peer: Peer<A>, kind: number, reader: WireReader): void {
    if (kind < CONTROL_OUTCOMES) this.ports.upper.onControl(peer.id, kind, reader);
    else if (kind === CONTROL_OUTCOMES) readOutcomes(reader, (...range) => this.#onOutcomes(peer, ...range));
    else if (kind === CONTROL_GIVEN_UP) {
      readGivenUp(reader, (cls, epoch, nextSeq) => this.#sending.outcomesLost(peer, cls, epoch, nextSeq));
      this.ports.upper.onGivenUp(peer.id);
    } else if (kind === CONTROL_GAP) this.ports.upper.onGap(peer.id, readMissed(reader));
  }

  #onOutcomes(
    peer: Peer<A>,
    cls: TrafficClass,
    epoch: number,
    first: number,
    count: number,
    outcome: Outcome,
    detail: OutcomeDetail | null,
  ): void {
    const stream = peer.send[cls];
    if (stream === null || stream.epoch !== epoch) return;
    if (first + count > stream.nextSeq)
      throw new WireError(`outcome of sequence ${first + count - 1}, which was never sent`);
    for (let seq = first; seq < first + count; seq++) {
      const slot = stream.slots.take(seq);
      if (slot >= 0) this.ports.upper.onOutcome(slot, peer.id, outcome, detail);
    }
  }

  // --- lives and losses ---------------------------------------------------------------------------------------------------

  #newLife(peer: Peer<A>, incarnation: number): void {
    const former = peer.incarnation;
    if (former > 0) this.#sending.sealBatches(false);
    peer.incarnation = incarnation;
    peer.givenUp = null;
    if (former === 0) return;
    this.counters.restartsSeen++;
    this.#sending.reset(peer, 'peerRestarted');
    if (peer.receiveIncarnation < incarnation) this.#receiving.reset(peer);
    this.ports.upper.onGap(peer.id, NOTHING_MISSED);
    if (peer.state === 'held') this.#unusable(peer, 'unusable');
  }

  #giveUp(peer: Peer<A>): void {
    this.#sending.sealBatches();
    this.#unusable(peer, 'givenUp');
    this.#sending.reset(peer, 'unreachable');
    for (const stream of peer.receive) stream?.discardEarly();
    this.#notices.givenUp(peer);
  }
}

const NOTHING_MISSED: ReadonlyMap<string, number> = new Map();
