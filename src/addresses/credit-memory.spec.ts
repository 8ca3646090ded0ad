import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { COST_MAX } from './credit-reserve';
import { CreditBench } from './credit.fixture';
import {
  CREDIT_BYTES_GUESS,
  CREDIT_IDLE_MS,
  CREDIT_INITIAL,
  CREDIT_UNKNOWN_SHARE,
  MESSAGE_EXTRA_BYTES,
  STARVED_MS,
} from './limits';
import type { LocalPublisher } from './local-publisher';
import { entryOf } from './parts.fixture';

const KIB = 1024;
const MIB = 1024 * 1024;

describe('credit while memory is short', () => {
  it('lets each go on with one message while memory is short, and none when what is held fills it', () => {
    const bench = new CreditBench(10_000);
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
      const bench = new CreditBench(MIB, MIB);
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
    const bench = new CreditBench(64 * KIB);
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
    const bench = new CreditBench(64 * MIB);
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
    const bench = new CreditBench(MIB);
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
    const bench = new CreditBench(64 * KIB, 256 * KIB);
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
    const bench = new CreditBench(64 * KIB, 128 * KIB);
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
        const bench = new CreditBench(256 * KIB, 256 * KIB);
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
        const bench = new CreditBench(POOL, POOL);
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
