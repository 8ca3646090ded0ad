import { WireError, WireReader } from '../common/wire';
import type { Group } from './group';
import type { LargeStore } from './large-store';
import { SEGMENT_BYTES } from './limits';
import type { StagedQueue } from './moves-contract';
import type { QueueDirectory } from './queue-directory';
import { ITEM } from './queue-export';
import { StateRecount } from './recount';
import { flagsOf, RECORD_FLAG, RECORD_HEAD, sizeOf, writeU48 } from './record';
import { QUEUE_SPACES, SPACE } from './spaces';
import type { QueueStore } from './store-port';

/** What an item may be at most: a record of the store, and its head. */
const ITEM_BYTES_MAX = 9 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);
const MESSAGE_AT: ReadonlyMap<number, number> = new Map(QUEUE_SPACES);

export interface ImportParts {
  readonly store: QueueStore;
  readonly large: LargeStore;
  readonly directory: QueueDirectory;
  change(): Group;
}

/** A queue that comes from another node, record by record: none before it is adopted. */
export class QueueImport implements StagedQueue {
  readonly id: number;
  #rest: Buffer = NOTHING;
  #records = 0;
  readonly #counts = new StateRecount();
  /** The large message whose parts come now. */
  #body: { readonly id: number; readonly length: number; index: number } | null = null;
  isComplete = false;
  #isOver = false;

  constructor(private readonly parts: ImportParts) {
    this.id = parts.directory.stage();
  }

  take(bytes: Buffer, done: (error: Error | null) => void): void {
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (let end = itemEnd(this.#rest, at); end > at; end = itemEnd(this.#rest, at)) {
      this.#takeItem(new WireReader(this.#rest, at, end));
      at = end;
    }
    this.#rest = this.#rest.subarray(at);
    this.parts.change().waiting.push({ done });
  }

  #takeItem(reader: WireReader): void {
    if (this.isComplete) throw new WireError('items behind the end of a queue');
    const kind = reader.u8();
    if (kind === ITEM.record || kind === ITEM.topical)
      this.#takeRecord(reader.u8(), reader.u53(), Buffer.from(reader.blob()));
    else if (kind === ITEM.body) {
      const length = reader.u53();
      this.#body = { id: this.parts.large.begin(length), length, index: 0 };
    } else if (kind === ITEM.part) this.#takePart(Buffer.from(reader.blob()));
    else {
      if (reader.u53() !== this.#records) throw new WireError(`a queue of other than ${this.#records} records`);
      this.isComplete = true;
    }
  }

  #takePart(bytes: Buffer): void {
    const body = this.#body;
    if (body === null || (body.index + 1) * SEGMENT_BYTES - SEGMENT_BYTES + bytes.length > body.length)
      throw new WireError('a part of no large message');
    this.parts.large.write(body.id, body.index++, bytes);
  }

  #takeRecord(space: number, key: number, value: Buffer): void {
    const at = MESSAGE_AT.get(space);
    if (at === undefined) throw new WireError(`a record of space ${space}, which this version does not know`);
    const record = value.subarray(Math.max(0, at));
    if (at >= 0 && (flagsOf(record) & RECORD_FLAG.large) !== 0) this.#adoptBody(record);
    this.#records++;
    this.#counts.add(space, key, value);
    this.parts.change();
    // What it counted there may be other bytes here; it comes last.
    const own = space === SPACE.state ? this.#counts.result().encode() : value;
    this.parts.store.put(space, this.id, key, own);
  }

  /** Parts have other numbers here. */
  #adoptBody(record: Buffer): void {
    const body = this.#body;
    if (body?.length !== sizeOf(record) || body.index !== Math.ceil(body.length / SEGMENT_BYTES))
      throw new WireError('a large message without all of its parts');
    this.#body = null;
    writeU48(record, RECORD_HEAD, body.id);
    this.parts.large.adopt(body.id);
  }

  adopt(name: string, done: () => void): void {
    this.#isOver = true;
    this.parts.directory.adopt(this.id, name, done);
  }

  discard(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#body !== null) this.parts.large.discard(this.#body.id, this.#body.length);
    this.parts.directory.discard(this.id);
  }
}

/** Where the item that begins at `at` ends; `at` itself while not all of it is there. @throws WireError */
function itemEnd(bytes: Buffer, at: number): number {
  const head = headBytes(bytes[at]);
  if (bytes.length - at < head) return at;
  if (bytes[at] === ITEM.body || bytes[at] === ITEM.end) return at + head;
  const length = bytes.readUInt32BE(at + head - 4);
  if (length > ITEM_BYTES_MAX) throw new WireError(`an item of ${length} bytes`);
  return bytes.length - at < head + length ? at : at + head + length;
}

/** Bytes of an item before its blob, or all of one that has none. @throws WireError */
function headBytes(kind: number | undefined): number {
  switch (kind) {
    case undefined:
      return 1;
    case ITEM.record:
    case ITEM.topical:
      return 14;
    case ITEM.part:
      return 5;
    case ITEM.body:
    case ITEM.end:
      return 9;
    default:
      throw new WireError(`an item of kind ${kind}, which this version does not know`);
  }
}
