import type { Streams } from '../streams/contract';
import { MESSAGE_FLAG, type LargeBody } from '../streams/contract';
import { SEGMENT_BYTES } from '../streams/limits';
import type { ForwarderPorts } from './forwarder';
import { FROM_OUTBOX } from './outbox-records';
import { flagsOfTurn, PUT_HEAD_BYTES, writePutHead } from './put-head';
import type { LargePut, PutLane } from './put-lane';

/** Where parts of large messages are read into. */
const PART = Buffer.allocUnsafeSlow(SEGMENT_BYTES);

/** What the head of a large put is made of. */
export interface LargeHead {
  readonly flags: number;
  readonly epoch: number;
  readonly tag: number;
}

/** Large messages on their way into queues of other nodes: each is sent part by part, while nothing else of its lane is. */
export class LargePuts {
  readonly #heads = new Map<number, LargeHead>();

  constructor(
    private readonly shared: Pick<ForwarderPorts, 'pending' | 'large' | 'clock'> & { readonly streams: Streams },
    /** One that was begun cannot be read any more. */
    private readonly onLost: (lane: PutLane, slot: number) => void,
  ) {}

  /** @param body retained until its outcome is known */
  keep(slot: number, head: LargeHead, body: LargeBody): void {
    body.retain();
    this.shared.pending.keepBody(slot, body);
    this.#heads.set(slot, head);
  }

  head(slot: number): LargeHead {
    return this.#heads.get(slot) as LargeHead;
  }

  forget(slot: number): void {
    if (this.#heads.size > 0) this.#heads.delete(slot);
  }

  /** Begins to send one, whose lane may send. */
  begin(lane: PutLane, at: number, body: LargeBody): void {
    const { pending, streams } = this.shared;
    if (lane.set === null) return;
    const slot = lane.slot(at);
    const flags = (pending.flags(slot) & ~FROM_OUTBOX) | MESSAGE_FLAG.tracked;
    const largeId = streams.beginLarge(lane.set, lane.cls, lane.entry.wire, flags, slot);
    const head = this.head(slot);
    writePutHead(
      PART,
      flagsOfTurn(head.flags, lane.turn),
      head.epoch,
      lane.seq(at),
      head.tag,
      this.shared.clock.now() - lane.cameAt(at),
    );
    streams.appendSegment(largeId, PART, 0, PUT_HEAD_BYTES);
    lane.large = { slot, largeId, body, at: 0 };
  }

  /** @returns true once the end of the large message has been given to the stream */
  pump(lane: PutLane): boolean {
    const { streams } = this.shared;
    const { large } = lane;
    if (large === null) return true;
    while (large.at < large.body.length) {
      if (streams.isFull(lane.home, lane.cls)) return false;
      const length = this.#readPart(lane, large);
      if (length === 0) return true;
      streams.appendSegment(large.largeId, PART, 0, length);
      large.at += length;
    }
    streams.endLarge(large.largeId, false);
    lane.large = null;
    return true;
  }

  /** @returns 0 when it cannot be read any more */
  #readPart(lane: PutLane, { slot, largeId, body, at }: LargePut): number {
    try {
      const length = body.read(at, PART);
      if (length > 0) return length;
      throw new Error(`a large message of ${body.length} bytes ends after ${at}`);
    } catch (error) {
      this.shared.streams.endLarge(largeId, true);
      lane.large = null;
      this.shared.large.failed(error as Error);
      this.onLost(lane, slot);
      return 0;
    }
  }

  /** What was under way never arrives. */
  cutOff(lane: PutLane, slot: number): void {
    const { large } = lane;
    if (large?.slot !== slot) return;
    lane.large = null;
    this.shared.streams.endLarge(large.largeId, true);
  }
}
