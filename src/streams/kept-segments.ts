import type { Chunk } from '../common/chunk';
import type { LargeBody, Placement } from './contract';
import { SEGMENT_HEAD_BYTES } from './reassembly';

/** What is kept of a large message that leaves: the batches that its segments were put into, held and not copied. */
export class KeptSegments implements LargeBody {
  length = 0;
  readonly #chunks: Chunk[] = [];
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];
  #refs = 1;

  get segments(): number {
    return this.#chunks.length;
  }

  add({ chunk, start, length }: Placement): void {
    const bytes = length - SEGMENT_HEAD_BYTES;
    this.#chunks.push(chunk.retain());
    this.#starts.push(start + SEGMENT_HEAD_BYTES);
    this.#lengths.push(bytes);
    this.length += bytes;
  }

  read(offset: number, target: Buffer): number {
    let done = 0;
    let skip = offset;
    for (let n = 0; n < this.#chunks.length && done < target.length; n++) {
      const length = this.#lengths[n] as number;
      if (skip < length) {
        const start = this.#starts[n] as number;
        done += (this.#chunks[n] as Chunk).bytes.copy(target, done, start + skip, start + length);
      }
      skip = Math.max(0, skip - length);
    }
    return done;
  }

  retain(): void {
    this.#refs++;
  }

  release(): void {
    if (--this.#refs > 0) return;
    for (const chunk of this.#chunks) chunk.release();
    this.#chunks.length = 0;
  }
}
