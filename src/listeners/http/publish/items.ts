import type { BodyReader } from '../body-reader';
import { HttpError } from '../errors';
import { ITEM_BYTES_MAX } from '../limits';

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** @throws HttpError when the bytes are no JSON */
export function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(UTF8.decode(bytes)) as unknown;
  } catch (error) {
    throw new HttpError('FL_HTTP_REQUEST', `no JSON: ${(error as Error).message}`);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Bytes of one item of a batch, put together from pieces of the body; bounded, unlike the batch. */
class Item {
  #pieces: Buffer[] = [];
  length = 0;

  /** @throws HttpError */
  add(chunk: Buffer, start: number, end: number): void {
    if (end === start) return;
    this.length += end - start;
    if (this.length > ITEM_BYTES_MAX)
      throw new HttpError('FL_HTTP_TOO_LARGE', `a message of a batch has more than ${ITEM_BYTES_MAX} bytes`);
    this.#pieces.push(chunk.subarray(start, end));
  }

  take(): Buffer {
    const bytes = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.length = 0;
    return bytes;
  }
}

/** The lines of a body that are not empty. @throws HttpError */
export async function* linesOf(body: BodyReader): AsyncGenerator<Buffer> {
  const item = new Item();
  for (let chunk = await body.next(); chunk !== null; chunk = await body.next()) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      item.add(chunk, start, end);
      start = end + 1;
      const line = item.take();
      if (!isBlank(line)) yield line;
    }
    item.add(chunk, start, chunk.length);
  }
  const last = item.take();
  if (!isBlank(last)) yield last;
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
}

/** Where a walk through an array of JSON is. */
type Place = 'before' | 'first' | 'within' | 'between' | 'next' | 'behind';

/**
 * The elements of a JSON array of objects, each as its bytes: cut by its brackets alone, and for its reader to understand. What is no
 * object between them is an error.
 * @throws HttpError
 */
export async function* elementsOf(body: BodyReader): AsyncGenerator<Buffer> {
  const item = new Item();
  let place: Place = 'before';
  let depth = 0;
  let quoted = false;
  let escaped = false;
  for (let chunk = await body.next(); chunk !== null; chunk = await body.next()) {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (place !== 'within') {
        const next = placeAfter(place, byte);
        if (next === 'within') {
          depth = 1;
          start = at;
        }
        place = next;
      } else if (quoted) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) quoted = false;
      } else if (byte === QUOTE) quoted = true;
      else if (byte === 0x7b || byte === 0x5b) depth++;
      else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) {
        item.add(chunk, start, at + 1);
        place = 'between';
        yield item.take();
      }
    }
    if (place === 'within') item.add(chunk, start, chunk.length);
  }
  if ((place as Place) !== 'behind') throw new HttpError('FL_HTTP_REQUEST', 'a batch that is no whole JSON array');
}

function placeAfter(place: Place, byte: number): Place {
  if (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) return place;
  if (place === 'before' && byte === 0x5b) return 'first';
  if ((place === 'first' || place === 'next') && byte === 0x7b) return 'within';
  if (place === 'between' && byte === 0x2c) return 'next';
  if ((place === 'first' || place === 'between') && byte === 0x5d) return 'behind';
  throw new HttpError('FL_HTTP_REQUEST', 'a batch that is no JSON array of objects');
}
