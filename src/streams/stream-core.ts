import { crc32 } from '../common/crc32';
import type { Chunk } from '../common/chunk';
import { invariant } from '../common/errors';
import { WireError, WireReader } from '../common/wire';
import type { NodeId, StreamClass } from '../links/contract';
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
} from './contract';
import { DatagramPort } from './datagrams';
import { CONTROL_GAP, CONTROL_GIVEN_UP, CONTROL_OUTCOMES, Delivery } from './delivery';
import { readBatchHead, readDatagramHead, type BatchTarget } from './frames';
import { MESSAGE_BYTES_MAX } from './limits';
import { Notices, readGivenUp, readMissed } from './notices';
import { OutcomeCollector, readOutcomes } from './outcomes';
import { Peers, type Peer } from './peer';
import { PeerLives } from './peer-lives';
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
  readonly #staging = new StagingBuffers();
  readonly #sending: Sending<A>;
  readonly #receiving: Receiving<A>;
  readonly #transit: Transit<A>;
  readonly #datagrams: DatagramPort<A>;
  readonly #outcomes = new OutcomeCollector();
  readonly #lives: PeerLives<A>;
  /** Copies that the caller of `append` may retain until the end of the turn, and the placement that names the last one. */
  readonly #afterFlush: Chunk[] = [];
  readonly #placement: Placement;

  constructor(private readonly ports: StreamPorts<A>) {
    this.#placement = { chunk: ports.retention.stage(Buffer.alloc(0)), start: 0, length: 0 };
    this.#transit = new Transit(ports, this.counters);
    this.#datagrams = new DatagramPort(ports);
    this.#sending = new Sending(ports, this.counters, this.#peers, this.#staging);
    const notices = new Notices<A>((peer, kind, payload) => this.#sending.putControl(peer.id, kind, payload));
    const delivery = new Delivery(
      ports,
      this.counters,
      (peer, kind, reader) => this.#onControl(peer, kind, reader),
      (stream, seq) => this.outcome(stream.origin, stream, seq, OUTCOME.undelivered, null),
    );
    this.#receiving = new Receiving(ports, this.counters, this.#peers, delivery, this.#datagrams, (peer) =>
      this.#lives.onHeard(peer),
    );
    this.#lives = new PeerLives(ports, this.counters, {
      peers: this.#peers,
      sending: this.#sending,
      receiving: this.#receiving,
      notices,
    });
  }

  // --- what addresses ask -------------------------------------------------------------------------------------------------

  targetSet(targets: readonly NodeId[]): TargetSet {
    return this.#sending.sets.intern(targets);
  }

  append(
    set: TargetSet,
    cls: StreamClass,
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

  beginLarge(set: TargetSet, cls: StreamClass, address: string, flags: number, slot: number): number {
    return this.#sending.large.begin(set as OpenTargetSet, cls, address, flags, slot);
  }

  appendSegment(largeId: number, payload: Buffer, start: number, end: number, kept: SegmentKeeper | null = null): void {
    this.#sending.large.segment(largeId, payload, start, end, kept);
  }

  endLarge(largeId: number, aborted: boolean): void {
    this.#sending.large.end(largeId, aborted);
  }

  isFull(target: NodeId, cls: StreamClass): boolean {
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
    this.#lives.onReachable(view);
  }

  onUnreachable(view: NodeView): void {
    this.#lives.onUnreachable(view);
  }

  onIncarnation(view: NodeView): void {
    this.#lives.onIncarnation(view);
  }

  /** This node took a new incarnation: every peer starts all streams afresh. */
  onOwnIncarnation(): void {
    this.#lives.onOwnIncarnation();
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
    this.#lives.tick(now);
  }

  /** The next moment at which `tick` has something to do; Infinity when there is none. */
  deadline(): number {
    const now = this.ports.clock.now();
    return Math.min(this.#sending.deadline(now), this.#receiving.deadline(), this.#lives.deadline());
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
    cls: StreamClass,
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
}
