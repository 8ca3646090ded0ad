import type { Chunk, ChunkPool, Loan } from '../common/chunk';
import { copyBytes } from '../common/copy';
import { invariant } from '../common/errors';
import { WireError } from '../common/wire';
import type { StreamClass } from '../links/contract';
import type { Placement } from './contract';
import { BATCH_ADDRESSES_MAX, BATCH_BYTES_MAX, STAGING_KEPT } from './limits';

/**
 * Body of a batch, the unit that is sent, kept and sent again. Per message:
 * u8 flags, u16 address index, [u16 length, UTF-8 name: only where the address appears for the first time], u32 length, payload.
 * On the control class the address index is the control kind and no name follows.
 */
const NAMED = 0x80;
const ENTRY_FIXED = 7;

/** Memory for the longest body. */
export class StagingBuffer implements Loan {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(BATCH_BYTES_MAX);

  constructor(private readonly free: StagingBuffer[]) {}

  giveBack(): void {
    if (this.free.length < STAGING_KEPT) this.free.push(this);
  }
}

/**
 * Buffers for bodies, used again and again: in them batches grow, and what fills most of one stays in it until nobody holds it any more.
 * Made anew each, they would have the garbage collector run all the time: to it a buffer of 64 KiB is as good as a full heap.
 */
export class StagingBuffers {
  readonly #free: StagingBuffer[] = [];

  take(): StagingBuffer {
    return this.#free.pop() ?? new StagingBuffer(this.#free);
  }

  /** A body that came, copied. */
  hold(pool: ChunkPool, bytes: Buffer, start: number, end: number): Chunk {
    const length = end - start;
    if (!fillsMost(length)) return pool.adopt(Buffer.from(bytes.subarray(start, end)));
    const staging = this.take();
    bytes.copy(staging.bytes, 0, start, end);
    return pool.adopt(staging.bytes.subarray(0, length), staging);
  }
}

/** What is shorter gets memory of its own length, so that a batch of one small message does not cost 64 KiB. */
function fillsMost(length: number): boolean {
  return length > BATCH_BYTES_MAX / 2 && length <= BATCH_BYTES_MAX;
}

/** Encoded names by string, so that a busy address is encoded once, not once a batch. Bounded by starting over. */
const NAMES_KEPT = 16_384;
const encodedNames = new Map<string, Buffer>();

function encodedName(name: string): Buffer {
  let bytes = encodedNames.get(name);
  if (bytes === undefined) {
    bytes = Buffer.from(name);
    if (encodedNames.size >= NAMES_KEPT) encodedNames.clear();
    encodedNames.set(name, bytes);
  }
  return bytes;
}

/** A batch while it collects messages, and after that while streams hold it. */
export class Batch {
  readonly chunk: Chunk;
  count = 0;
  /** Slot of each tracked entry by its position; null while none is tracked. */
  slots: Int32Array | null = null;
  sealed = false;
  readonly #staging: StagingBuffer;
  readonly #addresses = new Map<string, number>();
  #lastName = '';
  #lastIndex = -1;

  constructor(
    pool: ChunkPool,
    buffers: StagingBuffers,
    readonly cls: StreamClass,
    readonly bytesMax: number,
  ) {
    this.#staging = buffers.take();
    this.chunk = pool.stage(this.#staging.bytes);
  }

  /** True when a message of `bytes` to this address still fits. */
  fits(address: string, bytes: number): boolean {
    const length = this.chunk.length;
    if (length === 0) return true;
    const named = address === this.#lastName ? 0 : 2 + address.length * 3;
    return length + ENTRY_FIXED + named + bytes <= this.bytesMax && this.#addresses.size < BATCH_ADDRESSES_MAX;
  }

  /** Appends a message; tells through `placement` where its payload is. The caller has asked `fits`. */
  append(
    address: string,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    slot: number,
    placement: Placement,
  ): void {
    let index = address === this.#lastName ? this.#lastIndex : this.#addresses.get(address);
    const name = index === undefined || index < 0 ? encodedName(address) : null;
    if (name !== null) {
      index = this.#addresses.size;
      this.#addresses.set(address, index);
    }
    this.#lastName = address;
    this.#lastIndex = index as number;
    let at = this.#header(name === null ? flags : flags | NAMED, index as number);
    const { bytes } = this.#staging;
    if (name !== null) {
      bytes.writeUInt16BE(name.length, at);
      name.copy(bytes, at + 2);
      at += 2 + name.length;
    }
    this.#payload(at, payload, start, end, slot, placement);
  }

  /** Appends a control message (control class only). */
  appendControl(kind: number, payload: Buffer, placement: Placement): void {
    this.#payload(this.#header(0, kind), payload, 0, payload.length, -1, placement);
  }

  #header(flags: number, index: number): number {
    const { bytes } = this.#staging;
    const at = this.chunk.length;
    bytes[at] = flags;
    bytes[at + 1] = index >>> 8;
    bytes[at + 2] = index;
    return at + 3;
  }

  #payload(at: number, payload: Buffer, start: number, end: number, slot: number, placement: Placement): void {
    const { bytes } = this.#staging;
    const length = end - start;
    invariant(at + 4 + length <= bytes.length, 'a message larger than a batch: it should have been cut');
    bytes[at] = length >>> 24;
    bytes[at + 1] = length >>> 16;
    bytes[at + 2] = length >>> 8;
    bytes[at + 3] = length;
    copyBytes(payload, start, end, bytes, at + 4);
    placement.chunk = this.chunk;
    placement.start = at + 4;
    placement.length = length;
    this.chunk.fill(at + 4 + length);
    if (slot >= 0) this.#track(slot);
    this.count++;
  }

  #track(slot: number): void {
    let slots = this.slots;
    if (slots === null || slots.length <= this.count) {
      const grown = new Int32Array(Math.max(64, this.count * 2)).fill(-1);
      if (slots !== null) grown.set(slots);
      this.slots = slots = grown;
    }
    slots[this.count] = slot;
  }

  /** Ends the growing: the bytes stay, or move to a buffer of their own size, and never change again while they are held. */
  seal(): void {
    this.sealed = true;
    const { length } = this.chunk;
    const staging = this.#staging;
    if (fillsMost(length)) {
      this.chunk.moveTo(staging.bytes.subarray(0, length), staging);
      return;
    }
    const exact = Buffer.allocUnsafeSlow(length);
    staging.bytes.copy(exact, 0, 0, length);
    this.chunk.moveTo(exact);
    staging.giveBack();
  }
}

/** Receives the entries of a body, in order. */
export interface BodyVisitor {
  /** A name's first appearance; `index` is how entries refer to it. */
  name(index: number, name: string): void;
  entry(position: number, flags: number, index: number, start: number, end: number): void;
}

/**
 * Walks a body without an object per entry.
 * @throws WireError when it does not hold exactly `count` whole entries
 */
export function visitBody(bytes: Buffer, length: number, count: number, visitor: BodyVisitor): void {
  let at = 0;
  let names = 0;
  for (let position = 0; position < count; position++) {
    if (at + ENTRY_FIXED > length) throw new WireError(`batch of ${count} ends inside entry ${position}`);
    const flags = bytes[at] as number;
    const index = ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    at += 3;
    if ((flags & NAMED) !== 0) {
      const nameLength = bytes.readUInt16BE(at);
      if (at + 6 + nameLength > length) throw new WireError(`batch ends inside the name of entry ${position}`);
      if (index !== names) throw new WireError(`batch defines name ${index}, expected ${names}`);
      names++;
      visitor.name(index, bytes.toString('utf8', at + 2, at + 2 + nameLength));
      at += 2 + nameLength;
    }
    const size = bytes.readUInt32BE(at);
    at += 4;
    if (size > length - at) throw new WireError(`batch ends inside the payload of entry ${position}`);
    visitor.entry(position, flags & ~NAMED, index, at, at + size);
    at += size;
  }
  if (at !== length) throw new WireError(`${length - at} bytes follow the last of ${count} batch entries`);
}
