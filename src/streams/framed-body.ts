import type { LargeBody } from './contract';

/** A large message without what precedes it in another. */
export class TailBody implements LargeBody {
  constructor(
    private readonly body: LargeBody,
    private readonly skipped: number,
  ) {}

  get length(): number {
    return this.body.length - this.skipped;
  }

  read(offset: number, target: Buffer): number {
    return this.body.read(this.skipped + offset, target);
  }

  retain(): void {
    this.body.retain();
  }

  release(): void {
    this.body.release();
  }
}

/** A large message with something before it. */
export class HeadedBody implements LargeBody {
  constructor(
    private readonly head: Buffer,
    private readonly body: LargeBody,
  ) {}

  get length(): number {
    return this.head.length + this.body.length;
  }

  read(offset: number, target: Buffer): number {
    const { length } = this.head;
    const before = offset < length ? this.head.copy(target, 0, offset) : 0;
    if (before === target.length || offset + before >= this.length) return before;
    return before + this.body.read(offset + before - length, target.subarray(before));
  }

  retain(): void {
    this.body.retain();
  }

  release(): void {
    this.body.release();
  }
}
