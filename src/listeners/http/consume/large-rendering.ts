import { DecodeError } from '../../../amqp/errors';
import { BEYOND, SECTION, sectionBody, sectionCode, skip } from '../../../message/locate';
import { FairleadError } from '../../../common/errors';
import { amqpToHttp } from '../../../message/mapping/http';
import type { LargeBody } from '../../../streams/contract';
import { LARGE_HEAD_BYTES_MAX } from '../limits';

const PART_BYTES = 48 * 1024;
/** Descriptor, constructor and length of a section of data. */
const DATA_HEAD_BYTES_MAX = 9 + 5;

/** A large message as headers and the bytes of its body, read as they are wanted. */
export class LargeRendering {
  readonly headers: Record<string, string>;
  /** Bytes of the body, where one section has all of it; else null. */
  readonly length: number | null;
  #at: number;
  /** Bytes left of the section. */
  #left = 0;

  /** @param body retained by the caller */
  constructor(private readonly body: LargeBody) {
    const head = Buffer.allocUnsafe(Math.min(LARGE_HEAD_BYTES_MAX, body.length));
    const length = body.read(0, head);
    this.#at = bodyStart(head, length);
    this.headers = headersOf(head, this.#at);
    this.#enter();
    this.length = this.#at + this.#left === body.length ? this.#left : null;
  }

  /** The next piece, at most 48 KiB; null at the end. A body of other sections than data comes as it is encoded. */
  next(): Buffer | null {
    if (this.#left === 0) this.#enter();
    if (this.#left === 0) return null;
    const part = Buffer.allocUnsafe(Math.min(PART_BYTES, this.#left));
    const length = this.body.read(this.#at, part);
    this.#at += length;
    this.#left -= length;
    return part.subarray(0, length);
  }

  /** Goes on to the next section that has bytes. */
  #enter(): void {
    const { body } = this;
    const head = Buffer.alloc(DATA_HEAD_BYTES_MAX);
    while (this.#left === 0 && this.#at < body.length) {
      const length = body.read(this.#at, head);
      const section = dataSection(head.subarray(0, length));
      if (section === 'other') this.#left = body.length - this.#at;
      else if (section === null) this.#at = body.length;
      else {
        this.#at += section.head;
        this.#left = Math.min(section.length, body.length - this.#at);
      }
    }
  }
}

/** Where the first section of the body begins; 0 where the bytes are no message. */
function bodyStart(bytes: Buffer, end: number): number {
  try {
    let at = 0;
    while (at < end) {
      const value = sectionBody(bytes, at, end);
      if (sectionCode(bytes, at) >= SECTION.data) return at;
      const next = value === BEYOND ? BEYOND : skip(bytes, value, end);
      if (next === BEYOND) return 0;
      at = next;
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  return 0;
}

function headersOf(bytes: Buffer, end: number): Record<string, string> {
  try {
    return amqpToHttp(bytes, 0, end).headers;
  } catch (error) {
    if (!(error instanceof DecodeError) && !(error instanceof FairleadError)) throw error;
    return {};
  }
}

/** The head of a section of data; `other` for one of another kind, null for what follows a body. */
function dataSection(bytes: Buffer): { head: number; length: number } | 'other' | null {
  try {
    const code = sectionCode(bytes, 0);
    if (code !== SECTION.data) return code === SECTION.footer ? null : 'other';
    const at = bytes[1] === 0x53 ? 3 : bytes[1] === 0x80 ? 10 : 3 + (bytes[2] as number);
    if (bytes[at] === 0xa0) return { head: at + 2, length: bytes[at + 1] as number };
    if (bytes[at] === 0xb0 && at + 5 <= bytes.length) return { head: at + 5, length: bytes.readUInt32BE(at + 1) };
  } catch (error) {
    if (!(error instanceof DecodeError) && !(error instanceof RangeError)) throw error;
  }
  return 'other';
}
