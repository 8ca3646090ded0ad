import type { Chunk } from '../common/chunk';
import { TRAFFIC_CLASS, type LinkTransport, type NodeId, type TrafficClass } from './contract';
import { DrainRate } from './drain-rate';
import { FairQueue, LengthIndex, type FrameStream, type QueuedFrame } from './fair-queue';
import { CONTROL_QUEUE_BYTES, NEIGHBOUR_QUEUE_BYTES } from './limits';

/** A frame was dropped for want of room: its origin is to be told (`congested`), it halves its window and sends again. */
export type FrameDropped = (head: Buffer, origin: NodeId) => void;

/**
 * What waits for one link. Served in this order: frames between neighbours, routed control, high, normal; within a class
 * round-robin by stream key. When a bound is reached the newest frame of the longest stream is dropped; that of high and normal
 * frames is less on a slow link.
 */
export class OutboundQueue {
  sentBytes = 0;
  sentFrames = 0;
  droppedFrames = 0;
  #neighbour: Buffer[] = [];
  #neighbourAt = 0;
  #neighbourBytes = 0;
  readonly #controlLengths = new LengthIndex(CONTROL_QUEUE_BYTES);
  readonly #dataLengths: LengthIndex;
  readonly #rate: DrainRate;
  /** By traffic class. */
  readonly #queues: readonly [FairQueue, FairQueue, FairQueue];

  constructor(
    queueBytes: number,
    private readonly onDropped: FrameDropped,
  ) {
    this.#dataLengths = new LengthIndex(queueBytes);
    this.#rate = new DrainRate(queueBytes);
    this.#queues = [
      new FairQueue(this.#controlLengths),
      new FairQueue(this.#dataLengths),
      new FairQueue(this.#dataLengths),
    ];
  }

  get queuedBytes(): number {
    return this.#neighbourBytes + this.#controlLengths.bytes + this.#dataLengths.bytes;
  }

  get empty(): boolean {
    return this.queuedBytes === 0;
  }

  /** True when no routed frame waits. */
  get routedEmpty(): boolean {
    return this.#controlLengths.bytes + this.#dataLengths.bytes === 0;
  }

  /** Queues a frame between neighbours. @returns false when the bound is passed: the link cannot be kept, for none may be missing */
  pushNeighbour(frame: Buffer): boolean {
    if (this.#neighbourBytes + frame.length > NEIGHBOUR_QUEUE_BYTES) return false;
    this.#neighbour.push(frame);
    this.#neighbourBytes += frame.length;
    return true;
  }

  /**
   * Queues a routed frame and retains its body until it is sent or dropped.
   * @param streamKey frames of one key keep their order and have their turn as one
   */
  push(cls: TrafficClass, head: Buffer, body: Chunk | null, streamKey: number, origin: NodeId): void {
    const bytes = head.length + (body === null ? 0 : body.length);
    body?.retain();
    this.#queues[cls].push(streamKey, head, body, bytes, origin);
    if (cls === TRAFFIC_CLASS.control) this.#dropOver(this.#controlLengths, CONTROL_QUEUE_BYTES);
    else this.#dropOver(this.#dataLengths, this.#rate.limit);
  }

  #dropOver(lengths: LengthIndex, limit: number): void {
    while (lengths.bytes > limit) {
      const longest = lengths.longest() as FrameStream;
      const frame = longest.queue.dropNewest(longest);
      this.droppedFrames++;
      frame.body?.release();
      this.onDropped(frame.head, frame.origin);
    }
  }

  /** Hands over what the transport has room for. */
  drain(transport: LinkTransport, now: number): void {
    this.#drainNeighbour(transport);
    for (let cls: TrafficClass = 0; cls <= 2; cls++) {
      const queue = this.#queues[cls as TrafficClass];
      while (!queue.empty && transport.room(cls as TrafficClass) > 0) {
        const frame = queue.shift() as QueuedFrame;
        this.#sent(frame.bytes);
        transport.send(cls as TrafficClass, frame.head, frame.body === null ? null : bodyBytes(frame.body));
        frame.body?.release();
      }
    }
    if (this.#rate.drained(this.#dataLengths.bytes > 0, now)) this.#dropOver(this.#dataLengths, this.#rate.limit);
  }

  #drainNeighbour(transport: LinkTransport): void {
    const frames = this.#neighbour;
    while (this.#neighbourAt < frames.length && transport.room(TRAFFIC_CLASS.control) > 0) {
      const frame = frames[this.#neighbourAt++] as Buffer;
      this.#neighbourBytes -= frame.length;
      this.#sent(frame.length);
      transport.send(TRAFFIC_CLASS.control, frame, null);
    }
    if (this.#neighbourAt === frames.length) {
      if (frames.length > 0) this.#neighbour = [];
      this.#neighbourAt = 0;
    } else if (this.#neighbourAt > 1_024) {
      this.#neighbour = frames.slice(this.#neighbourAt);
      this.#neighbourAt = 0;
    }
  }

  #sent(bytes: number): void {
    this.sentBytes += bytes;
    this.#rate.sent(bytes);
    this.sentFrames++;
  }

  /** Lets go of everything; the link is down. */
  clear(): void {
    this.#neighbour = [];
    this.#neighbourAt = this.#neighbourBytes = 0;
    for (const queue of this.#queues) {
      for (let frame = queue.shift(); frame !== null; frame = queue.shift()) frame.body?.release();
    }
  }
}

function bodyBytes(body: Chunk): Buffer {
  return body.bytes.length === body.length ? body.bytes : body.bytes.subarray(0, body.length);
}
