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

/** @throws RecordDamagedError */
export function scanRecords(
  environment: QueueEnvironment,
  space: number,
  queue: number,
  from: number,
  to: number,
  visit: StoreVisit,
): void {
  const { root, codec } = environment;
  if (from >= to) return;
  codec.space = space;
  codec.queue = queue;
  const entries = root.getRange({ start: from, end: Math.min(to, KEY_END) })[Symbol.iterator]();
  try {
    for (let next = nextOf(); next.done !== true; next = nextOf()) {
      const { key, value } = next.value;
      if (!visit(key, unsealed(space, queue, key, value, value.length))) return;
    }
  } finally {
    entries.return?.();
  }

  function nextOf(): IteratorResult<{ key: number; value: Buffer }, unknown> {
    try {
      return entries.next();
    } catch (error) {
      throw damageOf(space, queue, from, error);
    }
  }
}

/** The greatest key of a queue in a space, or -1. */
export function lastKey({ root, codec }: QueueEnvironment, space: number, queue: number): number {
  codec.space = space;
  codec.queue = queue;
  try {
    for (const key of root.getKeys({ reverse: true, start: KEY_END, end: 0, inclusiveEnd: true, limit: 1 })) return key;
    return -1;
  } catch (error) {
    throw damageOf(space, queue, -1, error);
  }
}
