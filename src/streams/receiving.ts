import type { Chunk } from '../common/chunk';
import { STREAM_CLASSES } from '../links/contract';
import type { DatagramPort } from './datagrams';
import type { Delivery } from './delivery';
import type { BatchHead, BatchTarget } from './frames';
import { ACTIVE_MS, WINDOW_BYTES_MAX, WINDOW_BYTES_MIN } from './limits';
import type { Peer, Peers } from './peer';
import type { StreamCounters, StreamPorts } from './ports';
import { ReceiveStream } from './receive-stream';

/** The receiving half of the stream layer: what arrives for this node is put in order, delivered and acknowledged. */
export class Receiving<A> {
  /** Streams with an acknowledgement or a gap report to come. */
  readonly #receiving = new Set<ReceiveStream>();
  #window = WINDOW_BYTES_MIN;

  constructor(
    private readonly ports: StreamPorts<A>,
    private readonly counters: StreamCounters,
    private readonly peers: Peers<A>,
    private readonly delivery: Delivery<A>,
    private readonly datagrams: DatagramPort<A>,
    /** A frame of that peer was taken: it reaches this node, whatever routing says as yet. */
    private readonly heard: (peer: Peer<A>) => void,
  ) {}

  receive(head: BatchHead, target: BatchTarget, body: Chunk): void {
    if (target.incarnation !== this.ports.routes.self.incarnation) {
      this.counters.staleFrames++;
      return;
    }
    // A life that routing does not know cannot be answered yet: it sends again.
    if (this.ports.routes.view(head.origin)?.incarnation !== head.incarnation) {
      this.counters.staleFrames++;
      return;
    }
    const peer = this.peers.of(head.origin);
    this.heard(peer);
    if (head.incarnation > peer.receiveIncarnation) {
      this.reset(peer);
      peer.receiveIncarnation = head.incarnation;
    }
    const now = this.ports.clock.now();
    peer.lastHeard = now;
    const stream = (peer.receive[head.cls] ??= new ReceiveStream(head.origin, head.incarnation, head.cls));
    if (target.epoch < stream.epoch) {
      this.counters.staleFrames++;
      return;
    }
    if (target.epoch > stream.epoch) {
      this.counters.abortedLarge += peer.abortIncoming(head.cls);
      stream.restart(target.epoch);
    }
    this.#arrive(peer, stream, target.firstSeq, head.count, body, now);
  }

  #arrive(peer: Peer<A>, stream: ReceiveStream, firstSeq: number, count: number, body: Chunk, now: number): void {
    this.#receiving.add(stream);
    this.ports.scheduleFlush();
    const arrival = stream.arrive(firstSeq, count, body, Math.max(this.#window, WINDOW_BYTES_MIN), now);
    if (arrival === 'duplicate') this.counters.duplicateFrames++;
    if (arrival !== 'deliver') return;
    this.delivery.deliver(peer, stream, firstSeq, count, body);
    for (let early = stream.next(now); early !== null; early = stream.next(now)) {
      this.delivery.deliver(peer, stream, early.firstSeq, early.count, early.body);
      early.body.release();
    }
  }

  acknowledge(now: number): void {
    if (this.#receiving.size === 0) return;
    this.#window = this.#windowShare(now);
    for (const stream of this.#receiving) {
      if (stream.ackDue && stream.ackDeadline <= now) {
        this.datagrams.sendAck(stream, this.#window);
        stream.acknowledged();
      }
      if (!stream.ackDue && stream.gapDeadline === Infinity) this.#receiving.delete(stream);
    }
  }

  #windowShare(now: number): number {
    let active = 0;
    for (const peer of this.peers.all()) if (now - peer.lastHeard < ACTIVE_MS) active++;
    const share = Math.max(0, this.ports.receive.free) / Math.max(1, active);
    return Math.max(WINDOW_BYTES_MIN, Math.min(WINDOW_BYTES_MAX, Math.floor(share)));
  }

  reset(peer: Peer<A>): void {
    for (const cls of STREAM_CLASSES) {
      const stream = peer.receive[cls];
      this.counters.abortedLarge += peer.abortIncoming(cls);
      if (stream === null) continue;
      stream.discardEarly();
      this.#receiving.delete(stream);
      peer.receive[cls] = null;
    }
  }

  /** Reports gaps that lasted too long to be mere reordering. */
  reportGaps(now: number): void {
    for (const stream of this.#receiving) {
      if (stream.gapDeadline > now) continue;
      const gap = stream.takeGap(now);
      if (gap === null) continue;
      this.counters.gapReports++;
      this.datagrams.sendGap(stream, gap[0], gap[1]);
    }
  }

  deadline(): number {
    let next = Infinity;
    for (const stream of this.#receiving) next = Math.min(next, stream.ackDeadline, stream.gapDeadline);
    return next;
  }
}
