import { WireWriter } from '../common/wire';
import type { LargeStore } from './large-store';
import type { QueueItems } from './moves-contract';
import { bodyOf, flagsOf, RECORD_FLAG, sizeOf } from './record';
import type { SharedPayloads } from './shared-payloads';
import { QUEUE_SPACES } from './spaces';
import type { QueueStore } from './store-port';

/** Kinds of items of a queue on its way to another node. */
export const ITEM = {
  /** u8 space, u53 key, blob value: a record as it lies here; of a large message behind its parts. */
  record: 1,
  /** u53 length: the parts of a large message of that length follow. */
  body: 2,
  /** blob */
  part: 3,
  /** u53 records before: nothing follows. */
  end: 4,
  /** As `record`, of a message with its topic: a kind of its own, so that a node that knows of none does not take it for the message. */
  topical: 5,
} as const;

/** A large message whose parts are being read. */
interface OpenBody {
  readonly parts: IterableIterator<Buffer>;
  readonly space: number;
  readonly key: number;
  readonly value: Buffer;
  readonly message: number;
}

/** Reads all records of a queue that nobody serves, in order: what {@link QueueImport} makes the same queue of. */
export class QueueExport implements QueueItems {
  #space = 0;
  #from = 0;
  #body: OpenBody | null = null;
  #records = 0;
  #isOver = false;

  constructor(
    private readonly store: QueueStore,
    private readonly large: LargeStore,
    private readonly payloads: SharedPayloads,
    private readonly id: number,
  ) {}

  next(most: number): Buffer | null {
    if (this.#isOver) return null;
    const writer = new WireWriter(most);
    while (writer.length < most && !this.#isOver) {
      if (this.#body !== null) this.#writePart(writer, this.#body);
      else if (this.#space < QUEUE_SPACES.length) this.#writeRecords(writer, most);
      else {
        writer.u8(ITEM.end).u53(this.#records);
        this.#isOver = true;
      }
    }
    return writer.take();
  }

  #writeRecords(writer: WireWriter, most: number): void {
    const [space, message] = QUEUE_SPACES[this.#space] as readonly [number, number];
    let stopped = false;
    this.store.scan(space, this.id, this.#from, Number.MAX_SAFE_INTEGER, (key, stored) => {
      this.#from = key + 1;
      // What several queues here have is each one's own there.
      const value = this.payloads.resolve(space, stored);
      if (message < 0 || !this.#opensBody(writer, space, key, value, message))
        this.#write(writer, space, key, value, message);
      stopped = this.#body !== null || writer.length >= most;
      return !stopped;
    });
    if (stopped) return;
    this.#space++;
    this.#from = 0;
  }

  /** @returns whether the value is of a large message, whose parts come first */
  #opensBody(writer: WireWriter, space: number, key: number, value: Buffer, message: number): boolean {
    const record = value.subarray(message);
    if ((flagsOf(record) & RECORD_FLAG.large) === 0) return false;
    writer.u8(ITEM.body).u53(sizeOf(record));
    this.#body = { parts: this.large.parts(bodyOf(record), sizeOf(record)), space, key, value, message };
    return true;
  }

  /** @param message where in the value that of a message begins; -1 where there is none */
  #write(writer: WireWriter, space: number, key: number, value: Buffer, message: number): void {
    this.#records++;
    const hasTopic = message >= 0 && (flagsOf(value.subarray(message)) & RECORD_FLAG.topic) !== 0;
    writer
      .u8(hasTopic ? ITEM.topical : ITEM.record)
      .u8(space)
      .u53(key)
      .blob(value);
  }

  #writePart(writer: WireWriter, { parts, space, key, value, message }: OpenBody): void {
    const { value: part, done } = parts.next() as IteratorResult<Buffer, undefined>;
    if (done !== true) {
      writer.u8(ITEM.part).blob(part);
      return;
    }
    this.#body = null;
    this.#write(writer, space, key, value, message);
  }
}
