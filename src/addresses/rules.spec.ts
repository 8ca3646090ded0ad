import fc from 'fast-check';
import { coversNaively, filterArb, nameArb } from './filters.fixture';
import { policy } from './parts.fixture';
import { readRule, subscriptionPolicy, RuleBook, writeRule } from './rules';

describe('rule book', () => {
  const decided = (rules: readonly (readonly [string, string])[], name: string): string | undefined => {
    const book = new RuleBook();
    for (const [owner, match] of rules) book.set(owner, policy('topic', { match }));
    return book.find(name)?.match;
  };

  it.each([
    ['a literal word before *', ['a.*', 'a.b'], 'a.b', 'a.b'],
    ['* before #', ['a.#', 'a.*'], 'a.b', 'a.*'],
    ['an end before #', ['a.#', 'a'], 'a', 'a'],
    ['words from the left', ['*.b', 'a.*'], 'a.b', 'a.*'],
    ['the longer one of two with #', ['a.#', 'a.b.#'], 'a.b.c', 'a.b.#'],
    ['nothing where nothing matches', ['a.#', 'b.*'], 'b.c.d', undefined],
  ])('prefers %s', (_what, matches, name, expected) => {
    const rules = matches.map((match) => ['x', match] as const);
    expect(decided(rules, name)).toBe(expected);
    expect(decided([...rules].reverse(), name)).toBe(expected);
  });

  it('decides alike whatever the order in which rules became known', () => {
    const rule = fc.record({ owner: fc.constantFrom('n1', 'n2', 'n3'), match: filterArb, ackTimeoutMs: fc.nat(5) });
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 12 }),
        nameArb,
        fc.array(fc.nat(), { maxLength: 12 }),
        (all, name, order) => {
          const rules = [...new Map(all.map((each) => [`${each.owner} ${each.match}`, each])).values()];
          const shuffled = rules
            .map((each, n) => [order[n] ?? 0, each] as const)
            .sort(([a], [b]) => a - b)
            .map(([, each]) => each);
          const bookOf = (list: readonly (typeof rules)[number][]): RuleBook => {
            const book = new RuleBook();
            // One that comes and goes leaves nothing behind.
            book.set('n1', policy('anycast', { match: '#.passing' }));
            for (const { owner, match, ackTimeoutMs } of list)
              book.set(owner, policy('topic', { match, ackTimeoutMs }));
            book.delete('n1', '#.passing');
            return book;
          };
          const [one, other] = [bookOf(rules), bookOf(shuffled)];
          expect(one.find(name)).toEqual(other.find(name));
          expect(one.conflicts).toEqual(other.conflicts);
          const candidates = rules.filter(({ match }) => coversNaively(match.split('.'), name.split('.')));
          expect(one.find(name) === undefined).toBe(candidates.length === 0);
          if (candidates.length > 0) expect(candidates.map(({ match }) => match)).toContain(one.find(name)?.match);
        },
      ),
    );
  });

  it('prefers the lower node name for one pattern, and says what differs', () => {
    const book = new RuleBook();
    book.set('west', policy('multicast', { match: 'alerts', ack: 'any' }));
    book.set('east', policy('multicast', { match: 'alerts', ack: 'all', ackTimeoutMs: 500 }));
    book.set('edge', policy('multicast', { match: 'alerts', ack: 'all', ackTimeoutMs: 500 }));
    expect(book.find('alerts')?.ack).toBe('all');
    expect(book.conflicts).toEqual([
      "rule 'alerts': east says ack all, ackTimeoutMs 500, west says ack any, ackTimeoutMs 10000; that of east holds",
      "rule 'alerts': edge says ack all, ackTimeoutMs 500, west says ack any, ackTimeoutMs 10000; that of edge holds",
    ]);
    expect(book.inForce()).toEqual([{ rule: book.find('alerts'), saidBy: ['east', 'edge'] }]);
    book.clear('west');
    expect(book.conflicts).toEqual([]);
  });

  it('names the homes that two sites say for one queue', () => {
    const book = new RuleBook();
    book.set('west', policy('queue', { match: 'jobs', home: 'west' }));
    book.set('east', policy('queue', { match: 'jobs', home: 'east' }));
    expect(book.conflicts).toEqual(["rule 'jobs': east says home east, west says home west; that of east holds"]);
  });

  it('tells what is in force, whoever says it, in the order in which the rules are asked', () => {
    const book = new RuleBook();
    book.set('west', policy('topic', { match: 'orders.#' }));
    book.set('west', policy('topic', { match: 'alerts' }));
    book.set('east', policy('anycast', { match: 'orders.*' }));
    expect(book.inForce().map(({ rule, saidBy }) => [rule.match, rule.kind, ...saidBy])).toEqual([
      ['orders.*', 'anycast', 'east'],
      ['alerts', 'topic', 'west'],
      ['orders.#', 'topic', 'west'],
    ]);
    book.clear('east');
    expect(book.inForce()).toHaveLength(2);
  });

  it('names a wider rule of another site that says another kind, but none of the same site', () => {
    const book = new RuleBook();
    book.set('west', policy('topic', { match: 'orders.#' }));
    book.set('west', policy('anycast', { match: 'orders.price' }));
    expect(book.conflicts).toEqual([]);
    book.set('east', policy('anycast', { match: 'orders.*' }));
    book.set('east', policy('topic', { match: 'orders.x.y', noSubscriber: 'release' }));
    expect(book.conflicts).toEqual([
      "rule 'orders.*' of east says anycast, 'orders.#' of west says topic; the more specific one, that of east, holds",
    ]);
  });

  it('names rules of two sites that overlap with another kind, though neither pattern covers the other, once', () => {
    const book = new RuleBook();
    book.set('west', policy('topic', { match: '*.b' }));
    book.set('east', policy('anycast', { match: 'a.*' }));
    book.set('edge', policy('anycast', { match: 'c.d.*' }));
    book.set('east', policy('topic', { match: '#.x.#' }));
    book.set('west', policy('multicast', { match: '#.y.#' }));
    const conflicts = [
      "rule '#.x.#' of east says topic, '#.y.#' of west says multicast; that of east holds",
      "rule 'a.*' of east says anycast, '#.y.#' of west says multicast; the more specific one, that of east, holds",
      "rule 'a.*' of east says anycast, '*.b' of west says topic; the more specific one, that of east, holds",
      "rule 'c.d.*' of edge says anycast, '#.x.#' of east says topic; the more specific one, that of edge, holds",
      "rule 'c.d.*' of edge says anycast, '#.y.#' of west says multicast; the more specific one, that of edge, holds",
    ];
    expect(book.conflicts).toEqual(conflicts);
  });

  it('finds what covers, and gives up on what overlaps, among more patterns than it may compare', () => {
    const book = new RuleBook();
    for (let n = 0; n < 3_000; n++) book.set('east', policy('topic', { match: `*.b${n}` }));
    for (let n = 0; n < 3_000; n++) book.set('west', policy('topic', { match: `c${n}.*` }));
    book.set('west', policy('anycast', { match: 'plain.b1' }));
    expect(book.conflicts).toContain(
      "rule 'plain.b1' of west says anycast, '*.b1' of east says topic; the more specific one, that of west, holds",
    );
  });

  it('names so many conflicts and no more', () => {
    const book = new RuleBook();
    for (let n = 0; n < 200; n++) {
      book.set('east', policy('topic', { match: `a${n}` }));
      book.set('west', policy('anycast', { match: `a${n}` }));
    }
    expect(book.conflicts).toHaveLength(100);
  });

  it('finds one among 10,000 without looking at all', () => {
    const book = new RuleBook();
    for (let n = 0; n < 10_000; n++) book.set('east', policy('topic', { match: `a.b${n}.#`, blockForMs: n + 1 }));
    for (let n = 0; n < 10_000; n++) expect(book.find(`a.b${n}.c`)?.blockForMs).toBe(n + 1);
  });
});

describe('a rule as a fact', () => {
  it('comes back as it was', () => {
    const rule = policy('anycast', { match: 'a.*', overflowAt: 12, trafficClass: 'high', slow: 'spill' });
    expect(readRule(writeRule(rule))).toEqual(rule);
    const queue = policy('queue', {
      match: 'jobs.*',
      home: 'east-1',
      custody: 'ingress',
      maxDepth: 5,
      maxBytes: 2 ** 40,
      overLimit: 'dropOldest',
      ttlMs: 1,
      maxDeliveries: 3,
      retryMs: 5_000,
      deadLetter: 'queue/dlq',
      duplicateWindowMs: 600_000,
      exclusive: true,
      locality: 'prefer',
    });
    expect(readRule(writeRule(queue))).toEqual(queue);
  });

  it('says nothing of queues when it is about others', () => {
    for (const kind of ['topic', 'anycast'] as const)
      expect(writeRule(policy(kind, { match: 'a' })).toString()).not.toMatch(/home|custody|deadLetter/);
    expect(readRule(Buffer.from('{"match":"a","kind":"anycast","home":"east","maxDepth":5}'))).toEqual(
      policy('anycast', { match: 'a' }),
    );
  });

  it('says of a topic what holds for its subscriptions', () => {
    const limited = policy('topic', { match: 'a', maxDepth: 5, overLimit: 'dropOldest', ttlMs: 7, deadLetter: 'dead' });
    expect(readRule(writeRule(limited))).toEqual(limited);
    expect(readRule(Buffer.from('{"match":"a","kind":"topic","home":"east","exclusive":true}'))).toEqual(
      policy('topic', { match: 'a' }),
    );
    expect(subscriptionPolicy(limited)).toMatchObject({ kind: 'queue', maxDepth: 5, ttlMs: 7, deadLetter: 'dead' });
    expect(subscriptionPolicy({ ...limited, overLimit: 'block' }).overLimit).toBe('reject');
    expect(subscriptionPolicy(null)).toMatchObject({ kind: 'queue', maxDepth: null, custody: 'ingress' });
  });

  it('of a queue has defaults for what it does not say, or says badly', () => {
    const bad = {
      match: 'a',
      kind: 'queue',
      home: 'No Name',
      custody: 'none',
      maxDepth: 0,
      maxBytes: '1MiB',
      overLimit: 5,
      ttlMs: -1,
      maxDeliveries: null,
      retryMs: Number.NaN,
      deadLetter: 'queue/a.#',
      duplicateWindowMs: [],
      exclusive: 'yes',
      locality: 'always',
    };
    expect(readRule(Buffer.from(JSON.stringify(bad)))).toEqual(policy('queue', { match: 'a' }));
    expect(readRule(Buffer.from('{"match":"a","kind":"queue","deadLetter":""}'))).toEqual(
      policy('queue', { match: 'a' }),
    );
  });

  it.each([
    ['no JSON', 'garbage'],
    ['null', 'null'],
    ['without a pattern', '{"kind":"topic"}'],
    ['of a kind of a later version', '{"match":"a","kind":"stream"}'],
  ])('is none when it is %s', (_what, text) => {
    expect(readRule(Buffer.from(text))).toBeNull();
  });

  it('has defaults for what it does not say, and for what this version does not know', () => {
    const told = {
      match: 'a',
      kind: 'multicast',
      ack: 'most',
      ackTimeoutMs: 'soon',
      blockForMs: -1,
      overflowAt: 0.5,
      more: 1,
    };
    expect(readRule(Buffer.from(JSON.stringify(told)))).toEqual(policy('multicast', { match: 'a', overflowAt: 1 }));
  });
});
