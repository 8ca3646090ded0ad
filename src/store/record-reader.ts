import { RecordDamagedError, type StoreVisit } from '../queues/store-port';
import type { QueueEnvironment } from './queue-environment';
import { KEY_END } from './queue-key';
import { unsealed } from './sealed-record';

/** What LMDB throws at a page that is none is damage of what was asked for. */
function damageOf(space: number, queue: number, key: number, error: unknown): unknown {
  if (typeof (error as { code?: unknown }).code !== 'number') return error;
  return new RecordDamagedError(space, queue, key, (error as Error).message);
}

/** @throws RecordDamagedError */
export function readRecord(
  { root, codec }: QueueEnvironment,
  space: number,
  queue: number,
  key: number,
): Buffer | null {
  codec.space = space;
  codec.queue = queue;
  let record: Buffer | undefined;
  try {
    record = root.get(key);
  } catch (error) {
    throw damageOf(space, queue, key, error);
  }
  return record === undefined ? null : unsealed(space, queue, key, record, record.length);
}

/** Goes over the records of a queue with keys in [from, to), in order. */
export class RecordCursor {
  readonly #entries: Iterator<{ key: number; value: Buffer }>;
  /** Of the last key, copied. */
  value: Buffer = NOTHING;

  constructor(
    { root, codec }: QueueEnvironment,
    private readonly space: number,
    private readonly queue: number,
    private readonly from: number,
    to: number,
    /** Says which keys are passed over, whatever their records are. */
    private readonly passes: (key: number) => boolean = () => false,
  ) {
    codec.space = space;
    codec.queue = queue;
    this.#entries = root.getRange({ start: from, end: to })[Symbol.iterator]();
  }

  /** The next key, or -1. @throws RecordDamagedError */
  next(): number {
    const { space, queue } = this;
    for (;;) {
      const { done, value: entry } = this.#read();
      if (done === true) return -1;
      if (this.passes(entry.key)) continue;
      this.value = unsealed(space, queue, entry.key, entry.value, entry.value.length);
      return entry.key;
    }
  }

  close(): void {
    this.#entries.return?.();
  }

  #read(): IteratorResult<{ key: number; value: Buffer }, undefined> {
    try {
      return this.#entries.next() as IteratorResult<{ key: number; value: Buffer }, undefined>;
    } catch (error) {
      throw damageOf(this.space, this.queue, this.from, error);
    }
  }
}

const NOTHING = Buffer.alloc(0);

/** @throws RecordDamagedError */
export function scanRecords(
  environment: QueueEnvironment,
  space: number,
  queue: number,
  from: number,
  to: number,
  visit: StoreVisit,
): void {
  if (from >= to) return;
  const records = new RecordCursor(environment, space, queue, from, Math.min(to, KEY_END));
  try {
    for (let key = records.next(); key >= 0; key = records.next()) if (!visit(key, records.value)) return;
  } finally {
    records.close();
  }
}

/** The greatest key of a queue in a space below `end`, or -1. */
export function lastKey({ root, codec }: QueueEnvironment, space: number, queue: number, end = KEY_END): number {
  if (end <= 0) return -1;
  codec.space = space;
  codec.queue = queue;
  try {
    // Of the start the binding finds the next one before; the end belongs to the range.
    for (const key of root.getKeys({ reverse: true, start: end - 1, end: 0, inclusiveEnd: true, limit: 1 })) return key;
    return -1;
  } catch (error) {
    throw damageOf(space, queue, -1, error);
  }
}
