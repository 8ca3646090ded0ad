import type { NodeId, TrafficClass } from '../links/contract';
import type { LargeBody, Streams, TargetSet } from '../streams/contract';
import { SEGMENT_BYTES } from '../streams/limits';

/** A large message that is kept here, on its way to another site. */
interface Resend {
  readonly slot: number;
  readonly node: NodeId;
  readonly cls: TrafficClass;
  readonly largeId: number;
  readonly body: LargeBody;
  at: number;
}

/** Where parts are read into on their way to a segment. */
const PART = Buffer.allocUnsafeSlow(SEGMENT_BYTES);

/** Sends large messages again that one site did not take, to another one, no faster than its stream takes them. */
export class LargeResends {
  readonly #waiting = new Map<number, Resend>();

  constructor(
    private readonly streams: Streams,
    /** A body that cannot be read any more; the message went nowhere. */
    private readonly failed: (slot: number, node: NodeId, why: Error) => void,
  ) {}

  get size(): number {
    return this.#waiting.size;
  }

  /** @param body held by whoever holds the slot, until that is free */
  add(slot: number, set: TargetSet, cls: TrafficClass, wire: string, flags: number, body: LargeBody): void {
    const largeId = this.streams.beginLarge(set, cls, wire, flags, slot);
    const resend: Resend = { slot, node: set.targets[0] as NodeId, cls, largeId, body, at: 0 };
    this.#waiting.set(slot, resend);
    this.#go(resend);
  }

  /** Streams have room again. */
  pump(): void {
    for (const resend of this.#waiting.values()) this.#go(resend);
  }

  /** The stream of a message is lost, or it was none of these. */
  cancel(slot: number): void {
    const resend = this.#waiting.get(slot);
    if (resend === undefined) return;
    this.#waiting.delete(slot);
    this.streams.endLarge(resend.largeId, true);
  }

  #go(resend: Resend): void {
    const { slot, node, cls, largeId, body } = resend;
    while (resend.at < body.length) {
      if (this.streams.isFull(node, cls)) return;
      const length = this.#read(resend);
      if (length === 0) return;
      this.streams.appendSegment(largeId, PART, 0, length);
      resend.at += length;
    }
    this.#waiting.delete(slot);
    this.streams.endLarge(largeId, false);
  }

  /** @returns 0 when it cannot be read, and is given up */
  #read({ slot, node, body, at }: Resend): number {
    try {
      const length = body.read(at, PART);
      if (length > 0) return length;
      throw new Error(`a large message of ${body.length} bytes ends after ${at}`);
    } catch (error) {
      this.cancel(slot);
      this.failed(slot, node, error as Error);
      return 0;
    }
  }
}
