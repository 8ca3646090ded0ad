import fc from 'fast-check';
import type { AddressEntry } from './address-entry';
import { AddressNames } from './address-names';
import { AddressTable } from './address-table';
import { Audience } from './audience';
import { filterArb, matchesNaively, nameArb } from './filters.fixture';
import type { Forwarders } from './forwarder';
import { Holding } from './holding';
import { LocalConsumer } from './local-consumer';
import { JOURNAL, policy, pool, TestClient, TestForwarder, TestRoutes, TestSpool, TestStreams } from './parts.fixture';
import { RuleBook } from './rules';
import { LaneBudget } from './spill';

const NOTHING = Buffer.alloc(0);

function setup(options: { readonly idleMax?: number; readonly overflowAt?: number } = {}) {
  const routes = new TestRoutes('self', 'b', 'c', 'd');
  const streams = new TestStreams();
  const book = new RuleBook();
  book.set('self', policy('anycast', { match: 'any.#', overflowAt: options.overflowAt ?? null }));
  const forwarder = new TestForwarder();
  const forwarders: Forwarders = { topic: forwarder, multicast: forwarder, anycast: forwarder, queue: forwarder };
  const table = new AddressTable(new AddressNames(book, 'topic'), forwarders, options.idleMax);
  const changed: string[] = [];
  const audience = new Audience({
    durable: () => null,
    routes,
    streams,
    table: () => table,
    changed: ({ name }) => changed.push(name),
  });
  const ids = ['b', 'c', 'd'].map((name) => routes.of(name).id);
  for (const id of ids) audience.targetState(id, 'usable');
  const wants = (node: number, ...keys: readonly string[]): void =>
    audience.onInterest(
      ids[node] as number,
      null,
      keys.map((key) => (key.startsWith('-') ? [key.slice(1), null] : [key, NOTHING])),
    );
  const consumer = (address: string): LocalConsumer => {
    const lanes = new LaneBudget(new TestSpool(), JOURNAL);
    const nothing = (): void => undefined;
    const ports = {
      lanes,
      holding: new Holding(pool(1 << 20), nothing),
      now: () => 0,
      delivered: nothing,
      dropped: nothing,
      settled: nothing,
      onSlow: nothing,
      closed: nothing,
    };
    const spec = { address, hint: null, client: 'c', settled: false };
    const one = new LocalConsumer(ports, spec, new TestClient(), table.consumerEntry(address, null));
    one.entry.attached++;
    audience.addConsumer(one);
    return one;
  };
  const fresh = (name: string): AddressEntry => {
    const entry = table.resolve(name, null);
    audience.refresh(entry);
    return entry;
  };
  return { routes, streams, table, audience, ids, wants, consumer, fresh, changed };
}

describe('audience', () => {
  it('is looked up once, and again only where a change matches', () => {
    const { audience, wants, consumer, fresh, changed } = setup();
    const names = ['a.b', 'a.c', 'x.y', 'any.q'];
    for (const name of [...names, ...names]) fresh(name);
    expect(audience.lookups).toBe(4);
    wants(0, 'ta.*', 'tother.#', 'many.q', 'aany.other');
    expect(changed.sort()).toEqual(['a.b', 'a.c']);
    wants(1, 'aany.q');
    const one = consumer('x.#');
    for (const name of [...names, ...names]) fresh(name);
    expect(audience.lookups).toBe(8);
    audience.removeConsumer(one);
    wants(0, '-ta.*', 'tother.#');
    for (const name of names) fresh(name);
    expect(audience.lookups).toBe(11);
    audience.onInterest(0, new Map([['tnothing', NOTHING]]), []);
    for (const name of names) fresh(name);
    expect(audience.lookups).toBe(11);
  });

  it('is what a naive look-up gives, through all changes', () => {
    const action = fc.record({
      what: fc.constantFrom('want', 'unwant', 'replace', 'usable', 'unusable', 'consume', 'leave'),
      node: fc.nat(2),
      filter: filterArb.filter((filter) => filter !== ''),
    });
    const anyName = nameArb.filter((name) => name !== '');
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 40 }),
        fc.array(anyName, { minLength: 1, maxLength: 6 }),
        (actions, names) => {
          const { audience, ids, wants, consumer, fresh } = setup();
          const wanted = [new Set<string>(), new Set<string>(), new Set<string>()];
          const usable = new Set([0, 1, 2]);
          const consumers: LocalConsumer[] = [];
          for (const { what, node, filter } of actions) {
            const id = ids[node] as number;
            if (what === 'want') {
              wants(node, `t${filter}`);
              wanted[node]?.add(filter);
            } else if (what === 'unwant') {
              wants(node, `-t${filter}`);
              wanted[node]?.delete(filter);
            } else if (what === 'replace') {
              audience.onInterest(id, new Map([[`t${filter}`, NOTHING]]), []);
              wanted[node] = new Set([filter]);
            } else if (what === 'consume') consumers.push(consumer(filter));
            else if (what === 'leave') {
              const leaving = consumers.pop();
              if (leaving !== undefined) audience.removeConsumer(leaving);
            } else {
              audience.targetState(id, what === 'usable' ? 'usable' : 'unusable');
              if (what === 'usable') usable.add(node);
              else usable.delete(node);
            }
            for (const name of names) {
              const entry = fresh(name);
              const matching = (stored: string): boolean => matchesNaively(stored.split('.'), name.split('.'));
              const nodes = [0, 1, 2].filter((n) => usable.has(n) && [...(wanted[n] ?? [])].some(matching));
              expect([...(entry.set?.targets ?? [])].sort()).toEqual(nodes.map((n) => ids[n]).sort());
              expect(new Set(entry.locals)).toEqual(new Set(consumers.filter((one) => matching(one.filter))));
              expect(entry.locals).toHaveLength(new Set(entry.locals).size);
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('ends the open batches before an address gets other targets, and only then', () => {
    const { streams, wants, fresh } = setup();
    fresh('a');
    expect(streams.seals).toBe(0);
    wants(0, 'ta');
    fresh('a');
    expect(streams.seals).toBe(1);
    wants(0, 't#');
    fresh('a');
    expect(streams.seals).toBe(1);
    wants(1, 't#');
    fresh('a');
    expect(streams.seals).toBe(2);
  });

  it('of anycast follows costs, and keeps sites within the hold as the last ones', () => {
    const { routes, audience, ids, wants, consumer, fresh } = setup();
    for (const node of [0, 1, 2]) wants(node, 'aany.q');
    routes.of('b').cost = 30;
    routes.of('d').cost = Infinity;
    const order = (): (number | undefined)[] => fresh('any.q').candidates.map(({ node }) => ids.indexOf(node));
    expect(order()).toEqual([1, 0, 2]);
    routes.of('c').cost = 40;
    expect(order()).toEqual([1, 0, 2]);
    audience.pathsChanged();
    expect(order()).toEqual([0, 1, 2]);
    consumer('any.q');
    expect(order()).toEqual([-1, 0, 1, 2]);
    audience.targetState(ids[2] as number, 'unusable');
    expect(order()).toEqual([-1, 0, 1]);
  });

  it('names how many sites want it and are given up, of topic and multicast', () => {
    const { audience, ids, wants, fresh } = setup();
    const b = ids[0] as number;
    wants(0, 'tx');
    wants(1, 'tx');
    wants(2, 'ty');
    expect(fresh('x').givenUp).toBe(0);
    audience.targetState(b, 'givenUp');
    expect(fresh('x')).toMatchObject({ givenUp: 1, set: { targets: [ids[1]] } });
    expect(fresh('y').givenUp).toBe(0);
    // It asks for it no more.
    wants(0, '-tx');
    expect(fresh('x').givenUp).toBe(0);
    wants(0, 'tx');
    audience.targetState(b, 'usable');
    expect(fresh('x').givenUp).toBe(0);
    // Not usable for another reason: what was said of it is void, and nothing is lost to it.
    audience.targetState(b, 'unusable');
    expect(fresh('x').givenUp).toBe(0);
    // Routing forgot it for good while it was given up; should its interest come back first, nothing is counted for it.
    audience.targetState(b, 'givenUp');
    audience.onInterest(b, new Map(), []);
    wants(0, 'tx');
    expect(fresh('x').givenUp).toBe(0);
  });

  it('gives a site that comes back the least quota, and none without a declared load', () => {
    const { ids, wants, audience, fresh } = setup({ overflowAt: 10 });
    wants(0, 'aany.q');
    const candidate = fresh('any.q').candidates[0];
    expect(candidate?.quota).toBe(1);
    if (candidate !== undefined) candidate.limit = 9;
    wants(1, 'aany.q');
    fresh('any.q');
    expect(candidate?.quota).toBe(9);
    audience.newLife(ids[0] as number);
    fresh('any.q');
    expect(candidate?.quota).toBe(1);
    const unbounded = setup();
    unbounded.wants(0, 'aany.q');
    expect(unbounded.fresh('any.q').candidates[0]?.quota).toBeNull();
  });
});

describe('address table', () => {
  it('forgets idle names past its bound, and brings one back that somebody still holds', () => {
    const { table, wants, fresh, audience } = setup({ idleMax: 100 });
    wants(0, 'tn.*');
    const held = fresh('n.first');
    const used = fresh('n.used');
    used.publishers.add({} as never);
    for (let n = 0; n < 1_000; n++) fresh(`n.${n}`);
    expect(table.size).toBeLessThanOrEqual(101);
    expect([held.forgotten, used.forgotten]).toEqual([true, false]);
    expect(table.resolve('n.used', null)).toBe(used);
    const live = table.live(held);
    expect([live, live.forgotten]).toEqual([held, false]);
    wants(1, 'tn.first');
    audience.refresh(live);
    expect(live.set?.targets).toHaveLength(2);
    for (let n = 0; n < 1_000; n++) fresh(`m.${n}`);
    const other = table.resolve('n.first', null);
    expect(other).not.toBe(held);
    expect(table.live(held)).toBe(other);
  });

  it('keeps an address that a consumer is attached to', () => {
    const { table, consumer, fresh } = setup({ idleMax: 10 });
    const { entry } = consumer('any.q');
    for (let n = 0; n < 1_000; n++) fresh(`n.${n}`);
    expect(table.resolve('any.q', null)).toBe(entry);
  });

  it('takes a name of a later version for one that nobody wants', () => {
    const { table, audience } = setup();
    const entry = table.ofWire('?something');
    audience.refresh(entry);
    expect([entry.locals, entry.set]).toEqual([[], null]);
  });
});
