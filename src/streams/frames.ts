import { WireError, WireWriter, type WireReader } from '../common/wire';
import { FRAME, type NodeId, type StreamClass } from '../links/contract';

/**
 * Heads of the routed frames.
 *
 * Batch: u8 type, u8 class | resent << 2, u8 hops, u8 targets, u32 origin, u53 incarnation,
 * targets x (u32 node, u53 incarnation, u32 epoch, u48 first sequence), u32 count, u32 CRC-32 of the body; the body follows.
 *
 * Datagram: u8 type, u8 kind, u8 hops, u8 class, u32 origin, u53 incarnation, u32 node, u53 incarnation; the payload follows.
 */
export interface BatchHead {
  readonly cls: StreamClass;
  readonly resent: boolean;
  readonly hops: number;
  readonly origin: NodeId;
  readonly incarnation: number;
  readonly targets: readonly BatchTarget[];
  readonly count: number;
  readonly bodyCrc: number;
}

export interface BatchTarget {
  readonly node: NodeId;
  readonly incarnation: number;
  readonly epoch: number;
  readonly firstSeq: number;
}

/** What the stream layer tells its peer without a sequence of its own: losing one only costs time. */
export const DATAGRAM = { ack: 1, gap: 2, congested: 3 } as const;

export interface DatagramHead {
  readonly kind: number;
  readonly hops: number;
  readonly cls: StreamClass;
  readonly origin: NodeId;
  readonly incarnation: number;
  readonly node: NodeId;
  readonly nodeIncarnation: number;
}

const BATCH_HEAD_FIXED_BYTES = 24;
const BATCH_TARGET_BYTES = 22;

/** Length of the head of a routed or neighbour frame in [start, end): all of it but a batch's body. */
export function headLength(bytes: Buffer, start: number, end: number): number {
  const whole = end - start;
  if (bytes[start] !== FRAME.batch || whole < 4) return whole;
  return Math.min(whole, BATCH_HEAD_FIXED_BYTES + (bytes[start + 3] as number) * BATCH_TARGET_BYTES);
}

function streamClass(value: number): StreamClass {
  if (value > 3) throw new WireError(`stream class ${value}, expected 0 to 3`);
  return value as StreamClass;
}

/** Reads a batch head; the reader stands at the body afterwards. @throws WireError */
export function readBatchHead(reader: WireReader): BatchHead {
  reader.u8();
  const flags = reader.u8();
  const hops = reader.u8();
  const targetCount = reader.u8();
  const origin = reader.u32();
  const incarnation = reader.u53();
  if (targetCount === 0) throw new WireError('batch without targets');
  const targets: BatchTarget[] = [];
  for (let n = 0; n < targetCount; n++) {
    targets.push({ node: reader.u32(), incarnation: reader.u53(), epoch: reader.u32(), firstSeq: reader.u48() });
  }
  const count = reader.u32();
  if (count === 0) throw new WireError('batch without messages');
  const bodyCrc = reader.u32();
  return {
    cls: streamClass(flags & 3),
    resent: (flags & 4) !== 0,
    hops,
    origin,
    incarnation,
    targets,
    count,
    bodyCrc,
  };
}

export function writeBatchHead(head: BatchHead): Buffer {
  const writer = new WireWriter(BATCH_HEAD_FIXED_BYTES + head.targets.length * BATCH_TARGET_BYTES);
  writer
    .u8(FRAME.batch)
    .u8(head.cls | (head.resent ? 4 : 0))
    .u8(head.hops)
    .u8(head.targets.length)
    .u32(head.origin)
    .u53(head.incarnation);
  for (const target of head.targets) {
    writer.u32(target.node).u53(target.incarnation).u32(target.epoch).u48(target.firstSeq);
  }
  return writer.u32(head.count).u32(head.bodyCrc).take();
}

/** Reads a datagram head; the reader stands at the payload afterwards. @throws WireError */
export function readDatagramHead(reader: WireReader): DatagramHead {
  reader.u8();
  return {
    kind: reader.u8(),
    hops: reader.u8(),
    cls: streamClass(reader.u8()),
    origin: reader.u32(),
    incarnation: reader.u53(),
    node: reader.u32(),
    nodeIncarnation: reader.u53(),
  };
}

/** Begins a datagram; the caller appends the payload. */
export function beginDatagram(head: DatagramHead): WireWriter {
  return new WireWriter(64)
    .u8(FRAME.datagram)
    .u8(head.kind)
    .u8(head.hops)
    .u8(head.cls)
    .u32(head.origin)
    .u53(head.incarnation)
    .u32(head.node)
    .u53(head.nodeIncarnation);
}
