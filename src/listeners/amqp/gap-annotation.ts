import { joinGaps } from '../../addresses/gap';
import type { Gap } from '../../addresses/contract';
import { AmqpMap, AmqpTyped } from '../../amqp/codec/values';
import { DecodeError } from '../../amqp/errors';
import { annotate, type Annotated } from '../../message/annotate';
import type { LargeBody } from '../../streams/contract';

/** Message annotation: a map from the name of a node to the number of messages missed of it, null where that is not known. */
export const GAP_ANNOTATION = 'x-opt-fairlead-gap';

/** Of a large message so much is looked at for the place of the annotation, first and at most. */
const HEAD_BYTES = 32 * 1024;
const HEAD_BYTES_MAX = 1024 * 1024;

/** What a client is to be told of in front of a message: kept until there is one that can carry it. */
export class PendingGap {
  #gap: Gap | null = null;

  get isNone(): boolean {
    return this.#gap === null;
  }

  add(gap: Gap): void {
    this.#gap = joinGaps(this.#gap, gap);
  }

  /** The message with the annotation, or null when it cannot carry it: it is malformed, or would be larger than the client takes. */
  tellWith(bytes: Buffer, start: number, end: number, bytesMax: number): Buffer | null {
    const annotated = this.#annotate(bytes, start, end, true);
    if (annotated === null || annotated.head.length + end - annotated.rest > bytesMax) return null;
    this.#gap = null;
    return Buffer.concat([annotated.head, bytes.subarray(annotated.rest, end)]);
  }

  /** The same for a large message. */
  tellWithLarge(body: LargeBody, bytesMax: number): LargeBody | null {
    for (let most = HEAD_BYTES; most <= HEAD_BYTES_MAX; most *= 2) {
      const bytes = Buffer.allocUnsafe(Math.min(most, body.length));
      const length = body.read(0, bytes);
      const annotated = this.#annotate(bytes, 0, length, length === body.length);
      if (annotated !== null) {
        const told = new AnnotatedBody(body, annotated);
        if (told.length > bytesMax) return null;
        this.#gap = null;
        return told;
      }
      if (length === body.length) return null;
    }
    return null;
  }

  #annotate(bytes: Buffer, start: number, end: number, whole: boolean): Annotated | null {
    const told = new AmqpMap();
    for (const [origin, missed] of this.#gap ?? [])
      told.set(origin, missed === null ? null : new AmqpTyped('ulong', missed));
    try {
      return annotate(bytes, start, end, whole, GAP_ANNOTATION, told);
    } catch (error) {
      // Its publisher's business: the client gets it as it was sent, and the gap with the next one.
      if (error instanceof DecodeError) return null;
      throw error;
    }
  }
}

/** A large message with another beginning. */
class AnnotatedBody implements LargeBody {
  readonly length: number;

  constructor(
    private readonly body: LargeBody,
    private readonly annotated: Annotated,
  ) {
    this.length = annotated.head.length + body.length - annotated.rest;
  }

  read(offset: number, target: Buffer): number {
    const { head, rest } = this.annotated;
    if (offset < head.length) return head.copy(target, 0, offset);
    return this.body.read(rest + offset - head.length, target);
  }

  retain(): void {
    this.body.retain();
  }

  release(): void {
    this.body.release();
  }
}
