import type { Chunk, ChunkPool } from '../common/chunk';
import type { Clock, Journal } from '../common/ports';
import type { NodeId, TrafficClass } from '../links/contract';
import type { Routes } from '../routing/contract';
import type { StreamsUpper } from './contract';
import type { SpoolPort } from './reassembly';

/** The bounded queues of the links below. */
export interface FrameSink {
  /**
   * Queues a frame on a link. The sink retains the body until it is sent or dropped.
   * @param streamKey frames of one key are served as one stream in the round robin
   */
  enqueue(link: number, cls: TrafficClass, head: Buffer, body: Chunk | null, streamKey: number, origin: NodeId): void;
}

/** What the stream layer is built on. */
export interface StreamPorts<A> {
  readonly clock: Clock;
  readonly routes: Routes;
  readonly frames: FrameSink;
  readonly upper: StreamsUpper<A>;
  readonly spool: SpoolPort;
  readonly journal: Journal;
  /** Batches that this node originated, until every target has them. */
  readonly retention: ChunkPool;
  /** Bodies that arrived for this node, until its lanes let them go. */
  readonly receive: ChunkPool;
  /** Bodies on their way through this node. */
  readonly transit: ChunkPool;
  readonly partitionHoldMs: number;
  /** Something is to be done at the end of this turn. */
  readonly scheduleFlush: () => void;
}

/** Counters of the stream layer; plain numbers, read by metrics and by the simulator. */
export class StreamCounters {
  forwardedFrames = 0;
  resentFrames = 0;
  duplicateFrames = 0;
  staleFrames = 0;
  congestionDrops = 0;
  gapReports = 0;
  reroutes = 0;
  shutWindows = 0;
  holds = 0;
  restartsSeen = 0;
  hopLimitDrops = 0;
  unroutableFrames = 0;
  corruptFrames = 0;
  abortedLarge = 0;
}
