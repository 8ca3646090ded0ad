import type { LargeBody } from '../streams/contract';

/** A body without its first bytes. Holds of it are holds of the whole. */
export class BodyBehind implements LargeBody {
  constructor(
    private readonly whole: LargeBody,
    private readonly from: number,
  ) {}

  get length(): number {
    return this.whole.length - this.from;
  }

  read(offset: number, target: Buffer): number {
    return this.whole.read(this.from + offset, target);
  }

  retain(): void {
    this.whole.retain();
  }

  release(): void {
    this.whole.release();
  }
}
