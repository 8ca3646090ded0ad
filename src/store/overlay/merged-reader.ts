import { KEY_END } from '../queue-key';
import type { StoreVisit } from '../../queues/store-port';
import type { QueueEnvironment } from '../queue-environment';
import { lastKey, readRecord, RecordCursor, scanRecords } from '../record-reader';
import { SEAL_BYTES } from '../sealed-record';
import type { Arena } from '../write-log';
import type { Overlay } from './overlay';

/** The value of a record that stands in an arena, copied. */
function valueIn(arena: Arena): Buffer {
  const value = Buffer.allocUnsafe(arena.end - arena.start - SEAL_BYTES);
  arena.copy(value, 0, arena.start + SEAL_BYTES, arena.end);
  return value;
}

/** Reads LMDB's records, and before them those of the overlay. @throws RecordDamagedError */
export class MergedReader {
  constructor(
    private readonly overlay: Overlay,
    private readonly environment: () => QueueEnvironment,
  ) {}

  get(space: number, queue: number, key: number): Buffer | null {
    const environment = this.environment();
    const record = this.overlay.record(space, queue, key);
    if (record === undefined) return readRecord(environment, space, queue, key);
    return record === null ? null : valueIn(record);
  }

  scan(space: number, queue: number, from: number, to: number, visit: StoreVisit): void {
    const environment = this.environment();
    if (!this.overlay.touches(space, queue)) return scanRecords(environment, space, queue, from, to, visit);
    if (from < to) this.#merge(environment, space, queue, from, Math.min(to, KEY_END), visit);
  }

  /** The greatest key, or -1. */
  last(space: number, queue: number): number {
    const environment = this.environment();
    const { overlay } = this;
    const here = overlay.last(space, queue, KEY_END);
    for (let end = KEY_END; ;) {
      const key = lastKey(environment, space, queue, end);
      if (key <= here) return here;
      if (!overlay.has(space, queue, key)) return key;
      end = key;
    }
  }

  #merge(
    environment: QueueEnvironment,
    space: number,
    queue: number,
    from: number,
    to: number,
    visit: StoreVisit,
  ): void {
    const { overlay } = this;
    // What is changed here is passed over there: no key comes from both.
    const stored = new RecordCursor(environment, space, queue, from, to, (key) => overlay.has(space, queue, key));
    try {
      let here = overlay.next(space, queue, from, to);
      for (let there = stored.next(); here >= 0 || there >= 0;) {
        if (there >= 0 && (here < 0 || there < here)) {
          if (!visit(there, stored.value)) return;
          there = stored.next();
        } else {
          const record = overlay.record(space, queue, here);
          if (record && !visit(here, valueIn(record))) return;
          here = overlay.next(space, queue, here + 1, to);
        }
      }
    } finally {
      stored.close();
    }
  }
}
