import fc from 'fast-check';
import type { AddressEntry } from './address-entry';
import { CreditBook } from './credit';
import { CREDIT_BYTES_MAX, CREDIT_INITIAL, CREDIT_MAX, RELAY_CHOKED_MAX, STARVED_MS } from './limits';
import { LocalPublisher } from './local-publisher';
import { entryOf, pool, TestForwarder } from './parts.fixture';
import { AddressCounters } from './ports';

const EMPTY = Buffer.alloc(0);

class Bench {
  now = 0;
  open = true;
  flushes = 0;
  readonly retention = pool(64 * 1024 * 1024);
  readonly credit: CreditBook;
  readonly given = new Map<LocalPublisher, number>();

  constructor(poolBytes: number) {
    this.credit = new CreditBook(
      { open: () => this.open, retention: this.retention, scheduleFlush: () => this.flushes++ },
      poolBytes,
    );
  }

  publisher(entry: AddressEntry | null, likelyBytes = 1_024): LocalPublisher {
    const { credit } = this;
    const publisher: LocalPublisher = new LocalPublisher(
      { credit, counters: new AddressCounters(), live: (same) => same, hold: () => undefined, closed: () => undefined },
      { address: null, hint: null, client: 'test' },
      {
        onCredit: (more) => this.given.set(publisher, this.#given(publisher) + more),
        onOutcome: () => undefined,
        onHold: () => undefined,
        onGone: () => undefined,
      },
      entry,
    );
    publisher.likelyBytes = likelyBytes;
    entry?.publishers.add(publisher);
    credit.opened(publisher);
    return publisher;
  }

  #given(publisher: LocalPublisher): number {
    return this.given.get(publisher) ?? 0;
  }

  turn(ms = 0): void {
    this.now += ms;
    this.credit.flush(this.now);
  }

  /** Takes the credit that a publisher was given since. */
  take(publisher: LocalPublisher): number {
    const given = this.#given(publisher);
    this.given.set(publisher, 0);
    return given;
  }

  use(publisher: LocalPublisher, count: number): void {
    for (let n = 0; n < count; n++) this.credit.used(publisher);
  }
}

describe('credit', () => {
  it('begins small and grows with use, to a bound in messages and bytes', () => {
    const bench = new Bench(64 * 1024 * 1024);
    const publishers = [100, 20_000].map((bytes) => bench.publisher(entryOf('topic', 'a'), bytes));
    bench.turn();
    expect(publishers.map((publisher) => bench.take(publisher))).toEqual([CREDIT_INITIAL, CREDIT_INITIAL]);
    for (let n = 0; n < 20; n++) {
      for (const publisher of publishers) bench.use(publisher, publisher.granted);
      bench.turn();
    }
    expect(publishers.map(({ granted }) => granted)).toEqual([CREDIT_MAX, Math.floor(CREDIT_BYTES_MAX / 20_000)]);
  });

  it('counts messages that wait for their outcome', () => {
    const bench = new Bench(1_000_000);
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
    const bench = new Bench(1_000_000);
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
    const bench = new Bench(1_000_000);
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
    const bench = new Bench(1_000_000);
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
    const bench = new Bench(1_000_000);
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
    const bench = new Bench(64 * 1024 * 1024);
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

  it('lets each go on with one message while memory is short, and none when what is held fills it', () => {
    const bench = new Bench(10_000);
    const publishers = Array.from({ length: 20 }, () => bench.publisher(entryOf('topic', 'a')));
    bench.turn();
    bench.turn(STARVED_MS);
    const given = publishers.map((publisher) => bench.take(publisher));
    expect(Math.min(...given)).toBe(1);
    expect(bench.credit.deadline()).toBe(bench.now + STARVED_MS);
    const held = bench.retention.allocate(bench.retention.capacity);
    const late = bench.publisher(entryOf('topic', 'a'));
    bench.turn(STARVED_MS);
    expect(bench.take(late)).toBe(0);
    held.release();
    bench.turn(STARVED_MS);
    expect(bench.take(late)).toBe(1);
  });

  it('shares scarce memory by bytes, whatever the sizes and whoever asks first', () => {
    const bench = new Bench(64 * 1024);
    const publishers = [1_000, 4_000, 10_000, 30_000].map((bytes) =>
      bench.publisher(entryOf('topic', `a${bytes}`), bytes),
    );
    const bytes = publishers.map(() => 0);
    for (let turn = 0; turn < 1_000; turn++) {
      bench.turn(1);
      publishers.forEach((publisher, n) => {
        const given = bench.take(publisher);
        bytes[n] = (bytes[n] as number) + given * publisher.likelyBytes;
        bench.use(publisher, given);
      });
    }
    expect(Math.max(...bytes) / Math.min(...bytes)).toBeLessThan(1.5);
  });

  it('never reserves more than its pool but for one message each, and gives everything back', () => {
    const action = fc.record({ publisher: fc.nat(7), use: fc.nat(40), close: fc.nat(20) });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 8, maxLength: 8 }),
        fc.array(action),
        (sizes, actions) => {
          const bench = new Bench(100_000);
          const entry = entryOf('topic', 'a');
          const publishers = sizes.map((bytes) => bench.publisher(entry, bytes));
          const slack = sizes.reduce((sum, bytes) => sum + Math.max(64, bytes), 0);
          for (const { publisher: at, use, close } of actions) {
            bench.turn(STARVED_MS);
            expect(bench.credit.reserved).toBeLessThanOrEqual(100_000 + slack);
            const publisher = publishers[at] as LocalPublisher;
            if (publisher.closed) continue;
            bench.use(publisher, Math.min(use, publisher.granted));
            if (close > 0) continue;
            publisher.closed = true;
            entry.publishers.delete(publisher);
            bench.credit.closed(publisher);
          }
          bench.turn(STARVED_MS);
          expect(entry.granted).toBe(publishers.reduce((sum, { granted }) => sum + granted, 0));
          for (const publisher of publishers) {
            if (!publisher.closed && publisher.granted === 0) expect(bench.credit.deadline()).toBeLessThan(Infinity);
            publisher.closed = true;
            bench.credit.closed(publisher);
          }
          expect(Math.abs(bench.credit.reserved)).toBeLessThan(0.001);
          expect(entry.granted).toBe(0);
        },
      ),
    );
  });
});
