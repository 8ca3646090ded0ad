import { AmqpMap } from '../amqp/codec/values';
import { OUTCOME } from '../streams/contract';
import { Home, messageOf } from './queues.fixture';

const colour = (text: string, value: string): Buffer =>
  messageOf(text, { application: new AmqpMap([['colour', value]]) });

it('goes on by itself when the store can be read again', () => {
  const home = new Home({}, 2);
  const queue = home.open();
  for (let n = 0; n < 9; n++) home.put(queue, `${n}`);
  home.settle();
  // The disk knows already that all of them may be delivered.
  home.consume(queue, 1).link.close(false);
  home.settle();
  home.store.setState('failed');
  const [plain, picky] = [home.consume(queue, 4), home.consume(queue, 9, { selector: 'JMSPriority = 4' })];
  home.settle();
  expect(plain.texts.length + picky.texts.length).toBeLessThan(9);
  home.store.setState('ok');
  home.settle();
  expect([...plain.texts, ...picky.texts].sort()).toEqual(Array.from({ length: 9 }, (_, n) => `${n}`));
});

it.each(['purge', 'move'] as const)('a %s waits while the store cannot be read, and does all of it then', (what) => {
  const home = new Home({}, 2);
  const [queue, other] = [home.open(), home.open({}, 'other')];
  for (let n = 0; n < 9; n++) home.put(queue, `${n}`);
  home.settle();
  home.store.setState('failed');
  const told: unknown[] = [];
  if (what === 'purge') queue.purge((count) => told.push(count));
  else queue.move('queue/other', 99, (count) => told.push(count));
  home.host.tick(home.wall);
  expect([told, home.host.deadline() > home.wall]).toEqual([[], true]);
  home.store.setState('ok');
  home.settle();
  home.pass(100);
  expect([told, queue.view().depth, other.view().depth]).toEqual([[9], 0, what === 'move' ? 9 : 0]);
});

describe('a consumer with a selector', () => {
  let home: Home;
  beforeEach(() => (home = new Home()));

  it('gets what it selects, in order, and leaves the rest in its place', () => {
    const queue = home.open();
    const red = home.consume(queue, 10, { selector: "colour = 'red'" });
    for (const [text, value] of [
      ['a', 'red'],
      ['b', 'blue'],
      ['c', 'red'],
      ['d', 'blue'],
    ] as const)
      home.put(queue, colour(text, value));
    home.settle();
    expect(red.texts).toEqual(['a', 'c']);
    expect(red.link.idle).toBe(true);
    const all = home.consume(queue, 10);
    home.settle();
    expect(all.texts).toEqual(['b', 'd']);
  });

  it('takes no text that is no selector', () => {
    expect(() => home.consume(home.open(), 1, { selector: 'a = =' })).toThrow('column');
  });

  it('shares with plain consumers, neither takes all', () => {
    const queue = home.open();
    const red = home.consume(queue, 100, { selector: "colour = 'red'" });
    const any = home.consume(queue, 100);
    for (let n = 0; n < 20; n++) home.put(queue, colour(`${n}`, 'red'));
    home.settle();
    expect(Math.abs(red.deliveries.length - any.deliveries.length)).toBeLessThanOrEqual(2);
    expect(red.deliveries.length + any.deliveries.length).toBe(20);
  });

  it('gets again what it passed and what others released', () => {
    const queue = home.open();
    const any = home.consume(queue, 2);
    home.put(queue, colour('a', 'red'));
    home.put(queue, colour('b', 'blue'));
    home.settle();
    const red = home.consume(queue, 5, { selector: "colour = 'red'" });
    home.put(queue, colour('c', 'red'));
    home.settle();
    expect(red.texts).toEqual(['c']);
    any.settle('a', OUTCOME.released);
    any.settle('b', OUTCOME.released);
    home.settle();
    expect(red.texts).toEqual(['c', 'a']);
  });

  it('finds its messages deep in a backlog, in bounded turns, and they are gone when they are settled', () => {
    const queue = home.open();
    const count = 30_000;
    for (let n = 0; n < count; n++) home.put(queue, colour(`${n}`, n % 5_000 === 4_999 ? 'red' : 'blue'));
    home.host.flush();
    home.store.settle();
    const red = home.consume(queue, 3, { selector: "colour = 'red'" });
    expect(red.texts).toEqual([]);
    expect(home.host.deadline()).toBe(0);
    home.settle();
    expect(red.texts).toEqual(['4999', '9999', '14999']);
    red.settle('9999');
    red.settle('14999', OUTCOME.modifiedFailed);
    red.more(10);
    home.settle();
    expect(red.deliveries.map(({ text, count: failed }) => [text, failed])).toEqual([
      ['4999', 0],
      ['14999', 1],
      ['19999', 0],
      ['24999', 0],
      ['29999', 0],
    ]);
    red.settle('24999');
    red.link.close(false);
    home.settle();
    const all = home.consume(queue, count);
    home.settle();
    const seen = all.texts;
    expect(seen).toHaveLength(count - 2);
    expect(new Set(seen).size).toBe(count - 2);
    expect(seen.map(Number).every((n, at) => at === 0 || n > Number(seen[at - 1]))).toBe(true);
    expect(all.deliveries.find(({ text }) => text === '14999')?.count).toBe(1);
  });

  it('costs no memory for what does not match', () => {
    const queue = home.open();
    home.consume(queue, 3, { selector: "colour = 'red'" });
    for (let n = 0; n < 20_000; n++) home.put(queue, colour(`${n}`, 'blue'));
    home.settle();
    const loaded = (queue as unknown as { core: { ready: { loaded: number; beyond: Map<number, unknown> } } }).core
      .ready;
    expect(loaded.loaded).toBeLessThanOrEqual(4_096);
    expect(loaded.beyond.size).toBe(0);
  });
});

describe('a browser', () => {
  it('sees everything once, takes nothing, and sees what comes', () => {
    const home = new Home();
    const queue = home.open();
    const count = 10_000;
    for (let n = 0; n < count; n++) home.put(queue, `${n}`);
    home.settle();
    const browser = home.consume(queue, count, { browse: true });
    home.settle();
    expect(browser.texts).toEqual(Array.from({ length: count }, (_, n) => `${n}`));
    expect(browser.link.idle).toBe(true);
    browser.settle('5');
    browser.more(5);
    home.put(queue, 'new');
    home.settle();
    expect(browser.texts.at(-1)).toBe('new');
    browser.link.close(true);
    expect(queue.view()).toMatchObject({ depth: count + 1, acquired: 0, ready: count + 1 });
  });

  it('browses by a selector', () => {
    const home = new Home();
    const queue = home.open();
    for (const [text, value] of [
      ['a', 'red'],
      ['b', 'blue'],
      ['c', 'red'],
    ] as const)
      home.put(queue, colour(text, value));
    home.settle();
    const browser = home.consume(queue, 10, { browse: true, selector: "colour = 'red'", settled: true });
    home.settle();
    expect([browser.texts, queue.view().depth]).toEqual([['a', 'c'], 3]);
  });
});
