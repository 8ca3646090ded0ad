import type { Chunk } from '../common/chunk';
import type { WireReader } from '../common/wire';
import type { NodeId, StreamClass } from '../links/contract';

/** Bits of a message's flags inside a batch. */
export const MESSAGE_FLAG = {
  /** The sender settled it: no outcome goes back to the sender's client. */
  settled: 1,
  durable: 2,
  /** The ingress wants the outcome of this message back (anycast, multicast). */
  tracked: 4,
  /** This entry is one segment of a large message. */
  segment: 8,
} as const;

/** Outcomes on the wire between nodes and towards listeners; `modified` with each pair of its two flags. */
export const OUTCOME = {
  accepted: 0,
  rejected: 1,
  released: 2,
  /** `modified` with delivery-failed. */
  modifiedFailed: 3,
  /** `modified` with undeliverable-here. */
  modifiedHere: 4,
  /** Certainly not given to any consumer at this destination: the ingress may try another. Never told to a client. */
  undelivered: 5,
  modified: 6,
  modifiedFailedHere: 7,
} as const;
export type Outcome = (typeof OUTCOME)[keyof typeof OUTCOME];

/** Details of an outcome that is not plain; absent for nearly all. */
export interface OutcomeDetail {
  readonly condition?: string;
  readonly description?: string;
  /** Encoded AMQP `fields` map (error info or message annotations), passed through as it came. */
  readonly fields?: Buffer;
}

/** Why a message was dropped; also the label values of `fairlead_messages_dropped_total`. */
export const DROP_REASON = {
  unreachable: 'unreachable',
  peerRestarted: 'peerRestarted',
  noSubscriber: 'noSubscriber',
  slowOldest: 'dropOldest',
  slowNewest: 'dropNewest',
  disconnected: 'consumerDisconnected',
  oversized: 'tooLargeForConsumer',
  surplus: 'widenedFilter',
  noRoom: 'noRoom',
  damaged: 'damaged',
} as const;
export type DropReason = (typeof DROP_REASON)[keyof typeof DROP_REASON];

/** A set of destination nodes (never empty, never holding self), interned: equal sets are the same object. */
export interface TargetSet {
  readonly key: string;
  readonly targets: readonly NodeId[];
}

/** Where `append` has put a message: the chunk holds it at [start, start + length). Valid until the next append. */
export interface Placement {
  chunk: Chunk;
  start: number;
  length: number;
}

/** Keeps what a large message was put into. */
export interface SegmentKeeper {
  /** @param placement of a segment with its head; valid within the call */
  add(placement: Placement): void;
}

/** What addresses ask of streams. All calls are synchronous; frames leave at `flush`. */
export interface Streams {
  targetSet(targets: readonly NodeId[]): TargetSet;
  /**
   * Appends one message to the open batch of (set, class). Bytes are copied. `slot` >= 0 asks for `onOutcome` once per target.
   * The caller has looked at `isFull` before it let the message in; append itself never refuses.
   * @param address the concrete name, without kind prefix; interned by the batch's dictionary, so pass the same string object
   */
  append(
    set: TargetSet,
    cls: StreamClass,
    address: string,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    slot: number,
  ): Placement;
  /** Starts a large message towards a set; segments follow with the returned id, other messages may come between. */
  beginLarge(set: TargetSet, cls: StreamClass, address: string, flags: number, slot: number): number;
  /** @param kept is told where the bytes were put, and may retain that; of what goes nowhere it is told nothing */
  appendSegment(largeId: number, payload: Buffer, start: number, end: number, kept?: SegmentKeeper | null): void;
  endLarge(largeId: number, aborted: boolean): void;
  /** True while messages to this destination should not be let in: its window is shut and its share of the retention pool is used up. */
  isFull(target: NodeId, cls: StreamClass): boolean;
  /** Sends a reliable, ordered control message to one node (control class). `kind` < 128 belongs to addresses. */
  sendControl(target: NodeId, kind: number, payload: Buffer): void;
  /**
   * Tells the origin of a tracked message what became of it; collected into ranges and sent at `flush`.
   * @param receipt as given with `onMessage`
   */
  outcome(origin: NodeId, receipt: Receipt, seq: number, outcome: Outcome, detail: OutcomeDetail | null): void;
}

/** Identifies the stream that a received message came by; one object per stream, not per message. */
export interface Receipt {
  readonly origin: NodeId;
  readonly incarnation: number;
  readonly cls: StreamClass;
  readonly epoch: number;
}

/** A whole large message at its destination: in memory up to a bound, on disk past it. */
export interface LargeBody {
  readonly length: number;
  /** Copies up to `target.length` bytes from `offset`; returns how many. */
  read(offset: number, target: Buffer): number;
  retain(): void;
  release(): void;
}

/**
 * What becomes of messages published for a node: sent, or held while it is out of reach (`usable`); nothing, for there is no stream to
 * it (`unusable`); or lost to it and to be counted, for it is unreachable beyond `partitionHold` (`givenUp`).
 */
export type TargetState = 'usable' | 'unusable' | 'givenUp';

/** In place of an address in a gap event: all that there was no room to name. No wire name is like it. */
export const GAP_OTHERS = '*';

/** What streams tell addresses. `A` is whatever addresses want back per dictionary entry. */
export interface StreamsUpper<A> {
  /** Resolves a name of a received batch's dictionary; called once per batch and name. */
  resolveWire(address: string): A;
  /** In stream order, each message exactly once. To keep the bytes, retain the chunk. */
  onMessage(receipt: Receipt, seq: number, address: A, flags: number, chunk: Chunk, start: number, end: number): void;
  onLarge(receipt: Receipt, seq: number, address: A, flags: number, body: LargeBody): void;
  /** A large message that its sender is told the outcome of came whole, and there was no room for it here: it is answered undelivered. */
  onNotTaken(origin: NodeId, address: A): void;
  onControl(origin: NodeId, kind: number, payload: WireReader): void;
  /** Exactly once per (slot, target) of an appended message, unless the stream is lost first. */
  onOutcome(slot: number, target: NodeId, outcome: Outcome, detail: OutcomeDetail | null): void;
  /**
   * The outcome of (slot, target) will never come: the destination restarted or stayed unreachable beyond `partitionHold`.
   * `sent` is false when the target certainly does not have the message: it, or the end of a large one, never left this node.
   */
  onLost(slot: number, target: NodeId, sent: boolean, reason: DropReason): void;
  /** Messages without a slot that were given up, counted per address. */
  onDropped(target: NodeId, address: string, count: number, reason: DropReason): void;
  /** `isFull` has changed. */
  onFull(target: NodeId, cls: StreamClass, full: boolean): void;
  /** The origin's stream starts afresh; `missed` messages of each address were given up by it (empty when it restarted). */
  onGap(origin: NodeId, missed: ReadonlyMap<string, number>): void;
  /** That node had given this one up, and is back: whatever either had asked of the other is void there. */
  onGivenUp(origin: NodeId): void;
  /** Streams to this node may be used (again), or it must be left out of target sets. */
  onTargetState(target: NodeId, state: TargetState): void;
}
