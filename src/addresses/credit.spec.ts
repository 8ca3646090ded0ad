import type { AddressEntry } from './address-entry';
import { CreditBench } from './credit.fixture';
import { CREDIT_BYTES_MAX, CREDIT_INITIAL, CREDIT_MAX, MESSAGE_EXTRA_BYTES, RELAY_CHOKED_MAX } from './limits';
import { entryOf, TestForwarder } from './parts.fixture';

const MIB = 1024 * 1024;
const EMPTY = Buffer.alloc(0);

describe('credit', () => {
  it('begins small and grows with use, to a bound in messages and bytes', () => {
    const bench = new CreditBench(64 * MIB);
    const publishers = [100, 20_000].map((bytes) => bench.publisher(entryOf('topic', 'a'), bytes));
    bench.turn();
    expect(publishers.map((publisher) => bench.take(publisher))).toEqual([CREDIT_INITIAL, CREDIT_INITIAL]);
    for (let n = 0; n < 20; n++) {
      for (const publisher of publishers) bench.use(publisher, publisher.granted);
      bench.turn();
    }
    expect(publishers.map(({ granted }) => granted)).toEqual([
      CREDIT_MAX,
      Math.floor(CREDIT_BYTES_MAX / (20_000 + MESSAGE_EXTRA_BYTES)),
    ]);
  });

  it('counts messages that wait for their outcome', () => {
    const bench = new CreditBench(1_000_000);
    const publisher = bench.publisher(entryOf('anycast', 'a'), 100);
    bench.turn();
    publisher.pending = bench.take(publisher);
    bench.use(publisher, publisher.pending);
    bench.turn();
    const more = bench.take(publisher);
    expect(more + publisher.pending).toBeLessThanOrEqual(publisher.window);
    publisher.pending = publisher.window;
    bench.use(publisher, more);
    bench.turn();
    expect(bench.take(publisher)).toBe(0);
    publisher.forget();
    bench.turn();
    expect(bench.take(publisher)).toBe(1);
  });

  it('is given to nobody while it is shut, and to all that wait once it opens', () => {
    const bench = new CreditBench(1_000_000);
    bench.open = false;
    const publishers = [bench.publisher(entryOf('topic', 'a')), bench.publisher(null)];
    bench.turn();
    expect(publishers.map((publisher) => bench.take(publisher))).toEqual([0, 0]);
    expect(bench.credit.deadline()).toBe(Infinity);
    bench.open = true;
    bench.turn();
    expect(publishers.map((publisher) => bench.take(publisher))).toEqual([CREDIT_INITIAL, CREDIT_INITIAL]);
  });

  it('waits for a change of an address without asking again, and holds up that one only', () => {
    const bench = new CreditBench(1_000_000);
    const forwarder = new TestForwarder();
    forwarder.allowed = 0;
    const held = entryOf('anycast', 'held', {}, forwarder);
    const [blocked, free] = [bench.publisher(held), bench.publisher(entryOf('topic', 'free'))];
    bench.turn();
    expect([bench.take(blocked), bench.take(free)]).toEqual([0, CREDIT_INITIAL]);
    expect(bench.credit.deadline()).toBe(Infinity);
    forwarder.allowed = Infinity;
    bench.turn(1_000);
    expect(bench.take(blocked)).toBe(0);
    const before = bench.flushes;
    bench.credit.changed(held);
    expect(bench.flushes).toBe(before + 1);
    bench.turn();
    expect(bench.take(blocked)).toBe(CREDIT_INITIAL);
  });

  it('divides what an address allows among its publishers, one at least for each', () => {
    const bench = new CreditBench(1_000_000);
    const forwarder = new TestForwarder();
    forwarder.allowed = 10;
    const entry = entryOf('anycast', 'a', {}, forwarder);
    const publishers = Array.from({ length: 4 }, () => bench.publisher(entry));
    bench.turn();
    expect(publishers.map((publisher) => bench.take(publisher))).toEqual([3, 3, 3, 1]);
    const late = bench.publisher(entry);
    bench.turn();
    expect(bench.take(late)).toBe(1);
    expect(entry.granted).toBe(11);
  });

  it('does not hold an anonymous publisher up by an address that nobody serves, but by one that is choked', () => {
    const bench = new CreditBench(1_000_000);
    const forwarder = new TestForwarder();
    forwarder.allowed = 0;
    const nobody = entryOf('anycast', 'nobody', {}, forwarder);
    const publisher = bench.publisher(null);
    bench.turn();
    publisher.last = nobody;
    bench.use(publisher, bench.take(publisher));
    bench.turn();
    expect(bench.take(publisher)).toBeGreaterThan(0);
    nobody.chokedBy.add(1);
    bench.use(publisher, publisher.granted);
    bench.turn();
    expect(bench.take(publisher)).toBe(0);
    // It goes on to another address without a word of the first.
    publisher.last = entryOf('topic', 'other');
    bench.use(publisher, 1);
    bench.turn();
    expect(bench.take(publisher)).toBeGreaterThan(0);
  });

  it('holds an anonymous publisher up that goes on to ever new names, each of them choked too late', () => {
    const bench = new CreditBench(64 * MIB);
    const publisher = bench.publisher(null);
    const choked: AddressEntry[] = [];
    let published = 0;
    const round = (): void => {
      bench.turn();
      const entries = Array.from({ length: bench.take(publisher) }, () => entryOf('topic', `n${published++}`));
      for (const entry of entries) publisher.publish(entry, 0, EMPTY, 0, 0, 0);
      bench.turn();
      for (const entry of entries.slice(0, -1)) entry.choke(1);
      choked.push(...entries.slice(0, -1));
    };
    for (let n = 0; n < 20; n++) round();
    const before = published;
    round();
    expect(published).toBe(before);
    expect(published).toBeLessThanOrEqual(CREDIT_MAX + RELAY_CHOKED_MAX);
    for (const entry of choked) {
      entry.chokedBy.clear();
      bench.credit.changed(entry);
    }
    round();
    expect(published).toBeGreaterThan(before);
  });
});
