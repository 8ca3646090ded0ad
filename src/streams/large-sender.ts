import type { NodeId, StreamClass } from '../links/contract';
import { MESSAGE_FLAG, type Placement, type SegmentKeeper } from './contract';
import { SEGMENT_BYTES } from './limits';
import { SEGMENT_PART, SegmentWriter } from './reassembly';
import type { OpenTargetSet } from './target-sets';

/** A large message that this node is sending. */
interface OutgoingLarge {
  set: OpenTargetSet | null;
  readonly cls: StreamClass;
  readonly address: string;
  readonly flags: number;
  readonly slot: number;
  begun: boolean;
}

/** Appends one entry to the open batch of a set. */
export type AppendEntry = (
  set: OpenTargetSet,
  cls: StreamClass,
  address: string,
  flags: number,
  payload: Buffer,
  start: number,
  end: number,
  slot: number,
) => Placement;

/** Cuts large messages into segments; a target whose stream is lost meanwhile is left out of the rest. */
export class LargeSender {
  readonly #open = new Map<number, OutgoingLarge>();
  readonly #writer = new SegmentWriter();
  #lastId = 0;

  constructor(
    private readonly append: AppendEntry,
    private readonly intern: (targets: readonly NodeId[]) => OpenTargetSet,
  ) {}

  begin(set: OpenTargetSet, cls: StreamClass, address: string, flags: number, slot: number): number {
    this.#lastId = (this.#lastId + 1) >>> 0;
    this.#open.set(this.#lastId, { set, cls, address, flags: flags | MESSAGE_FLAG.segment, slot, begun: false });
    return this.#lastId;
  }

  segment(id: number, payload: Buffer, start: number, end: number, kept: SegmentKeeper | null): void {
    const large = this.#open.get(id);
    if (large === undefined) return;
    for (let at = start; at < end; at += SEGMENT_BYTES) {
      const part = large.begun ? SEGMENT_PART.middle : SEGMENT_PART.first;
      large.begun = true;
      const placed = this.#write(id, large, part, payload, at, Math.min(end, at + SEGMENT_BYTES), -1);
      if (kept !== null && placed !== null) kept.add(placed);
    }
  }

  end(id: number, aborted: boolean): void {
    const large = this.#open.get(id);
    if (large === undefined) return;
    this.#open.delete(id);
    if (aborted && !large.begun) return;
    const part = aborted
      ? SEGMENT_PART.abort
      : large.begun
        ? SEGMENT_PART.last
        : SEGMENT_PART.first | SEGMENT_PART.last;
    this.#write(id, large, part, EMPTY, 0, 0, aborted ? -1 : large.slot);
  }

  #write(
    id: number,
    large: OutgoingLarge,
    part: number,
    payload: Buffer,
    start: number,
    end: number,
    slot: number,
  ): Placement | null {
    if (large.set === null) return null;
    const length = this.#writer.write(id, part, payload, start, end);
    return this.append(large.set, large.cls, large.address, large.flags, this.#writer.buffer, 0, length, slot);
  }

  /** The stream to a target is lost: open large messages towards it will never be whole there, and so are never delivered. */
  targetLost(target: NodeId, cls: StreamClass, lost: (slot: number, address: string) => void): void {
    for (const large of this.#open.values()) {
      if (large.cls !== cls || large.set === null || !large.set.targets.includes(target)) continue;
      const rest = large.set.targets.filter((other) => other !== target);
      large.set = rest.length === 0 ? null : this.intern(rest);
      lost(large.slot, large.address);
    }
  }
}

const EMPTY = Buffer.alloc(0);
