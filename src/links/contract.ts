import type { WireReader } from '../common/wire';

/**
 * Names every node by a 31-bit FNV-1a hash of its name, so that no table has to be agreed on before a frame can be read.
 * Two different names with one hash are refused like two nodes with one name (FAULTS F23).
 */
export type NodeId = number;

/** Classes of traffic on a link: each has its own outbound queue. */
export const TRAFFIC_CLASS = { control: 0, high: 1, normal: 2 } as const;
export type TrafficClass = (typeof TRAFFIC_CLASS)[keyof typeof TRAFFIC_CLASS];
export const TRAFFIC_CLASSES: readonly TrafficClass[] = [0, 1, 2];

/**
 * Classes of streams, each with streams and windows of its own: those of links, and bulk, which waits on a link with what is normal.
 * There each stream has its turn, so that bulk has half of a link at least and holds up no message for longer than a turn.
 */
export const STREAM_CLASS = { ...TRAFFIC_CLASS, bulk: 3 } as const;
export type StreamClass = (typeof STREAM_CLASS)[keyof typeof STREAM_CLASS];
export const STREAM_CLASSES: readonly StreamClass[] = [0, 1, 2, 3];

/** The queue of a link that frames of a stream wait in. */
export function trafficClassOf(cls: StreamClass): TrafficClass {
  return cls === STREAM_CLASS.bulk ? TRAFFIC_CLASS.normal : cls;
}

/** First byte of every frame between two nodes. Below 16: spoken between neighbours only; from 16: routed. */
export const FRAME = {
  hello: 1,
  digest: 2,
  state: 3,
  stateRequest: 4,
  synced: 5,
  bye: 6,
  batch: 16,
  datagram: 17,
} as const;

/** Who a node is in one life of its process. A higher incarnation is a later life. */
export interface NodeIdentity {
  readonly id: NodeId;
  /** Unique in the mesh. */
  readonly name: string;
  readonly site: string;
  /** Ordered: boot counter `max(persisted + 1, unix seconds)` x 65,536 + 16 random bits; below 2^53. */
  readonly incarnation: number;
}

/** What a neighbour said of itself and of this link when the connection was opened. */
export interface PeerHello {
  readonly node: string;
  readonly site: string;
  readonly incarnation: number;
  /** Inclusive range of mesh protocol versions spoken. */
  readonly protocolMin: number;
  readonly protocolMax: number;
  /** Name of the link as the dialling side configured it; the accepting side takes it over. */
  readonly link: string;
  /** Cost as configured by the dialling side; the accepting side takes it over. */
  readonly cost: number;
}

/** The wire below a link: one AMQP connection in production, a virtual pipe in the simulator. */
export interface LinkTransport {
  /**
   * Queues one frame, made of a head and an optional body. Order is kept within a class. Both are copied before it returns: whoever
   * holds the body may let it go.
   */
  send(cls: TrafficClass, head: Buffer, body: Buffer | null): void;
  /** Bytes that may be sent on this class now without more than about bandwidth x delay unacknowledged on the link. */
  room(cls: TrafficClass): number;
  /** Ends the connection; the peer is told the condition and the reason. */
  close(condition: string, reason: string): void;
}

/** Events a transport reports to the link above it. */
export interface LinkTransportEvents {
  /** A whole frame. The bytes are valid during the call only, unless `owned` says they may be kept. */
  onFrame(cls: TrafficClass, bytes: Buffer, start: number, end: number): void;
  /** Any byte came in: the neighbour lives. */
  onInbound(): void;
  /** `room` has grown. */
  onRoom(cls: TrafficClass): void;
  onClosed(reason: string): void;
}

/** A frame handler that routing and the layers above register for a frame type. */
export type FrameHandler = (
  link: number,
  cls: TrafficClass,
  reader: WireReader,
  bytes: Buffer,
  start: number,
  end: number,
) => void;

/**
 * FNV-1a, 32 bits, over the UTF-8 bytes of the node's name, folded to 31: numbers beyond that are objects on V8's heap, and ids
 * go with every message.
 */
export function nodeIdOf(name: string): NodeId {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 31) ^ (hash & 0x7fff_ffff);
}
