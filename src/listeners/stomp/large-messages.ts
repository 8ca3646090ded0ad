import { decodeMessage } from '../../message/decode-message';
import { BEYOND, SECTION, sectionBody, sectionCode, skip } from '../../message/locate';
import { ENTRY } from '../../message/mapping/fields';
import { messageToStomp } from '../../message/mapping/stomp';
import { dataBody, type Message } from '../../message/message';
import type { LargeBody } from '../../streams/contract';
import { LARGE_HEAD_BYTES_MAX, LARGE_SECTIONS_MAX, RENDERED_BYTES_MAX } from './limits';
import type { Session } from './session';

/** Bytes of a large message that are read at a time. */
const PART_BYTES = 32 * 1024;
const PART = Buffer.allocUnsafeSlow(PART_BYTES);
/** A descriptor of any form that is known, and the head of a binary behind it. */
const SECTION_HEAD_BYTES = 64;
/** More sections of a body than these are not told one by one. */
const SECTIONS_TOLD_MAX = 100;
const EMPTY = Buffer.alloc(0);

/** A stretch of a large message that is part of its body. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  /** What it is in the message: `fairlead-body`. */
  readonly kind: 'data' | 'string' | 'binary';
}

/** What of a large message goes out: what it says of itself, and where its body is. */
export interface LargeMessage {
  readonly message: Message;
  readonly headers: ReadonlyMap<string, string>;
  readonly length: number;
  /** Null for one whose body had to be rendered. */
  readonly stretches: readonly Stretch[] | null;
  readonly rendered: Buffer;
}

/** The large message that a connection is sending, as its client takes it: one at a time, and nothing else meanwhile. */
export class LargeMessages {
  #body: LargeBody | null = null;
  #stretches: readonly Stretch[] = [];
  #next = 0;
  #at = 0;

  constructor(private readonly session: Session) {}

  get busy(): boolean {
    return this.#body !== null;
  }

  /** The head of the frame has been written. @param body is retained until all of it is */
  begin(body: LargeBody, stretches: readonly Stretch[]): void {
    body.retain();
    this.session.begun();
    this.#body = body;
    this.#stretches = stretches;
    this.#next = 0;
    this.#at = stretches[0]?.start ?? 0;
    this.goOn();
  }

  /** Writes as much as leaves at once. */
  goOn(): void {
    const body = this.#body;
    if (body === null) return;
    for (let stretch = this.#stretches[this.#next]; stretch !== undefined; stretch = this.#stretches[this.#next]) {
      if (this.#at >= stretch.end) {
        this.#next++;
        this.#at = this.#stretches[this.#next]?.start ?? 0;
        continue;
      }
      if (this.session.full) return;
      const read = body.read(this.#at, PART.subarray(0, Math.min(PART_BYTES, stretch.end - this.#at)));
      this.session.output.bytes(PART, 0, read);
      this.session.wrote();
      this.#at += read;
    }
    this.session.output.endFrame();
    this.session.wrote();
    this.drop();
    this.session.onLargeEnd();
  }

  /** It is written, or the connection is over. */
  drop(): void {
    this.#body?.release();
    this.#body = null;
    this.#stretches = [];
  }
}

/** Takes a large message apart without reading its body; null for one that a STOMP client cannot be given. @throws DecodeError */
export function openLarge(body: LargeBody): LargeMessage | null {
  const head = Buffer.allocUnsafe(Math.min(LARGE_HEAD_BYTES_MAX, body.length));
  const length = body.read(0, head);
  const start = bodyStart(head, length);
  if (start < 0) return null;
  const stretches = stretchesOf(body, start);
  if (stretches === null) return rendered(body);
  const message = decodeMessage(head, 0, start);
  const { headers } = messageToStomp({ ...message, body: dataBody(EMPTY) });
  const kind = kindOf(stretches);
  if (kind !== null) headers.set(ENTRY.body, kind);
  const bytes = stretches.reduce((sum, one) => sum + one.end - one.start, 0);
  return { message, headers, length: bytes, stretches, rendered: EMPTY };
}

function rendered(body: LargeBody): LargeMessage | null {
  if (body.length > RENDERED_BYTES_MAX) return null;
  const whole = Buffer.allocUnsafe(body.length);
  for (let at = 0; at < whole.length;) at += body.read(at, whole.subarray(at));
  const message = decodeMessage(whole);
  const { headers, body: bytes } = messageToStomp(message);
  return { message, headers, length: bytes.length, stretches: null, rendered: bytes };
}

/** As `bodyToBytes` has it; places of sections that are many are not told. */
function kindOf(stretches: readonly Stretch[]): string | null {
  const [first] = stretches;
  if (stretches.length === 1 && first !== undefined) return first.kind === 'data' ? null : first.kind;
  if (stretches.length > SECTIONS_TOLD_MAX) return null;
  return ['data', ...stretches.map(({ start, end }) => end - start)].join(' ');
}

/** Where the first section of the body begins; -1 when that is not in the head. */
function bodyStart(head: Buffer, end: number): number {
  for (let at = 0; at < end;) {
    const value = sectionBody(head, at, end);
    if (value === BEYOND) return -1;
    if (sectionCode(head, at) >= SECTION.data) return at;
    at = skip(head, value, end);
    if (at === BEYOND) return -1;
  }
  return -1;
}

/** The bytes and texts of the body, section by section; null when it is something else. */
function stretchesOf(body: LargeBody, start: number): Stretch[] | null {
  const stretches: Stretch[] = [];
  const head = Buffer.allocUnsafe(SECTION_HEAD_BYTES);
  for (let at = start; at < body.length;) {
    const read = body.read(at, head);
    const value = sectionBody(head, 0, read);
    if (value === BEYOND || stretches.length >= LARGE_SECTIONS_MAX) return null;
    const code = sectionCode(head, 0);
    if (code === SECTION.footer) return stretches;
    const stretch = code === SECTION.sequence ? null : stretchAt(head, value, read, at, code === SECTION.value);
    if (stretch === null || (stretches.length > 0 && code === SECTION.value)) return null;
    stretches.push(stretch);
    at = stretch.end;
  }
  return stretches;
}

/** A binary or a string. */
function stretchAt(head: Buffer, value: number, read: number, at: number, isValue: boolean): Stretch | null {
  const type = head[value] as number;
  if (value + 1 >= read || ((type | 0x10) !== 0xb0 && (type | 0x10) !== 0xb1)) return null;
  const wide = (type & 0x10) !== 0;
  if (wide && value + 5 > read) return null;
  const start = at + value + (wide ? 5 : 2);
  const length = wide ? head.readUInt32BE(value + 1) : (head[value + 1] as number);
  return { start, end: start + length, kind: !isValue ? 'data' : (type | 0x10) === 0xb1 ? 'string' : 'binary' };
}
