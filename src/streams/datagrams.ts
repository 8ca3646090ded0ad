import type { WireReader } from '../common/wire';
import { STREAM_CLASS, type NodeId, type StreamClass } from '../links/contract';
import { DATAGRAM, beginDatagram, type BatchTarget, type DatagramHead } from './frames';
import { HOPS_MAX } from './limits';
import type { StreamPorts } from './ports';
import type { ReceiveStream } from './receive-stream';

/** What a received datagram says. */
export interface DatagramVisitor {
  onAck(cls: StreamClass, epoch: number, nextExpected: number, window: number): void;
  onGap(cls: StreamClass, epoch: number, from: number, to: number): void;
  onCongested(cls: StreamClass, node: NodeId, epoch: number, firstSeq: number): void;
}

/** Acknowledgements, gap reports and congestion notices: routed on the control class, not kept, repeated where that matters. */
export class DatagramPort<A> {
  constructor(private readonly ports: StreamPorts<A>) {}

  /** u32 epoch, u48 next expected sequence, u32 window in bytes. */
  sendAck(stream: ReceiveStream, window: number): void {
    const writer = this.#begin(DATAGRAM.ack, stream.cls, stream.origin, stream.incarnation);
    this.#send(stream.origin, writer.u32(stream.epoch).u48(stream.expectedSeq).u32(window).take());
  }

  /** u32 epoch, u48 first missing, u48 first present after it. */
  sendGap(stream: ReceiveStream, from: number, to: number): void {
    const writer = this.#begin(DATAGRAM.gap, stream.cls, stream.origin, stream.incarnation);
    this.#send(stream.origin, writer.u32(stream.epoch).u48(from).u48(to).take());
  }

  /** u32 destination, u32 epoch, u48 first sequence of the dropped frame. */
  sendCongested(origin: NodeId, incarnation: number, cls: StreamClass, target: BatchTarget): void {
    const writer = this.#begin(DATAGRAM.congested, cls, origin, incarnation);
    this.#send(origin, writer.u32(target.node).u32(target.epoch).u48(target.firstSeq).take());
  }

  /** Sends another node's datagram on. @returns false when its hops are used up or no route leads there */
  forward(head: DatagramHead, reader: WireReader): boolean {
    if (head.hops === 0) return false;
    const link = this.ports.routes.nextHop(head.node, head.origin, STREAM_CLASS.control);
    if (link < 0) return false;
    const frame = beginDatagram({ ...head, hops: head.hops - 1 })
      .raw(reader.rest())
      .take();
    this.ports.frames.enqueue(link, STREAM_CLASS.control, frame, null, head.origin, head.origin);
    return true;
  }

  /** @throws WireError when the payload is short; an unknown kind is a later version's and is ignored */
  read(head: DatagramHead, reader: WireReader, visitor: DatagramVisitor): void {
    if (head.kind === DATAGRAM.ack) visitor.onAck(head.cls, reader.u32(), reader.u48(), reader.u32());
    else if (head.kind === DATAGRAM.gap) visitor.onGap(head.cls, reader.u32(), reader.u48(), reader.u48());
    else if (head.kind === DATAGRAM.congested) {
      const node = reader.u32();
      visitor.onCongested(head.cls, node, reader.u32(), reader.u48());
    }
  }

  #begin(kind: number, cls: StreamClass, node: NodeId, nodeIncarnation: number): ReturnType<typeof beginDatagram> {
    const self = this.ports.routes.self;
    return beginDatagram({
      kind,
      hops: HOPS_MAX,
      cls,
      origin: self.id,
      incarnation: self.incarnation,
      node,
      nodeIncarnation,
    });
  }

  #send(node: NodeId, frame: Buffer): void {
    const self = this.ports.routes.self;
    const link = this.ports.routes.nextHop(node, self.id, STREAM_CLASS.control);
    if (link >= 0) this.ports.frames.enqueue(link, STREAM_CLASS.control, frame, null, self.id, self.id);
  }
}
