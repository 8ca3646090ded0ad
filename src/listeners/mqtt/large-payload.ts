import type { LargeBody } from '../../streams/contract';
import { BEYOND, SECTION, sectionBody, sectionCode, skip } from '../../message/locate';

/** What stands before the body of a message, and is looked at here, has this size at most. */
const HEAD_BYTES_MAX = 128 * 1024;
/** Descriptor and size of a section. */
const SECTION_HEAD_BYTES = 16;

/** The payload within a large message, where that is one piece: it is read from where it lies. */
export class LargePayload {
  private constructor(
    private readonly source: LargeBody | Buffer,
    private readonly offset: number,
    readonly length: number,
    /** The message without its body: with an empty one. */
    readonly head: Buffer,
  ) {}

  static of(bytes: Buffer): LargePayload {
    return new LargePayload(bytes, 0, bytes.length, bytes);
  }

  /** Null when the body is not one piece of bytes or text. @throws DecodeError */
  static find(body: LargeBody): LargePayload | null {
    const head = Buffer.allocUnsafe(Math.min(HEAD_BYTES_MAX, body.length));
    const read = body.read(0, head);
    for (let at = 0; at + SECTION_HEAD_BYTES < read;) {
      const value = sectionBody(head, at, read);
      if (value === BEYOND) return null;
      const code = sectionCode(head, at);
      if (code === SECTION.data || code === SECTION.value) return LargePayload.#at(body, head, value, code);
      const next = skip(head, value, read);
      if (next === BEYOND) return null;
      at = next;
    }
    return null;
  }

  static #at(body: LargeBody, head: Buffer, value: number, code: number): LargePayload | null {
    const type = head[value];
    if (type !== 0xb0 && !(type === 0xb1 && code === SECTION.value)) return null;
    const length = head.readUInt32BE(value + 1);
    const offset = value + 5;
    // More behind it would have to be told too.
    if (offset + length !== body.length) return null;
    const alone = Buffer.from(head.subarray(0, offset));
    alone.writeUInt32BE(0, value + 1);
    return new LargePayload(body, offset, length, alone);
  }

  /** Copies up to `target.length` bytes from `at`; @returns how many */
  read(at: number, target: Buffer): number {
    const length = Math.min(target.length, this.length - at);
    const to = target.subarray(0, length);
    if (Buffer.isBuffer(this.source)) return this.source.copy(to, 0, at, at + length);
    return this.source.read(this.offset + at, to);
  }
}
