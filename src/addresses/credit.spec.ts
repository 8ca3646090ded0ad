import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import type { ChunkPool } from '../common/chunk';
import type { AddressEntry } from './address-entry';
import { CreditBook } from './credit';
import { COST_MAX } from './credit-reserve';
import {
  CREDIT_BYTES_GUESS,
  CREDIT_BYTES_MAX,
  CREDIT_IDLE_MS,
  CREDIT_INITIAL,
  CREDIT_MAX,
  CREDIT_UNKNOWN_SHARE,
  MESSAGE_EXTRA_BYTES,
  RELAY_CHOKED_MAX,
  STARVED_MS,
} from './limits';
import { LocalPublisher } from './local-publisher';
import { entryOf, pool, TestForwarder } from './parts.fixture';
import { AddressCounters } from './ports';

const EMPTY = Buffer.alloc(0);
const KIB = 1024;
const MIB = KIB * KIB;

class Bench {
  now = 0;
  open = true;
  flushes = 0;
  /** How often it was said that memory is short. */
  short = 0;
  readonly retention: ChunkPool;
  readonly credit: CreditBook;
  readonly given = new Map<LocalPublisher, number>();

  constructor(poolBytes: number, retentionBytes = 64 * MIB) {
    this.retention = pool(retentionBytes);
    this.credit = new CreditBook(
      {
        open: () => this.open,
        retention: this.retention,
        shortOfMemory: () => this.short++,
        scheduleFlush: () => this.flushes++,
      },
      poolBytes,
    );
  }

  /** @param likelyBytes 0 for one that has sent nothing yet */
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

  /** Sends a message, which nobody holds. */
  publish(publisher: LocalPublisher, bytes: number): void {
    publisher.publish(publisher.entry as AddressEntry, 0, EMPTY, 0, bytes, 0);
  }

  close(publisher: LocalPublisher): void {
    if (publisher.closed) return;
    publisher.closed = true;
    publisher.entry?.publishers.delete(publisher);
    this.credit.closed(publisher);
  }
}

describe('credit', () => {
  it('begins small and grows with use, to a bound in messages and bytes', () => {
    const bench = new Bench(64 * MIB);
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
    const bench = new Bench(64 * MIB);
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
    expect(bench.short).toBe(0);
    bench.turn(STARVED_MS);
    expect(bench.short).toBe(1);
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

  it.each(['memory', 'the mesh to be loaded'])(
    'does not keep those that are closed while they wait for %s',
    async (what) => {
      const bench = new Bench(MIB, MIB);
      bench.open = what === 'memory';
      bench.retention.allocate(MIB);
      const entry = entryOf('topic', 'a');
      bench.publisher(entry);
      const closed: WeakRef<LocalPublisher>[] = [];
      for (let n = 0; n < 1_000; n++) {
        const publisher = bench.publisher(entry);
        closed.push(new WeakRef(publisher));
        bench.turn(1);
        bench.close(publisher);
        bench.turn(1);
      }
      // What a weak reference was made for, or has told, stays until the end of the turn.
      await new Promise((resolve) => void setImmediate(resolve));
      setFlagsFromString('--expose_gc');
      (runInNewContext('gc') as () => void)();
      expect(closed.filter((each) => each.deref() !== undefined).length).toBeLessThan(10);
    },
  );

  it('shares scarce memory by bytes, whatever the sizes and whoever asks first', () => {
    const bench = new Bench(64 * KIB);
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

  it('keeps the most that it may take for a publisher that has sent nothing, up to a share of the pool; past it each gets one', () => {
    const bench = new Bench(64 * MIB);
    const publishers = Array.from({ length: 20 }, () => bench.publisher(entryOf('topic', 'a'), 0));
    bench.turn();
    const backed = (64 * MIB) / CREDIT_UNKNOWN_SHARE / COST_MAX / CREDIT_INITIAL;
    expect(publishers.map((publisher) => bench.take(publisher))).toEqual(
      publishers.map((_, n) => (n < backed ? CREDIT_INITIAL : 1)),
    );
    expect(bench.credit.reserved).toBe(16 * MIB + (20 - backed) * CREDIT_BYTES_GUESS);
    const [first, , last] = [publishers[0], publishers[1], publishers[19]] as [
      LocalPublisher,
      LocalPublisher,
      LocalPublisher,
    ];
    bench.publish(first, 100);
    expect(first.creditBytes).toBe('ta'.length + 100 + MESSAGE_EXTRA_BYTES);
    bench.publish(last, 100);
    bench.turn();
    expect(bench.take(last)).toBe(CREDIT_INITIAL);
    // What the first has freed of the share is for the next one, but for what the single ones count.
    const late = [0, 0].map((bytes) => bench.publisher(entryOf('topic', 'b'), bytes));
    bench.turn();
    expect(late.map((publisher) => bench.take(publisher))).toEqual([CREDIT_INITIAL - 1, 1]);
    for (const publisher of [...publishers, ...late]) bench.close(publisher);
    expect(bench.credit.reserved).toBe(0);
  });

  it('counts what is out anew as soon as a message is longer than those before, as far as there is room', () => {
    const bench = new Bench(MIB);
    const publisher = bench.publisher(entryOf('anycast', 'a'), 100);
    bench.turn();
    bench.publish(publisher, 50_000);
    expect(bench.credit.reserved).toBe((CREDIT_INITIAL - 1) * ('aa'.length + 50_000 + MESSAGE_EXTRA_BYTES));
    const other = bench.publisher(entryOf('anycast', 'a'), 100);
    bench.turn();
    bench.publish(other, 50_000);
    expect(other.creditBytes).toBeLessThan(50_000);
    expect(bench.credit.reserved).toBeLessThanOrEqual(MIB);
    // All but a fraction of each credit was given, and one credit used.
    expect(bench.credit.reserved + other.creditBytes).toBeGreaterThan(MIB - CREDIT_INITIAL);
  });

  it('gives what is not counted as long as it fits a share of what is free, and no longer waits for it once it is idle', () => {
    const bench = new Bench(64 * KIB, 256 * KIB);
    const greedy = bench.publisher(entryOf('topic', 'a'), 4_000);
    bench.turn();
    expect(greedy.granted).toBe(CREDIT_INITIAL);
    const idle = Array.from({ length: 10 }, () => bench.publisher(entryOf('topic', 'a'), 10_000));
    for (let n = 0; n < 5; n++) bench.turn(STARVED_MS);
    const given = (): number => idle.reduce((sum, { granted }) => sum + granted, 0);
    expect(given()).toBe(Math.floor((64 * KIB) / (10_000 + MESSAGE_EXTRA_BYTES)));
    for (let n = 0; n < CREDIT_IDLE_MS / STARVED_MS; n++) bench.turn(STARVED_MS);
    expect(given()).toBe(idle.length);
    expect(bench.credit.reserved).toBeLessThanOrEqual(64 * KIB);
  });

  it('lets nobody overtake a long message that memory is too short for', () => {
    const bench = new Bench(64 * KIB, 128 * KIB);
    const greedy = bench.publisher(entryOf('topic', 'a'), 4_000);
    bench.turn();
    expect(greedy.granted).toBe(CREDIT_INITIAL);
    const short = Array.from({ length: 8 }, () => bench.publisher(entryOf('topic', 'a'), 8_000));
    bench.turn(STARVED_MS);
    bench.turn(STARVED_MS);
    const long = bench.publisher(entryOf('topic', 'a'), 50_000);
    let turns = 0;
    while (long.granted === 0 && turns++ < 10) {
      bench.turn(STARVED_MS);
      for (const publisher of short) bench.use(publisher, bench.take(publisher));
    }
    expect(bench.take(long)).toBe(1);
  });

  it('keeps nobody waiting for ever behind others that use nothing, whatever the sizes', () => {
    const kind = fc.record({ bytes: fc.nat(56 * KIB), idle: fc.boolean() });
    fc.assert(
      fc.property(fc.array(kind, { minLength: 1, maxLength: 30 }), (kinds) => {
        const bench = new Bench(256 * KIB, 256 * KIB);
        const entry = entryOf('topic', 'a');
        const publishers = kinds.map(({ bytes }) => bench.publisher(entry, bytes));
        const sent = publishers.map(() => 0);
        const bound = (kinds.length + 1) * 3 * (CREDIT_IDLE_MS / STARVED_MS + 2);
        for (let turn = 0; turn < bound && Math.min(...sent) < 3; turn++) {
          bench.turn(STARVED_MS);
          publishers.forEach((publisher, n) => {
            const given = bench.take(publisher);
            if (kinds[n]?.idle !== true)
              for (let used = 0; used < given; used++) bench.publish(publisher, kinds[n]?.bytes ?? 0);
            sent[n] = kinds[n]?.idle === true && given > 0 ? Infinity : (sent[n] as number) + given;
          });
          expect(bench.credit.reserved).toBeLessThanOrEqual(256 * KIB);
        }
        expect(Math.min(...sent)).toBeGreaterThanOrEqual(3);
      }),
    );
  });

  it('never reserves more than its pool, whatever is sent and held, and gives everything back', () => {
    const POOL = 300_000;
    const size = fc.oneof(fc.nat(300), fc.nat(60_000));
    const action = fc.record({
      publisher: fc.nat(7),
      use: fc.nat(40),
      size,
      held: fc.nat(POOL),
      close: fc.nat(20),
      ms: fc.nat(STARVED_MS),
    });
    fc.assert(
      fc.property(fc.array(size, { minLength: 8, maxLength: 8 }), fc.array(action), (sizes, actions) => {
        const bench = new Bench(POOL, POOL);
        const entry = entryOf('topic', 'a');
        const publishers = sizes.map((bytes) => bench.publisher(entry, bytes));
        const check = (): void => {
          const { reserved } = bench.credit;
          expect(reserved).toBe(publishers.reduce((sum, each) => sum + each.granted * each.creditBytes, 0));
          expect(Number.isSafeInteger(reserved) && reserved <= POOL).toBe(true);
        };
        for (const { publisher: at, use, size: bytes, held, close, ms } of actions) {
          const holds = bench.retention.allocate(held);
          bench.turn(ms);
          check();
          holds.release();
          const publisher = publishers[at] as LocalPublisher;
          if (publisher.closed) continue;
          for (let n = Math.min(use, publisher.granted); n > 0; n--) {
            bench.publish(publisher, bytes);
            check();
          }
          if (close === 0) bench.close(publisher);
        }
        bench.turn(STARVED_MS);
        expect(entry.granted).toBe(publishers.reduce((sum, { granted }) => sum + granted, 0));
        for (const publisher of publishers) {
          if (!publisher.closed && publisher.granted === 0) expect(bench.credit.deadline()).toBeLessThan(Infinity);
          bench.close(publisher);
        }
        expect(bench.credit.reserved).toBe(0);
        expect(entry.granted).toBe(0);
      }),
    );
  });
});
