import { SECTION } from '../../message/locate';
import { encodeMessage } from '../../message/encode-message';
import type { Message } from '../../message/message';
import { ENTRY } from '../../message/mapping/fields';
import { stompToMessage } from '../../message/mapping/stomp';
import { plainHead, plainMessageBytes, writePlainMessage } from '../../message/plain-message';
import type { FrameHead } from './frame';

/** Headers of SEND that say how it is to be done, and may be others with each message. */
const OF_FRAME: ReadonlySet<string> = new Set(['receipt', 'transaction', 'content-length']);
const EMPTY = Buffer.alloc(0);

/** What a SEND says beside its body. */
export class SentHead {
  /** As AMQP has it, up to the body. */
  readonly bytes: Buffer;
  readonly durable: boolean;
  /** What the body is to become, where that is not bytes: `fairlead-body`. */
  readonly bodyKind: string | null;
  readonly #headers: ReadonlyMap<string, string>;
  readonly #pairs: readonly string[];

  /** @throws MessageFieldError */
  constructor(
    head: FrameHead,
    readonly to: string,
    replyTo: string | null,
  ) {
    const headers = new Map<string, string>();
    this.#pairs = pairsOf(head);
    for (let at = 0; at < this.#pairs.length; at += 2) {
      const name = this.#pairs[at] as string;
      if (!headers.has(name)) headers.set(name, this.#pairs[at + 1] as string);
    }
    if (replyTo !== null) headers.set('reply-to', replyTo);
    this.#headers = headers;
    this.bodyKind = headers.get(ENTRY.body) ?? null;
    const fields: Message = stompToMessage(withoutKind(headers), EMPTY, to);
    this.bytes = plainHead(fields);
    this.durable = fields.header?.durable === true;
  }

  /** Whether another SEND says the same. */
  isOf(head: FrameHead): boolean {
    const { names, values, count } = head;
    const pairs = this.#pairs;
    let next = 0;
    for (let at = 0; at < count; at++) {
      const name = names[at] as string;
      if (OF_FRAME.has(name)) continue;
      if (pairs[next] !== name || pairs[next + 1] !== values[at]) return false;
      next += 2;
    }
    return next === pairs.length;
  }

  /** The message with its body. @throws MessageFieldError when the body is none of its kind */
  whole(body: Buffer, start: number, end: number): Buffer {
    if (this.bodyKind !== null)
      return encodeMessage(stompToMessage(this.#headers, Buffer.from(body.subarray(start, end)), this.to));
    const message = Buffer.allocUnsafe(plainMessageBytes(this.bytes, end - start));
    writePlainMessage(message, 0, this.bytes, body, start, end);
    return message;
  }

  /** What stands before the bytes of a body that comes in parts, or before one of its parts. A kind that is rendered stays as it is. */
  sectionOf(length: number, isWhole: boolean): Buffer {
    const kind = isWhole ? this.bodyKind : null;
    const section = kind === 'string' || kind === 'binary' ? SECTION.value : SECTION.data;
    const bytes = Buffer.from([0x00, 0x53, section, kind === 'string' ? 0xb1 : 0xb0, 0, 0, 0, 0]);
    bytes.writeUInt32BE(length, 4);
    return bytes;
  }
}

function pairsOf({ names, values, count }: FrameHead): string[] {
  const pairs: string[] = [];
  for (let at = 0; at < count; at++) {
    const name = names[at] as string;
    if (!OF_FRAME.has(name)) pairs.push(name, values[at] as string);
  }
  return pairs;
}

function withoutKind(headers: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  if (!headers.has(ENTRY.body)) return headers;
  const others = new Map(headers);
  others.delete(ENTRY.body);
  return others;
}
