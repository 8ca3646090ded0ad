import type { Chunk } from '../common/chunk';
import type { NodeId } from './contract';
import { QUANTUM_BYTES } from './limits';

/** A frame that waits on a link. */
export interface QueuedFrame {
  readonly head: Buffer;
  readonly body: Chunk | null;
  readonly bytes: number;
  readonly origin: NodeId;
  older: QueuedFrame | null;
  newer: QueuedFrame | null;
}

/** The waiting frames of one key; a member of its queue's ring and of one bucket of the length index. */
export class FrameStream {
  oldest: QueuedFrame | null = null;
  newest: QueuedFrame | null = null;
  bytes = 0;
  deficit = 0;
  ringBefore: FrameStream | null = null;
  ringAfter: FrameStream | null = null;
  bucket = -1;
  bucketBefore: FrameStream | null = null;
  bucketAfter: FrameStream | null = null;

  constructor(
    readonly key: number,
    readonly queue: FairQueue,
  ) {}
}

const BUCKETS = 256;

/**
 * Streams by length, to the precision of 1/256 of the limit, so that the longest is found in constant time
 * (amortised: the mark climbs as far as it falls).
 */
export class LengthIndex {
  bytes = 0;
  readonly #buckets: (FrameStream | null)[] = new Array<FrameStream | null>(BUCKETS).fill(null);
  #longest = 0;
  readonly #bucketBytes: number;

  constructor(readonly limit: number) {
    this.#bucketBytes = Math.max(1, Math.ceil(limit / (BUCKETS - 1)));
  }

  /** `stream` has grown or shrunk by `delta` bytes. */
  changed(stream: FrameStream, delta: number): void {
    this.bytes += delta;
    stream.bytes += delta;
    const bucket = stream.oldest === null ? -1 : Math.min(BUCKETS - 1, Math.floor(stream.bytes / this.#bucketBytes));
    if (bucket === stream.bucket) return;
    this.#leave(stream);
    stream.bucket = bucket;
    if (bucket < 0) return;
    const first = this.#buckets[bucket] as FrameStream | null;
    stream.bucketAfter = first;
    if (first !== null) first.bucketBefore = stream;
    this.#buckets[bucket] = stream;
    if (bucket > this.#longest) this.#longest = bucket;
  }

  #leave(stream: FrameStream): void {
    if (stream.bucket < 0) return;
    const { bucketBefore, bucketAfter } = stream;
    if (bucketBefore === null) this.#buckets[stream.bucket] = bucketAfter;
    else bucketBefore.bucketAfter = bucketAfter;
    if (bucketAfter !== null) bucketAfter.bucketBefore = bucketBefore;
    stream.bucketBefore = stream.bucketAfter = null;
  }

  longest(): FrameStream | null {
    while (this.#longest > 0 && this.#buckets[this.#longest] === null) this.#longest--;
    return this.#buckets[this.#longest] as FrameStream | null;
  }
}

/** Frames of one class, served round-robin by stream: each in turn may send a quantum of bytes (surplus round robin). */
export class FairQueue {
  readonly #streams = new Map<number, FrameStream>();
  #turn: FrameStream | null = null;
  #frames = 0;

  constructor(private readonly lengths: LengthIndex) {}

  get empty(): boolean {
    return this.#frames === 0;
  }

  push(key: number, head: Buffer, body: Chunk | null, bytes: number, origin: NodeId): void {
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = new FrameStream(key, this);
      this.#streams.set(key, stream);
      this.#enterRing(stream);
    }
    const frame: QueuedFrame = { head, body, bytes, origin, older: stream.newest, newer: null };
    if (stream.newest === null) stream.oldest = frame;
    else stream.newest.newer = frame;
    stream.newest = frame;
    this.#frames++;
    this.lengths.changed(stream, bytes);
  }

  /** The frame whose turn it is, or null. */
  shift(): QueuedFrame | null {
    if (this.#frames === 0) return null;
    const stream = this.#nextStream();
    const frame = stream.oldest as QueuedFrame;
    stream.oldest = frame.newer;
    if (frame.newer === null) stream.newest = null;
    else frame.newer.older = null;
    stream.deficit -= frame.bytes;
    if (stream.deficit <= 0) this.#turn = stream.ringAfter;
    this.#taken(stream, frame);
    return frame;
  }

  #nextStream(): FrameStream {
    for (;;) {
      const stream = this.#turn as FrameStream;
      if (stream.deficit <= 0) stream.deficit += QUANTUM_BYTES;
      if (stream.deficit <= 0) this.#turn = stream.ringAfter;
      else if (stream.oldest === null) this.#remove(stream);
      else return stream;
    }
  }

  /** Takes the newest frame of one of this queue's streams back. */
  dropNewest(stream: FrameStream): QueuedFrame {
    const frame = stream.newest as QueuedFrame;
    stream.newest = frame.older;
    if (frame.older === null) stream.oldest = null;
    else frame.older.newer = null;
    this.#taken(stream, frame);
    return frame;
  }

  /** An emptied stream that has had more than its share stays in the ring until it is even. */
  #taken(stream: FrameStream, frame: QueuedFrame): void {
    this.#frames--;
    this.lengths.changed(stream, -frame.bytes);
    if (this.#frames === 0) {
      this.#streams.clear();
      this.#turn = null;
    } else if (stream.oldest === null && stream.deficit >= 0) this.#remove(stream);
  }

  /** A new stream has its turn last. */
  #enterRing(stream: FrameStream): void {
    const turn = this.#turn;
    if (turn === null) {
      this.#turn = stream.ringBefore = stream.ringAfter = stream;
      return;
    }
    const last = turn.ringBefore as FrameStream;
    last.ringAfter = stream;
    stream.ringBefore = last;
    stream.ringAfter = turn;
    turn.ringBefore = stream;
  }

  #remove(stream: FrameStream): void {
    this.#streams.delete(stream.key);
    const after = stream.ringAfter as FrameStream;
    const before = stream.ringBefore as FrameStream;
    if (after === stream) {
      this.#turn = null;
      return;
    }
    before.ringAfter = after;
    after.ringBefore = before;
    if (this.#turn === stream) this.#turn = after;
  }
}
