import { SESSIONS_TOTAL_BYTES_MAX } from './limits';
import { SessionBook } from './session-book';
import type { SessionRecord } from './session-record';
import { Table } from './table';

const WALL = 1_700_000_000_000;
const RECORD: SessionRecord = {
  owner: 'a',
  protocol: 'mqtt',
  replaced: 0,
  life: 1,
  expiryMs: Infinity,
  endsAt: 0,
  isEnding: false,
  subscriptions: [],
  will: null,
  willAt: 0,
};

function made(): SessionBook {
  const table = new Table({ self: 1, wall: () => WALL, save: () => undefined });
  return new SessionBook({ table, selfName: 'a', life: 1, wrote: () => undefined, changed: () => undefined });
}

const large = (bytes: number): SessionRecord => ({
  ...RECORD,
  will: { address: 'topic/w', payload: Buffer.alloc(bytes), durable: false, retain: false, delayMs: 0 },
});

it('has room for sessions up to their bytes, and always for what gets smaller', () => {
  const book = made();
  const each = 30_000;
  let count = 0;
  while (book.lackOfRoom(`c${count}`, each, 0) === null) book.write(`c${count++}`, large(each));
  expect(count).toBeGreaterThan(4_000);
  expect(book.bytes).toBeLessThanOrEqual(SESSIONS_TOTAL_BYTES_MAX + each);
  expect(book.lackOfRoom('another', each, 0)).toMatchObject({ code: 'FL_SESSION_LIMIT' });
  expect(book.lackOfRoom('c0', 2 * each, 0)).toMatchObject({ code: 'FL_SESSION_LIMIT' });
  expect(book.lackOfRoom('c0', each, 0)).toBeNull();
  book.write('c0', null);
  expect(book.lackOfRoom('another', each, 0)).toBeNull();
});
