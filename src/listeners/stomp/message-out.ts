import { BEYOND, SECTION, sectionBody, sectionCode, skip } from '../../message/locate';
import { decodeMessage } from '../../message/decode-message';
import type { Message } from '../../message/message';
import { FIELDS } from '../../message/mapping/fields';
import { messageToStomp } from '../../message/mapping/stomp';
import { BodyBounds, bodyInPlace } from '../../message/plain-message';
import { FrameOutput } from './frame-output';
import type { StompVersion } from './version';

/** Headers that this node writes itself. */
const OF_FRAME: ReadonlySet<string> = new Set([
  'subscription',
  'message-id',
  'ack',
  'destination',
  'content-length',
  'redelivered',
]);
const OF_FIELDS: ReadonlySet<string> = new Set([
  ...OF_FRAME,
  ...FIELDS.flatMap(({ native: { stomp } }) => (stomp ? [stomp.name] : [])),
]);
const IS_OURS = /^fairlead-|[\r\n]/;
const EMPTY: Buffer = Buffer.alloc(0);

/** Longer heads are not remembered. */
const REMEMBERED_BYTES_MAX = 4 * 1024;

/**
 * Messages as STOMP has them: what they say of themselves as lines of headers, and their body. Messages that say the same as the one before,
 * as those of one publisher mostly do, are not taken apart again.
 */
export class MessageWriter {
  /** Of the message: lines of headers. */
  lines = EMPTY;
  /** And its body. */
  body = EMPTY;
  start = 0;
  end = 0;
  /** What stands before the body of the message that is remembered; and its lines. */
  #head = EMPTY;
  #lines = EMPTY;
  readonly #bounds = new BodyBounds();

  constructor(private readonly version: StompVersion) {}

  /** Turns to a message; the bytes are valid until the next one. @throws DecodeError */
  turnTo(bytes: Buffer, start: number, end: number): void {
    const head = plainBody(bytes, start, end, this.#bounds);
    if (head !== BEYOND && this.#isRemembered(bytes, start, head)) this.lines = this.#lines;
    else {
      const { headers, body, message } = rendered(bytes, start, end);
      this.lines = this.linesOf(message, headers);
      if (head === BEYOND) {
        this.body = body;
        this.start = 0;
        this.end = body.length;
        return;
      }
      if (head - start <= REMEMBERED_BYTES_MAX) {
        this.#head = Buffer.from(bytes.subarray(start, head));
        this.#lines = this.lines;
      }
    }
    this.body = bytes;
    this.start = this.#bounds.start;
    this.end = this.#bounds.end;
  }

  #isRemembered(bytes: Buffer, start: number, end: number): boolean {
    return this.#head.length > 0 && this.#head.length === end - start && this.#head.compare(bytes, start, end) === 0;
  }

  linesOf(message: Message, headers: ReadonlyMap<string, string>): Buffer {
    const output = new FrameOutput();
    for (const [name, value] of headers) if (!OF_FRAME.has(name)) output.header(name, value, this.version);
    if (this.version !== '1.0') this.#writeEscaped(message, headers, output);
    if ((message.header?.deliveryCount ?? 0) > 0) output.plain('redelivered', 'true');
    return Buffer.concat(output.take());
  }

  /** The mapping keeps to what 1.0 can say; texts that have to be escaped are told as they are where there are escapes. */
  #writeEscaped(message: Message, headers: ReadonlyMap<string, string>, output: FrameOutput): void {
    for (const [name, value] of message.applicationProperties ?? []) {
      if (typeof name !== 'string' || typeof value !== 'string' || headers.has(name) || IS_OURS.test(name)) continue;
      if (/[\r\n]/.test(value) && !OF_FIELDS.has(name)) output.header(name, value, this.version);
    }
  }

  /** Holds on to nothing of the message. */
  leave(): void {
    this.body = EMPTY;
  }
}

function rendered(bytes: Buffer, start: number, end: number) {
  const message = decodeMessage(bytes, start, end);
  return { message, ...messageToStomp(message) };
}

/** Where a body of one data section begins with nothing behind it; BEYOND for any other. @throws DecodeError */
function plainBody(bytes: Buffer, start: number, end: number, found: BodyBounds): number {
  for (let at = start; at < end;) {
    const value = sectionBody(bytes, at, end);
    if (value === BEYOND) return BEYOND;
    const code = sectionCode(bytes, at);
    if (code === SECTION.data) return bodyInPlace(bytes, at, end, found) && found.end === end ? at : BEYOND;
    if (code > SECTION.data) return BEYOND;
    at = skip(bytes, value, end);
    if (at === BEYOND) return BEYOND;
  }
  return BEYOND;
}
