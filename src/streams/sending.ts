import type { NodeId, StreamClass } from '../links/contract';
import { STREAM_CLASS, STREAM_CLASSES } from '../links/contract';
import { WireError } from '../common/wire';
import { Batch, type StagingBuffers } from './batch';
import type { DropReason, Placement } from './contract';
import { LargeSender } from './large-sender';
import { BATCH_BYTES_MAX, BATCH_BYTES_SLOW, SLOW_CWND_BYTES } from './limits';
import type { Peer, Peers } from './peer';
import { PeerLosses } from './peer-losses';
import type { StreamCounters, StreamPorts } from './ports';
import { FrameSender } from './sender';
import { SendStream, type StreamEntry } from './send-stream';
import { TargetSets, type OpenTargetSet } from './target-sets';

/** The sending half of the stream layer: open batches, the streams they go into, and what comes back about them. */
export class Sending<A> {
  readonly sets = new TargetSets();
  readonly large: LargeSender;
  readonly #placement: Placement;
  readonly #sender: FrameSender<A>;
  readonly #losses: PeerLosses<A>;
  /** Streams with something unacknowledged or unsent. */
  readonly #sending = new Set<SendStream>();
  readonly #gathering: { readonly stream: SendStream; readonly entry: StreamEntry; readonly peer: Peer<A> }[] = [];
  #lastEpoch = 0;

  constructor(
    private readonly ports: StreamPorts<A>,
    private readonly counters: StreamCounters,
    private readonly peers: Peers<A>,
    private readonly staging: StagingBuffers,
  ) {
    this.#placement = { chunk: ports.retention.stage(Buffer.alloc(0)), start: 0, length: 0 };
    this.#sender = new FrameSender(ports, counters);
    this.large = new LargeSender(
      (set, cls, address, flags, payload, start, end, slot) =>
        this.put(set, cls, address, flags, payload, start, end, slot),
      (targets) => this.sets.intern(targets),
    );
    this.#losses = new PeerLosses(ports, this.large);
  }

  #batch(set: OpenTargetSet, cls: StreamClass): Batch {
    const batch = new Batch(this.ports.retention, this.staging, cls, this.#bytesMax(set, cls));
    this.sets.opened(set, cls, batch);
    this.ports.scheduleFlush();
    return batch;
  }

  #bytesMax(set: OpenTargetSet, cls: StreamClass): number {
    for (const target of set.targets) {
      const stream = this.peers.find(target)?.send[cls];
      if (stream && stream.cwnd < SLOW_CWND_BYTES) return BATCH_BYTES_SLOW;
    }
    return BATCH_BYTES_MAX;
  }

  put(
    set: OpenTargetSet,
    cls: StreamClass,
    address: string,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    slot: number,
  ): Placement {
    let batch = set.open[cls];
    if (batch === null) batch = this.#batch(set, cls);
    else if (!batch.fits(address, end - start)) {
      set.open[cls] = null;
      this.#seal(set, batch);
      batch = this.#batch(set, cls);
    }
    batch.append(address, flags, payload, start, end, slot, this.#placement);
    return this.#placement;
  }

  putControl(target: NodeId, kind: number, payload: Buffer): void {
    const set = this.sets.intern([target]);
    const cls = STREAM_CLASS.control;
    let batch = set.open[cls];
    if (batch !== null && !batch.fits('', payload.length)) {
      set.open[cls] = null;
      this.#seal(set, batch);
      batch = null;
    }
    if (batch === null) batch = this.#batch(set, cls);
    batch.appendControl(kind, payload, this.#placement);
  }

  /** @param send false when the streams are given up next: what is open is counted with them, and never leaves */
  #seal(set: OpenTargetSet, batch: Batch, send = true): void {
    const now = this.ports.clock.now();
    batch.seal();
    const gathering = this.#gathering;
    for (const target of set.targets) {
      const peer = this.peers.of(target);
      if (peer.state === 'unusable') {
        this.#losses.unsendable(peer, batch);
        continue;
      }
      const stream = this.#sendStream(peer, batch.cls);
      // Edges that vanished while nothing was under way took nothing with them.
      if (stream.idle) stream.pathGeneration = this.ports.routes.pathGeneration(target, batch.cls);
      const first = !stream.pending;
      const entry = stream.enqueue(batch);
      this.#sending.add(stream);
      if (send && first && peer.state === 'reachable' && stream.nextToSend(now) === entry)
        gathering.push({ stream, entry, peer });
    }
    for (const { stream, entry, peer } of gathering) this.#sender.collect(stream, entry, peer.incarnation);
    gathering.length = 0;
    this.#sender.sendCollected(now);
    for (const target of set.targets) {
      const stream = this.peers.find(target)?.send[batch.cls];
      if (stream) this.#afterChange(stream);
    }
    batch.chunk.release();
  }

  #sendStream(peer: Peer<A>, cls: StreamClass): SendStream {
    let stream = peer.send[cls];
    if (stream === null) {
      stream = new SendStream(peer.id, cls, ++this.#lastEpoch);
      peer.send[cls] = stream;
    }
    return stream;
  }

  #pumpById(stream: SendStream): void {
    this.pump(stream, this.peers.of(stream.target), this.ports.clock.now());
  }

  /** Sends what the windows and the routes allow. */
  pump(stream: SendStream, peer: Peer<A>, now: number): void {
    if (peer.state === 'reachable') {
      for (let entry = stream.nextToSend(now); entry !== null; entry = stream.nextToSend(now)) {
        if (!this.#sender.sendOne(stream, entry, peer.incarnation, now)) break;
      }
    }
    this.#afterChange(stream);
  }

  #afterChange(stream: SendStream): void {
    if (stream.idle) this.#sending.delete(stream);
    if (stream.shut) this.counters.shutWindows++;
    if (stream.cls === STREAM_CLASS.control) return;
    const { retention } = this.ports;
    if (stream.updateFull(retention.free < retention.capacity / 10)) {
      this.ports.upper.onFull(stream.target, stream.cls, stream.full);
    }
  }

  onAck(origin: NodeId, incarnation: number, cls: StreamClass, epoch: number, next: number, window: number): void {
    const peer = this.peers.find(origin);
    const stream = peer?.send[cls];
    if (!peer || !stream || stream.epoch !== epoch || peer.incarnation !== incarnation) return;
    const now = this.ports.clock.now();
    if (!stream.acknowledge(next, window, now)) {
      throw new WireError(`acknowledgement of sequence ${next}, which was never sent`);
    }
    this.pump(stream, peer, now);
  }

  onGapReport(origin: NodeId, cls: StreamClass, epoch: number, from: number, to: number): void {
    const peer = this.peers.find(origin);
    const stream = peer?.send[cls];
    if (!peer || !stream || stream.epoch !== epoch) return;
    const now = this.ports.clock.now();
    stream.resendRange(from, to, now, false);
    this.pump(stream, peer, now);
  }

  onCongested(cls: StreamClass, node: NodeId, epoch: number, firstSeq: number): void {
    const stream = this.peers.find(node)?.send[cls];
    if (!stream || stream.epoch !== epoch) return;
    const now = this.ports.clock.now();
    stream.congested(now);
    stream.resendRange(firstSeq, firstSeq + 1, now, true);
    this.ports.scheduleFlush();
  }

  reset(peer: Peer<A>, reason: DropReason): void {
    for (const cls of STREAM_CLASSES) {
      const stream = peer.send[cls];
      if (stream === null) continue;
      peer.send[cls] = null;
      this.#sending.delete(stream);
      this.#losses.streamLost(peer, stream, reason);
    }
  }

  /** The target had received everything below `nextSeq`, and tells no outcome of it any more. */
  outcomesLost(peer: Peer<A>, cls: StreamClass, epoch: number, nextSeq: number): void {
    const stream = peer.send[cls];
    if (stream?.epoch === epoch) this.#losses.outcomesLost(peer, stream, nextSeq);
  }

  /** Ends the open batches: what is appended from now on comes after them. Needed before an address changes its target set. */
  sealBatches(send = true): void {
    if (this.sets.anyOpen) this.sets.close((set, batch) => this.#seal(set, batch, send));
  }

  onTopology(removed: boolean): void {
    if (!removed) {
      for (const stream of this.#sending) this.#pumpById(stream);
      return;
    }
    const now = this.ports.clock.now();
    for (const stream of this.#sending) {
      const generation = this.ports.routes.pathGeneration(stream.target, stream.cls);
      const changed = stream.pathGeneration !== generation;
      stream.pathGeneration = generation;
      if (changed && stream.pathLost(now) > 0) this.counters.reroutes++;
      this.#pumpById(stream);
    }
  }

  /** The peer is back within the hold: whatever was under way may be lost. */
  resume(peer: Peer<A>): void {
    const now = this.ports.clock.now();
    for (const stream of peer.send) {
      if (stream === null || stream.idle) continue;
      stream.resendRange(0, Infinity, now, true);
      this.pump(stream, peer, now);
    }
  }

  /** Re-sends what timed out and what a pause held back. */
  tick(now: number): void {
    for (const stream of this.#sending) {
      const peer = this.peers.of(stream.target);
      if (peer.state === 'reachable' && stream.deadline(now) <= now) stream.timedOut(now);
      this.pump(stream, peer, now);
    }
  }

  deadline(now: number): number {
    let next = Infinity;
    for (const stream of this.#sending) {
      if (this.peers.of(stream.target).state === 'reachable') next = Math.min(next, stream.deadline(now));
    }
    return next;
  }

  /** True when nothing is unacknowledged at a reachable peer. */
  get idle(): boolean {
    for (const stream of this.#sending) if (this.peers.of(stream.target).state === 'reachable') return false;
    return true;
  }
}
