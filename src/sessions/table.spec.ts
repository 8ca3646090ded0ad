import fc from 'fast-check';
import { STAMPS_PER_MS } from './hybrid-clock';
import { ENTRY_EXTRA_BYTES, RETAINED_TOMBSTONE_MS, TOMBSTONES_BYTES_MAX, TOMBSTONES_MAX } from './limits';
import { Table, type TableFamily } from './table';
import { readDigest, readEntries, writeDeltas, writeDigest, writePage } from './table-messages';
import type { TableEntry } from './table-entry';
import { WireReader } from '../common/wire';

const WALL = 1_700_000_000_000;

function made(self = 1, more: Partial<TableFamily> = {}) {
  const state = { wall: WALL };
  const saved = new Map<string, TableEntry | null>();
  const table = new Table({ self, wall: () => state.wall, save: (key, entry) => void saved.set(key, entry) });
  const changes: string[] = [];
  table.join({
    letter: 'r',
    tombstoneMs: RETAINED_TOMBSTONE_MS,
    endOf: (value) => (value[0] === 0xff ? WALL + 1_000 : 0),
    refuses: () => false,
    changed: ({ key, value }) => changes.push(`${key} ${value === null ? 'gone' : value.toString()}`),
    ...more,
  });
  return { table, saved, changes, state };
}

const entryArb = fc.record({
  key: fc.constantFrom('ra', 'rb', 'rc'),
  stamp: fc.integer({ min: WALL * STAMPS_PER_MS, max: WALL * STAMPS_PER_MS + 4 }),
  node: fc.integer({ min: 1, max: 3 }),
});
/** Whoever writes the same version writes the same. */
const withValue = (entry: Omit<TableEntry, 'value'>): TableEntry => ({
  ...entry,
  value: (entry.stamp + entry.node) % 3 === 0 ? null : Buffer.from(`${entry.stamp}.${entry.node}`),
});

describe('the table that all nodes write', () => {
  it('is the same wherever the same was said, in whatever order and however often', () => {
    fc.assert(
      fc.property(fc.array(entryArb), fc.func(fc.integer()), (said, shuffle) => {
        const entries = said.map(withValue);
        const [one, other] = [made(1), made(2)];
        for (const entry of entries) one.table.apply(entry);
        for (const entry of [...entries, ...entries].sort((a, b) => shuffle(a) - shuffle(b))) other.table.apply(entry);
        expect([...other.table.digest()]).toEqual([...one.table.digest()]);
        for (const { key } of entries) expect(other.table.get(key)).toEqual(one.table.get(key));
      }),
    );
  });

  it('takes what this node writes for later than all that it has seen', () => {
    const { table, saved } = made();
    table.apply({ key: 'ra', stamp: (WALL + 3_600_000) * STAMPS_PER_MS, node: 2, value: Buffer.from('ahead') });
    const written = table.write('ra', Buffer.from('mine'));
    expect(written.stamp).toBe((WALL + 3_600_000) * STAMPS_PER_MS + 1);
    expect(table.get('ra')?.value?.toString()).toBe('mine');
    expect(saved.get('ra')).toBe(written);
    expect(table.bytes('r')).toBeGreaterThan(6);
  });

  it('forgets what is gone after its time, and does not take it from others then', () => {
    const { table, state, saved } = made();
    table.write('ra', Buffer.from('x'));
    const gone = table.write('ra', null);
    expect([table.tombstones, table.bytes('r')]).toEqual([1, 0]);
    state.wall += RETAINED_TOMBSTONE_MS;
    table.look();
    expect([table.size, table.tombstones, saved.get('ra')]).toEqual([0, 0, null]);
    expect(table.apply(gone)).toBe(false);
    expect([...table.digest()].some((bucket) => bucket !== 0)).toBe(false);
  });

  it('ends what is over by itself without becoming another version', () => {
    const { table, state, changes } = made();
    table.write('ra', Buffer.from([0xff]));
    const digest = [...table.digest()];
    state.wall += 1_000;
    table.look();
    expect([changes.at(-1), [...table.digest()]]).toEqual(['ra gone', digest]);
  });

  it('keeps no more tombstones than it may', () => {
    const { table } = made();
    for (let n = 0; n < TOMBSTONES_MAX + 10; n++)
      table.apply({ key: `r${n}`, stamp: WALL * STAMPS_PER_MS, node: 2, value: null });
    expect(table.tombstones).toBe(TOMBSTONES_MAX);
    expect(table.get('r0')).toBeNull();
  });

  it('keeps no more bytes of tombstones than it may', () => {
    const { table } = made();
    const topic = 'r'.padEnd(4_000, 't');
    for (let n = 0; n < 2; n++)
      for (let at = 0; at < 17_000; at++) table.write(`${topic}${at}`, n === 0 ? Buffer.from('x') : null);
    expect(table.tombstones * (topic.length + 5 + ENTRY_EXTRA_BYTES)).toBeLessThan(TOMBSTONES_BYTES_MAX + 5_000 * 5);
    expect([table.tombstones > 15_000, table.get(`${topic}0`), table.size]).toEqual([true, null, table.tombstones]);
  });

  it('does not keep what its family has no room for, nor of families that it does not know', () => {
    const { table } = made(1, { refuses: () => true });
    const value = Buffer.from('x');
    expect(table.apply({ key: 'ra', stamp: 1, node: 2, value })).toBe(false);
    expect(table.apply({ key: 'za', stamp: 1, node: 2, value })).toBe(false);
    expect(table.size).toBe(0);
  });
});

describe('what nodes tell each other of it', () => {
  it('comes in pages, each of which goes on behind the one before', () => {
    const { table } = made();
    const key = (n: number): string => `r${String(n).padStart(6, '0')}`;
    for (let n = 0; n < 20_000; n++) table.write(key(n), Buffer.alloc(1_000, 1));
    const found: string[] = [];
    let pages = 0;
    for (let done = false, after = ''; !done; pages++) {
      const page = writePage(3, table.bucket(3, after));
      expect(page.length).toBeLessThanOrEqual(32 * 1024);
      const reader = new WireReader(page);
      expect(reader.u8()).toBe(3);
      done = reader.u8() === 1;
      const entries = readEntries(reader);
      after = entries.at(-1)?.key ?? '';
      found.push(...entries.map((entry) => entry.key));
    }
    expect(pages).toBeGreaterThan(1);
    expect(found).toEqual([...table.bucket(3, '')].map((entry) => entry.key));
    expect(new Set(found).size).toBe(found.length);
  });

  it('is read as it was written', () => {
    const { table } = made();
    const entries = [
      table.write('ra', Buffer.alloc(50_000, 1)),
      table.write('rb', null),
      table.write('rc', Buffer.alloc(9)),
    ];
    const read = [...writeDeltas(entries, () => 7)].flatMap((delta) => {
      const reader = new WireReader(delta);
      expect(reader.u53()).toBe(7);
      return readEntries(reader);
    });
    expect(read).toEqual(entries);
    expect([...readDigest(new WireReader(writeDigest(table.digest())))]).toEqual([...table.digest()]);
    expect(() => readDigest(new WireReader(Buffer.alloc(5)))).toThrow('digest of 5 bytes');
    const huge = { key: 'ra', stamp: 1, node: 1, value: Buffer.alloc(60_000) };
    const [delta = Buffer.alloc(0)] = writeDeltas([huge], () => 1);
    const reader = new WireReader(delta);
    reader.u53();
    expect(() => readEntries(reader)).toThrow('too large');
  });
});
