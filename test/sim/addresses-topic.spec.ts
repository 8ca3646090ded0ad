import fc from 'fast-check';
import { filterArb, matchesNaively, nameArb } from '../../src/addresses/filters.fixture';
import { OUTCOME } from '../../src/streams/contract';
import type { AddressRule } from '../../src/mesh/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import { rule } from './virtual-mesh';

function opened(shared: readonly AddressRule[] = [], name = 'ticks.a'): SimMesh & { readonly publisher: SimPublisher } {
  const sim = simMesh(['a-b', 'b-c'], { shared });
  const publisher = new SimPublisher(sim.node('a'), name);
  sim.until('credit', () => publisher.credit > 0);
  return { ...sim, publisher };
}

/** Sends a number of messages, as credit allows, for at most so long. */
function pour({ run }: SimMesh, publisher: SimPublisher, count: number, bytes = 1_000, ms = 20_000): number {
  const text = (n: number): string => `${n}:`.padEnd(bytes, 'x');
  for (let waited = 0; publisher.sent < count && waited < ms; waited += 5) {
    publisher.sendAll(text, count - publisher.sent);
    run(5);
  }
  return publisher.sent;
}

const numbers = (got: readonly string[]): number[] => got.map((text) => Number(text.split(':')[0]));
const ascending = (values: readonly number[]): boolean =>
  values.every((value, n) => n === 0 || value > (values[n - 1] ?? -1));

describe('topics', () => {
  it('reach every matching filter once, here and elsewhere, and no other', () => {
    const sim = opened();
    const { node, run, publisher } = sim;
    const filters = ['ticks.a', 'ticks.*', 'ticks.#', '#', '*.a', '#.a', 'ticks.b', 'ticks', 'ticks.*.a', 'other.#'];
    const consumers = ['a', 'b', 'c'].flatMap((name) => filters.map((filter) => new SimConsumer(node(name), filter)));
    run(200);
    for (const text of numbered(3)) publisher.send(text);
    run(200);
    const expected = filters.map((_, n) => (n < 6 ? numbered(3) : []));
    expect(consumers.map(({ got }) => got)).toEqual([...expected, ...expected, ...expected]);
  });

  it('give a subscriber nothing of its own client where it wants that, large or small', () => {
    const { node, run, publisher } = opened();
    const own = new SimConsumer(node('a'), 'ticks.#', { client: 'publisher', queue: { noLocal: true } });
    const other = new SimConsumer(node('a'), 'ticks.#', { client: 'other', queue: { noLocal: true } });
    const plain = new SimConsumer(node('a'), 'ticks.a', { client: 'publisher' });
    const far = new SimConsumer(node('c'), 'ticks.a');
    run(200);
    publisher.send('small');
    publisher.sendLarge('large'.padEnd(100_000, '.'));
    run(500);
    expect([own, other, plain, far].map(({ got }) => got.map((text) => text.slice(0, 5)))).toEqual([
      [],
      ['small', 'large'],
      ['small', 'large'],
      ['small', 'large'],
    ]);
  });

  it('are accepted without a subscriber, or released where the rule says so, and counted', () => {
    const { node, run, until, publisher } = opened([rule('asked.#', 'topic', { noSubscriber: 'release' })]);
    publisher.send('m0');
    expect(publisher.results).toEqual([OUTCOME.accepted]);
    const asking = new SimPublisher(node('a'), 'asked.x');
    until('credit', () => asking.credit > 0);
    asking.send('m0');
    expect(asking.results).toEqual([OUTCOME.released]);
    expect(node('a').running.counters().dropped.get('noSubscriber')).toBe(2);
    const consumer = new SimConsumer(node('c'), 'asked.*');
    run(100);
    asking.send('m1');
    run(100);
    expect(asking.results[1]).toBe(OUTCOME.accepted);
    expect(consumer.got).toEqual(['m1']);
  });

  it('with `block` hold publishers of a slow consumer, then end that consumer', () => {
    const sim = opened([rule('ticks.#', 'topic', { blockForMs: 8_000 })]);
    const { node, run, until, publisher } = sim;
    const stuck = new SimConsumer(node('c'), 'ticks.#', { paused: true });
    const quick = new SimConsumer(node('b'), 'ticks.#');
    run(100);
    pour(sim, publisher, 20_000, 1_000, 4_000);
    expect(publisher.credit).toBe(0);
    expect(publisher.sent).toBeLessThan(20_000);
    until('it is ended', () => stuck.gone !== null);
    expect(stuck.gone).toBe('FL_CONSUMER_SLOW');
    expect(node('c').running.counters().dropped.get('consumerDisconnected')).toBe(publisher.sent);
    until('credit again', () => publisher.credit > 0);
    pour(sim, publisher, publisher.sent + 100);
    run(200);
    expect(numbers(quick.got)).toEqual(Array.from({ length: publisher.sent }, (_, n) => n));
  });

  it('with `dropOldest` keep the latest, and count the others', () => {
    const sim = opened([rule('ticks.#', 'topic', { slow: 'dropOldest' })]);
    const { node, run, publisher } = sim;
    const slow = new SimConsumer(node('c'), 'ticks.#', { paused: true });
    run(100);
    expect(pour(sim, publisher, 5_000)).toBe(5_000);
    run(500);
    const dropped = node('c').running.counters().dropped.get('dropOldest') ?? 0;
    expect(dropped).toBeGreaterThan(4_000);
    slow.resume();
    expect(numbers(slow.got)).toEqual(Array.from({ length: 5_000 - dropped }, (_, n) => n + dropped));
    expect(slow.gone).toBeNull();
  });

  it('with `dropNewest` keep the earliest, and count the others', () => {
    const sim = opened([rule('ticks.#', 'topic', { slow: 'dropNewest' })]);
    const { node, run, publisher } = sim;
    const slow = new SimConsumer(node('c'), 'ticks.#', { paused: true });
    run(100);
    expect(pour(sim, publisher, 5_000)).toBe(5_000);
    run(500);
    const dropped = node('c').running.counters().dropped.get('dropNewest') ?? 0;
    slow.resume();
    expect(numbers(slow.got)).toEqual(Array.from({ length: 5_000 - dropped }, (_, n) => n));
    expect(dropped).toBeGreaterThan(4_000);
  });

  it('with `spill` keep all of it on disk, in order, with little in memory', () => {
    const sim = opened([rule('ticks.#', 'topic', { slow: 'spill' })]);
    const { node, run, until, publisher } = sim;
    const slow = new SimConsumer(node('c'), 'ticks.#', { paused: true });
    const quick = new SimConsumer(node('c'), 'ticks.#');
    run(100);
    expect(pour(sim, publisher, 20_000)).toBe(20_000);
    until('all is there', () => quick.got.length === 20_000);
    expect(slow.waiting).toBe(20_000);
    const receive = node('c')
      .running.pools()
      .find(({ name }) => name === 'receive');
    expect(receive?.used).toBeLessThan(2 * 256 * 1024);
    slow.resume();
    expect(numbers(slow.got)).toEqual(Array.from({ length: 20_000 }, (_, n) => n));
    expect([...node('c').running.counters().dropped.keys()]).toEqual([]);
  });

  it('treat what waits for a wide filter by the rule of each address', () => {
    const sim = opened([rule('ticks.#', 'topic', { slow: 'dropNewest' })]);
    const { node, run, publisher } = sim;
    const slow = new SimConsumer(node('c'), '#', { paused: true });
    const orders = new SimPublisher(node('a'), 'orders.x');
    run(100);
    pour(sim, publisher, 1_000);
    for (let turn = 0; turn < 400; turn++) {
      orders.sendAll((n) => `${n}:`.padEnd(1_000, 'y'), 10);
      run(5);
    }
    expect(orders.credit).toBe(0);
    const before = publisher.sent;
    pour(sim, publisher, before + 1_000);
    expect(publisher.sent).toBe(before + 1_000);
    slow.resume();
    run(1_000);
    const got = numbers(slow.got.filter((text) => text.endsWith('y')));
    expect(got).toEqual(Array.from({ length: orders.sent }, (_, n) => n));
    expect(orders.credit).toBeGreaterThan(0);
  });

  it('give credit back when one of two slow consumers leaves and the other catches up', () => {
    const sim = opened();
    const { node, run, until, publisher } = sim;
    const one = new SimConsumer(node('c'), 'ticks.#', { paused: true });
    const two = new SimConsumer(node('c'), '#', { paused: true });
    const other = new SimPublisher(node('a'), 'other.x');
    run(100);
    pour(sim, other, 5_000, 1_000, 2_000);
    pour(sim, publisher, 5_000, 1_000, 2_000);
    expect([publisher.credit, other.credit]).toEqual([0, 0]);
    one.close();
    run(100);
    two.resume();
    until('credit for both', () => publisher.credit > 0 && other.credit > 0);
  });

  it('carry large messages to slow consumers without dropping a first one for its size', () => {
    const sim = opened([rule('ticks.#', 'topic', { slow: 'dropNewest' })]);
    const { node, run, until, publisher } = sim;
    const slow = new SimConsumer(node('c'), 'ticks.#', { paused: true });
    run(100);
    const text = 'l'.repeat(900_000);
    publisher.sendLarge(text);
    publisher.sendLarge(text);
    until('it waits', () => slow.waiting === 1);
    run(500);
    slow.resume();
    expect(slow.got.map((got) => got === text)).toEqual([true]);
    expect(node('c').running.counters().dropped.get('dropNewest')).toBe(1);
  });

  it('arrive in order and once while filters come and go', () => {
    const sim = opened();
    const { node, run, publisher } = sim;
    const steady = new SimConsumer(node('c'), 'ticks.a');
    run(100);
    for (let turn = 0; turn < 200; turn++) {
      publisher.sendAll((n) => `${n}:`, 5);
      const passing = new SimConsumer(node(turn % 2 === 0 ? 'b' : 'c'), turn % 3 === 0 ? 'ticks.#' : 'ticks.*');
      run(3);
      publisher.sendAll((n) => `${n}:`, 5);
      passing.close();
      run(3);
      expect(ascending(numbers(passing.got))).toBe(true);
    }
    run(500);
    expect(numbers(steady.got)).toEqual(Array.from({ length: publisher.sent }, (_, n) => n));
  });

  it('count and drop at the destination what only a widened filter brought', () => {
    const sim = opened([], 'dense.nobody');
    const { node, run, until, publisher } = sim;
    const consumers = Array.from({ length: 2_100 }, (_, n) => new SimConsumer(node('c'), `dense.w${n}`));
    run(1_000);
    publisher.send('m0');
    const wanted = new SimPublisher(node('a'), 'dense.w7');
    until('credit', () => wanted.credit > 0);
    wanted.send('m1');
    run(200);
    expect(consumers[7]?.got).toEqual(['m1']);
    expect(node('c').running.counters().dropped.get('widenedFilter')).toBe(1);
    for (const consumer of consumers.slice(10)) consumer.close();
    run(200);
    publisher.send('m2');
    wanted.send('m3');
    run(200);
    expect(consumers[7]?.got).toEqual(['m1', 'm3']);
    expect(node('c').running.counters().dropped.get('widenedFilter')).toBe(1);
    expect(node('a').running.counters().dropped.get('noSubscriber')).toBe(1);
  });

  it('reach whom a naive matcher names, for any filters and names at any sites', () => {
    const { node, run } = simMesh(['a-b', 'b-c', 'a-c']);
    const sites = ['a', 'b', 'c'].map(node);
    const anyFilter = filterArb.filter((filter) => filter !== '');
    const anyName = nameArb.filter((name) => name !== '');
    const consumerArb = fc.record({ site: fc.nat(2), filter: anyFilter });
    fc.assert(
      fc.property(
        fc.array(consumerArb, { maxLength: 12 }),
        fc.array(fc.record({ site: fc.nat(2), name: anyName }), { maxLength: 12 }),
        (filters, messages) => {
          const consumers = filters.map(({ site, filter }) => new SimConsumer(sites[site] as never, filter));
          run(100);
          const publishers = sites.map((site) => new SimPublisher(site, null));
          run(20);
          messages.forEach(({ site, name }, n) => {
            const publisher = publishers[site] as SimPublisher;
            publisher.send(`${n}:${name}`, publisher.node.running.addresses.resolve(name, null));
          });
          run(100);
          consumers.forEach((consumer, n) => {
            const filter = (filters[n]?.filter ?? '').split('.');
            const expected = messages.flatMap(({ name }, at) =>
              matchesNaively(filter, name.split('.')) ? [`${at}:${name}`] : [],
            );
            expect([...consumer.got].sort()).toEqual(expected.sort());
          });
          for (const consumer of consumers) consumer.close();
          for (const { publisher } of publishers) publisher.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('hold a large message back where it leaves slower than it comes', () => {
    const { node, run, until, wire } = simMesh(['a-b']);
    const consumer = new SimConsumer(node('b'), 'big');
    run(200);
    wire('a', 'b').quality.bytesPerMs = 100;
    const publisher = new SimPublisher(node('a'), 'big');
    const other = new SimPublisher(node('a'), 'small');
    const small = new SimConsumer(node('b'), 'small');
    until('credit', () => publisher.credit > 0 && other.credit > 0 && small.confirmed !== null);
    const part = Buffer.alloc(64 * 1024, 'p');
    publisher.publisher.begin(publisher.publisher.address as never, 0, 0);
    let parts = 0;
    for (; parts < 50 && !publisher.held; parts++) publisher.publisher.part(part, 0, part.length);
    expect(parts).toBeLessThan(20);
    until('it may go on', () => !publisher.held);
    publisher.publisher.part(part, 0, part.length);
    other.send('between');
    publisher.publisher.end();
    until('both arrive', () => consumer.got.length === 1 && small.got.length === 1);
    expect(consumer.got[0]).toHaveLength((parts + 1) * part.length);
  });

  it('are confirmed and not lost in a storm of subscriptions, while others go on (F34)', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c']);
    const steady = new SimConsumer(node('c'), 'steady');
    run(200);
    const publisher = new SimPublisher(node('a'), 'steady');
    const storm: SimConsumer[] = [];
    for (let turn = 0; turn < 100; turn++) {
      for (let n = 0; n < 100; n++) storm.push(new SimConsumer(node('c'), `client${turn * 100 + n}.inbox.*`));
      publisher.sendAll((n) => `${n}:`, 10);
      run(5);
    }
    until('all are confirmed', () => storm.every(({ confirmed }) => confirmed !== null));
    expect(storm.filter(({ confirmed }) => confirmed?.length !== 0)).toEqual([]);
    const first = new SimPublisher(node('a'), null);
    until('credit', () => first.credit > 0);
    for (const client of [0, 777, 9_999]) {
      until('credit', () => first.credit > 0);
      first.send('first', node('a').running.addresses.resolve(`client${client}.inbox.x`, null));
    }
    run(500);
    expect([0, 777, 9_999].map((client) => storm[client]?.got)).toEqual([['first'], ['first'], ['first']]);
    expect(numbers(steady.got)).toEqual(Array.from({ length: publisher.sent }, (_, n) => n));
    expect(publisher.sent).toBeGreaterThan(500);
    for (const consumer of storm) consumer.close();
    run(500);
    const late = new SimPublisher(node('a'), 'client7.inbox.x');
    until('credit', () => late.credit > 0);
    late.send('nobody');
    run(100);
    expect(node('a').running.counters().dropped.get('noSubscriber')).toBe(1);
  });
});
