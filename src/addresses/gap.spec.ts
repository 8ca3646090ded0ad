import type { Audience } from './audience';
import type { Gap } from './contract';
import { joinGaps, noteGap } from './gap';
import { Holding } from './holding';
import { LocalConsumer } from './local-consumer';
import { entryOf, JOURNAL, pool, TestClient, TestSpool } from './parts.fixture';
import type { AddressKind } from './contract';
import { LaneBudget } from './spill';

const nothing = (): void => undefined;

function consumerOf(kind: AddressKind, client = new TestClient()): LocalConsumer {
  const ports = {
    lanes: new LaneBudget(new TestSpool(), JOURNAL),
    holding: new Holding(pool(1 << 20), nothing),
    now: () => 0,
    delivered: nothing,
    dropped: nothing,
    settled: nothing,
    onSlow: nothing,
    closed: nothing,
  };
  return new LocalConsumer(
    ports,
    { address: 'x', hint: null, client: 'c', settled: false },
    client,
    entryOf(kind, 'x'),
  );
}

/** Consumers by the wire name that they want. */
function audienceOf(wanted: Readonly<Record<string, readonly LocalConsumer[]>>): Audience {
  const part: Pick<Audience, 'interested' | 'consumers'> = {
    interested: (wire, visit) => wanted[wire]?.forEach(visit),
    consumers: () => [...new Set(Object.values(wanted).flat())],
  };
  return part as Audience;
}

const gapOf = (entries: Readonly<Record<string, number | null>>): Gap => new Map(Object.entries(entries));

describe('gaps', () => {
  it('join by origin: numbers are summed, and one that is not known adds nothing', () => {
    const one = gapOf({ a: 1, b: null, c: 2, d: null });
    expect(joinGaps(one, gapOf({ a: 4, b: 5, c: null, d: null, e: 6 }))).toEqual(
      gapOf({ a: 5, b: 5, c: 2, d: null, e: 6 }),
    );
    expect(one).toEqual(gapOf({ a: 1, b: null, c: 2, d: null }));
  });

  it('are noted where an address matches, all of them summed; those without a name concern everybody', () => {
    const [both, one, other, quotes] = (['topic', 'topic', 'multicast', 'anycast'] as const).map((kind) =>
      consumerOf(kind),
    ) as [LocalConsumer, LocalConsumer, LocalConsumer, LocalConsumer];
    const audience = audienceOf({ ta: [both, one], tb: [both], mx: [other], aq: [quotes] });
    const gaps = (): unknown => [both, one, other, quotes].map(({ gap }) => gap && Object.fromEntries(gap));
    noteGap(audience, 'east', new Map(Object.entries({ ta: 2, tb: 3, aq: 9, tnobody: 7 })));
    expect(gaps()).toEqual([{ east: 5 }, { east: 2 }, null, null]);
    noteGap(audience, 'east', new Map(Object.entries({ ta: 1, '*': 40 })));
    expect(gaps()).toEqual([{ east: 6 }, { east: 3 }, { east: null }, null]);
    noteGap(audience, 'west', new Map());
    expect(gaps()).toEqual([{ east: 6, west: null }, { east: 3, west: null }, { east: null, west: null }, null]);
  });

  it('are one object for all consumers that missed the same', () => {
    const consumers = Array.from({ length: 1_000 }, () => consumerOf('topic'));
    const audience = audienceOf({ ta: consumers });
    for (let n = 0; n < 10; n++) noteGap(audience, `node-${n}`, new Map());
    expect(new Set(consumers.map(({ gap }) => gap)).size).toBe(1);
    expect(consumers[0]?.gap?.size).toBe(10);
  });

  it('are told once, right before the first message that is delivered, not while it waits', () => {
    const client = new TestClient();
    const consumer = consumerOf('topic', client);
    const entry = entryOf('topic', 'a');
    const offer = (text: string): void => consumer.offer(entry, Buffer.from(text), 0, text.length, null, -1);
    offer('m0');
    noteGap(audienceOf({ ta: [consumer] }), 'east', new Map([['ta', 4]]));
    client.allowed = 0;
    offer('m1');
    offer('m2');
    expect(client.gaps).toEqual([]);
    client.allowed = 2;
    consumer.pump();
    expect([client.got, client.gaps]).toEqual([['m0', 'm1', 'm2'], [[1, { east: 4 }]]]);
  });
});
