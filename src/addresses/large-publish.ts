import { LargeAssembler, type LargeStorage } from '../streams/reassembly';
import { OUTCOME, type LargeBody, type Streams } from '../streams/contract';
import type { Verdict } from './contract';

/** What is done when a large message is complete or given up. */
export interface LargeEnd {
  /** @param body the message for consumers of this node, null when there are none; released by the caller afterwards */
  complete(body: LargeBody | null): Verdict;
  aborted(): void;
}

/** A large message on its way in: streamed to other sites as it comes, put together for consumers here. */
export class LargePublish {
  length = 0;
  readonly #assembler: LargeAssembler | null;

  /**
   * @param largeId of the stream layer, -1 when no other site gets it
   * @param local whether consumers of this node get it
   */
  constructor(
    private readonly streams: Streams,
    storage: LargeStorage,
    private readonly largeId: number,
    local: boolean,
    private readonly whenDone: LargeEnd,
  ) {
    this.#assembler = local ? new LargeAssembler(storage) : null;
  }

  part(payload: Buffer, start: number, end: number): void {
    this.length += end - start;
    if (this.largeId >= 0) this.streams.appendSegment(this.largeId, payload, start, end);
    this.#assembler?.append(payload, start, end);
  }

  /** Nobody gets a message that this node had no room for: its sender is told so. */
  end(): Verdict {
    const body = this.#assembler?.finish() ?? null;
    if (this.#assembler !== null && body === null) {
      this.abort();
      return OUTCOME.rejected;
    }
    if (this.largeId >= 0) this.streams.endLarge(this.largeId, false);
    const verdict = this.whenDone.complete(body);
    body?.release();
    return verdict;
  }

  abort(): void {
    if (this.largeId >= 0) this.streams.endLarge(this.largeId, true);
    this.#assembler?.abort();
    this.whenDone.aborted();
  }
}
