import { KeptSegments } from '../streams/kept-segments';
import { LargeAssembler, type LargeStorage } from '../streams/reassembly';
import { OUTCOME, type LargeBody, type Streams } from '../streams/contract';
import type { Verdict } from './contract';
import { LARGE_KEPT_BYTES_MAX, LARGE_KEPT_PARTS_MAX } from './limits';

/** What is done when a large message is complete or given up. */
export interface LargeEnd {
  /** @param body what was put together here, null when nothing was; released by the caller afterwards */
  complete(body: LargeBody | null): Verdict;
  aborted(): void;
}

/**
 * What this node has of a large message besides passing it on: nothing; what it left in, kept while there is room; or the whole of it,
 * put together for consumers here, on disk if need be.
 */
export type Gather = 'nothing' | 'kept' | 'whole';

const PART_BYTES = 32 * 1024;

/** A large message on its way in: streamed to other sites as it comes, put together for consumers here. */
export class LargePublish {
  length = 0;
  /** The site that it was streamed to is lost: it is put together here for another one. */
  diverted = false;
  #kept: KeptSegments | null;
  #assembler: LargeAssembler | null;

  /**
   * @param largeId of the stream layer, -1 when no other site gets it
   * @param hasRoom whether there is memory to keep what leaves
   */
  constructor(
    private readonly streams: Streams,
    private readonly storage: LargeStorage,
    private readonly largeId: number,
    gather: Gather,
    private readonly whenDone: LargeEnd,
    private readonly hasRoom: () => boolean = () => false,
  ) {
    this.#kept = gather === 'kept' ? new KeptSegments() : null;
    this.#assembler = gather === 'whole' ? new LargeAssembler(storage) : null;
  }

  part(payload: Buffer, start: number, end: number): void {
    this.length += end - start;
    if (this.#kept !== null && !this.#fits(this.#kept)) this.#forget();
    if (this.largeId >= 0 && !this.diverted) this.streams.appendSegment(this.largeId, payload, start, end, this.#kept);
    this.#assembler?.append(payload, start, end);
  }

  #fits({ segments }: KeptSegments): boolean {
    return this.length <= LARGE_KEPT_BYTES_MAX && segments < LARGE_KEPT_PARTS_MAX && this.hasRoom();
  }

  #forget(): void {
    this.#kept?.release();
    this.#kept = null;
  }

  /** The site that it went to certainly never has it whole. @returns false when it cannot go elsewhere: what came so far is gone */
  divert(): boolean {
    const kept = this.#whole();
    if (kept === null) return false;
    const assembler = new LargeAssembler(this.storage);
    const part = Buffer.allocUnsafe(PART_BYTES);
    for (let at = 0; at < kept.length;) {
      const length = kept.read(at, part);
      assembler.append(part, 0, length);
      at += length;
    }
    this.#forget();
    this.#assembler = assembler;
    this.diverted = true;
    return true;
  }

  /** What was kept, when that is all that came. */
  #whole(): KeptSegments | null {
    return this.#kept?.length === this.length ? this.#kept : null;
  }

  /** Nobody gets a message that this node had no room for: its sender is told so. */
  end(): Verdict {
    const body = this.#assembler === null ? this.#whole() : this.#assembler.finish();
    if (this.#assembler !== null && body === null) {
      this.abort();
      return OUTCOME.rejected;
    }
    if (this.largeId >= 0) this.streams.endLarge(this.largeId, false);
    const verdict = this.whenDone.complete(body);
    if (body !== this.#kept) body?.release();
    this.#forget();
    return verdict;
  }

  abort(): void {
    if (this.largeId >= 0) this.streams.endLarge(this.largeId, true);
    this.#forget();
    this.#assembler?.abort();
    this.whenDone.aborted();
  }
}
