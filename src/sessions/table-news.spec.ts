import { WireReader } from '../common/wire';
import { NEWS_KEYS_MAX, NEWS_WINDOW_BYTES, PAGE_BYTES } from './limits';
import { Table } from './table';
import { readEntries, TABLE_CONTROL } from './table-messages';
import { TableNews } from './table-news';

const NODE = 7;
const OTHER = 8;

/** A node's news, with what it sent to each other one. */
function made() {
  const table = new Table({ self: 1, wall: () => 1_000, save: () => undefined });
  const sent = new Map<number, Buffer[]>([
    [NODE, []],
    [OTHER, []],
  ]);
  const compared: number[] = [];
  const news = new TableNews({
    table,
    reachable: () => [NODE, OTHER],
    send: (node, kind, payload) => {
      if (kind === TABLE_CONTROL.delta) sent.get(node)?.push(payload);
    },
    compare: (node) => void compared.push(node),
    scheduleFlush: () => undefined,
  });
  const write = (key: string, bytes: number, fill = 1): void => {
    news.wrote(table.write(key, Buffer.alloc(bytes, fill)));
    news.flush();
  };
  const lastOf = (node: number): number => new WireReader(sent.get(node)?.at(-1) ?? Buffer.alloc(8)).u53();
  const got = (node: number): void => {
    news.onGot(node, lastOf(node));
    news.flush();
  };
  const entriesTo = (node: number) =>
    (sent.get(node) ?? []).flatMap((delta) => {
      const reader = new WireReader(delta);
      reader.u53();
      return readEntries(reader);
    });
  return { table, news, sent, compared, write, got, entriesTo };
}

describe('what a node tells others of its table', () => {
  it('goes to all at once while they say that they have it', () => {
    const { write, got, entriesTo, news } = made();
    for (let n = 0; n < 100; n++) {
      write(`r${n}`, 20_000);
      got(NODE);
      got(OTHER);
    }
    for (const node of [NODE, OTHER]) expect(entriesTo(node)).toHaveLength(100);
    expect(news.waiting).toBe(0);
  });

  it('waits for one that is slow, each key once and as it is by then, and for no other', () => {
    const { write, got, entriesTo, news, sent } = made();
    for (let n = 0; n < 1_000; n++) {
      write(`r${n % 10}`, 20_000, n % 251);
      got(OTHER);
    }
    expect(entriesTo(OTHER)).toHaveLength(1_000);
    const bytes = (sent.get(NODE) ?? []).reduce((sum, delta) => sum + delta.length, 0);
    expect(bytes).toBeLessThan(NEWS_WINDOW_BYTES + PAGE_BYTES);
    expect(news.waiting).toBe(10);
    const before = entriesTo(NODE).length;
    got(NODE);
    const later = entriesTo(NODE).slice(before);
    expect(later.map(({ key, value }) => [key, value?.[0]]).sort()).toEqual(
      Array.from({ length: 10 }, (_, n) => [`r${n}`, (990 + n) % 251]),
    );
    expect(news.waiting).toBe(0);
  });

  it('is not remembered past a bound: the node is compared when there is room', () => {
    const { write, got, news, compared, table } = made();
    for (let n = 0; n < 20; n++) write(`r${n}`, 20_000);
    for (let n = 0; n <= NEWS_KEYS_MAX; n++) news.wrote(table.write(`s${n}`, Buffer.alloc(1)));
    news.flush();
    expect(news.waiting).toBe(0);
    write('r1', 10);
    expect([news.waiting, compared]).toEqual([0, []]);
    got(NODE);
    expect(compared).toEqual([NODE]);
    write('r2', 10);
    expect(news.waiting).toBe(0);
  });

  it('is forgotten with a node that is gone', () => {
    const { write, news, sent } = made();
    for (let n = 0; n < 30; n++) write(`r${n}`, 20_000);
    news.gone(NODE);
    const before = sent.get(NODE)?.length ?? 0;
    write('r1', 10);
    expect(sent.get(NODE)?.length).toBe(before + 1);
  });
});
