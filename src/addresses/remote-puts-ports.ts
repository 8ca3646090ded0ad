import type { NodeId } from '../links/contract';
import type { LargeBody } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { PutHead } from './put-head';
import type { PutLane } from './put-lane';
import type { QueueState } from './queue-state';

/** What remote puts ask of the queues around them. */
export interface RemotePutsPorts {
  /** Looks up where a queue lives. */
  refresh(entry: AddressEntry): QueueState;
  isReachable(node: NodeId): boolean;
  /** Two nodes have made the queue, and what this node has put to the one that is its home no more is still to come to the other. */
  isMerging(lane: PutLane): boolean;
  nodeName(node: NodeId): string;
  /**
   * The queue has come to this node: puts one that was for another after all.
   * @param head that it was to be put with
   */
  putHere(state: QueueState, slot: number, head: PutHead, bytes: Buffer, start: number, end: number): void;
  putHereLarge(state: QueueState, slot: number, head: PutHead, body: LargeBody): void;
  /** The home takes none of a lane for now, and says why. */
  waits(lane: PutLane, why: string): void;
  /** All puts of a lane are answered. */
  emptied(lane: PutLane): void;
  /** So long a put that was never sent waits for a home that is out of reach, or for what was put before it to be there. */
  readonly holdMs: number;
}
