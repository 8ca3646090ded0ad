import { problemsOf, site } from './config.fixture';
import { covers, overlaps } from './patterns';

const pathsOf = (text: string) => problemsOf(`site: east\n${text}`).map((problem) => problem.path);

describe('relations within a document', () => {
  it.each([
    ['listeners: [ { port: 0 }, { port: 0 } ]', ['listeners[1].name']],
    ['mesh: { links: [ { connect: "amqp://a:1" }, { connect: "amqp://a:1" } ] }', ['mesh.links[1].name']],
    ['http: { port: 5672 }', ['listeners[0].port']],
    ['http: { port: 8081 }\nlisteners: [ { protocol: http } ]', ['listeners[0].port']],
    ['listeners: [ { cors: { origins: [] } } ]', ['listeners[0].cors']],
    ['listeners: [ { host: 0.0.0.0, port: 8080 } ]\ninsecure: true', ['listeners[0].port']],
    ['mesh: { listen: [ { port: 1 }, { port: 1 } ] }', ['mesh.listen[1].port']],
    ['listeners: [ { protocol: tcp, port: 1 } ]', ['listeners[0].address']],
    ['listeners: [ { address: anycast/a, idle: 1m } ]', ['listeners[0].address', 'listeners[0].idle']],
    [
      'services: [ { address: a, connect: "h:1" }, { address: a, connect: "h:2" }, { address: anycast/a, connect: "h:1" } ]',
      ['services[2]'],
    ],
    ['mesh: { hello: 1s, dead: 1500ms }', ['mesh.dead']],
    ['addresses: [ { match: a, kind: topic, ack: all } ]', ['addresses[0].ack']],
    ['addresses: [ { match: a, kind: multicast, slow: block } ]', ['addresses[0].slow']],
    ['addresses: [ { match: a, kind: topic, home: east } ]', ['addresses[0].home']],
    [
      'addresses: [ { match: a, kind: topic, custody: ingress, duplicateWindow: 1m, exclusive: true, locality: none } ]',
      ['addresses[0].custody', 'addresses[0].duplicateWindow', 'addresses[0].exclusive', 'addresses[0].locality'],
    ],
    ['addresses: [ { match: a, kind: topic, overLimit: block } ]', ['addresses[0].overLimit']],
    [
      'addresses: [ { match: a, kind: anycast, maxDepth: 1, deadLetter: queue/dlq } ]',
      ['addresses[0].maxDepth', 'addresses[0].deadLetter'],
    ],
    ['addresses: [ { match: a, kind: queue, overflowAt: 3 } ]', ['addresses[0].overflowAt']],
    ['addresses: [ { match: a, kind: topic }, { match: a, kind: anycast } ]', ['addresses[1].match']],
    ['addresses: [ { match: "a.*", kind: topic }, { match: "*.b", kind: anycast } ]', ['addresses[1].match']],
  ])('%s is refused', (text, paths) => expect(pathsOf(text)).toEqual(paths));

  it('says what is right in place of a topic that blocks', () => {
    expect(problemsOf('site: east\naddresses: [ { match: a, kind: topic, overLimit: block } ]')).toMatchObject([
      { expected: 'one of reject, dropOldest on rules of kind topic', found: '"block"' },
    ]);
    expect(problemsOf('site: east\naddresses: [ { match: a, kind: multicast, maxDepth: 1 } ]')).toMatchObject([
      { expected: 'maxDepth on rules of kind queue or topic only', found: 'kind multicast' },
    ]);
  });

  it('says where a name comes from that the document does not give', () => {
    const hint = (text: string) => problemsOf(`site: east\n${text}`).map((problem) => [problem.found, problem.hint]);
    expect(hint('listeners: [ { port: 0 }, { port: 0 } ]')).toEqual([
      ['"amqp"', 'without a name it is its protocol: name one of them'],
    ]);
    expect(hint('listeners: [ { name: a, port: 0 }, { name: a, port: 0 } ]')).toEqual([
      ['"a"', 'used before in this list'],
    ]);
  });

  it.each([
    ['listeners: [ { name: a, port: 0 }, { name: b, port: 0 } ]\nhttp: { port: 0 }'],
    ['http: { host: 127.0.0.2, port: 5672 }'],
    ['http: { host: "::1" }'],
    ['addresses: [ { match: "a.#", kind: topic }, { match: "a.b", kind: anycast } ]'],
    ['addresses: [ { match: "a.*", kind: topic }, { match: "*.b", kind: topic } ]'],
    ['addresses: [ { match: "a.*", kind: topic }, { match: "b.#", kind: anycast } ]'],
    [
      'addresses: [ { match: a, kind: topic, maxDepth: 9, maxBytes: 1MiB, ttl: 1h, overLimit: dropOldest, maxDeliveries: 2, retry: 1s, deadLetter: queue/dlq } ]',
    ],
  ])('%s is fine', (text) => expect(pathsOf(text)).toEqual([]));

  it('refuses every bind off loopback unless told otherwise', () => {
    const text = 'http: { host: 0.0.0.0 }\nlisteners: [ { host: "::" } ]\nmesh: { listen: [ { host: 10.0.0.1 } ] }';
    expect(pathsOf(text)).toEqual(['http.host', 'listeners[0].host', 'mesh.listen[0].host']);
    expect(site(`site: east\n${text}\ninsecure: true`).insecure).toBe(true);
  });
});

describe('dead letters', () => {
  const queue = (match: string, deadLetter: string) =>
    `{ match: ${JSON.stringify(match)}, kind: queue, deadLetter: ${JSON.stringify(deadLetter)} }`;
  const problems = (...rules: readonly string[]) =>
    problemsOf(`site: east\naddresses: [ ${rules.join(', ')} ]`).map(
      ({ path, expected, hint }) => `${path}: ${expected}${hint === undefined ? '' : `; ${hint}`}`,
    );

  it('may go to any address that does not come back', () => {
    const rules = [queue('a.*', 'queue/b'), queue('b', 'c'), queue('c', 'topic/d'), queue('a.dead', 'queue://none')];
    expect(problems(...rules, queue('x.#', 'queue/a.dead'), '{ match: e, kind: topic }', queue('f', 'e'))).toEqual([]);
  });

  it.each([
    [
      'to a queue of the same rule',
      [queue('jobs.#', 'queue/jobs.dead')],
      'addresses[0].deadLetter: an address outside of this rule; give jobs.dead a rule of its own',
    ],
    [
      'to an address of another kind',
      ['{ match: dlq, kind: queue }', queue('jobs.#', 'topic/dlq')],
      'addresses[1].deadLetter: an address of kind queue, as addresses[0] says',
    ],
    [
      'in a circle',
      [queue('in', 'a'), queue('a', 'queue/b'), queue('b', 'a')],
      'addresses[1].deadLetter: an address whose own dead letters do not come back here; see addresses[2]',
      'addresses[2].deadLetter: an address whose own dead letters do not come back here; see addresses[1]',
    ],
    [
      'to a topic that nobody has called one',
      [queue('jobs.*', 'dlq')],
      'addresses[0].deadLetter: queue/dlq, or a rule for that name; a topic keeps no dead letters',
    ],
    [
      'from subscriptions back to their topics',
      ['{ match: "news.#", kind: topic, deadLetter: topic/news.dead }'],
      'addresses[0].deadLetter: an address outside of this rule; give news.dead a rule of its own',
    ],
    [
      'in a circle through a topic',
      [queue('jobs', 'topic/failures'), '{ match: failures, kind: topic, deadLetter: queue/jobs }'],
      'addresses[0].deadLetter: an address whose own dead letters do not come back here; see addresses[1]',
      'addresses[1].deadLetter: an address whose own dead letters do not come back here; see addresses[0]',
    ],
    [
      'to a name that is too long',
      [queue('a', 'b'.repeat(5_000))],
      'addresses[0].deadLetter: an address; address of more than 4096 bytes',
    ],
  ])('do not go %s', (_what, rules, ...expected) => expect(problems(...rules)).toEqual(expected));

  it('are followed in no time along a chain of thousands', () => {
    const rules = Array.from({ length: 5_000 }, (_, i) => queue(`q${i}`, `queue/q${i + 1}`));
    expect(problems(...rules)).toEqual([]);
  });
});

describe('patterns', () => {
  it.each([
    ['a.b', 'a.b', true, true],
    ['a.*', 'a.b', true, true],
    ['a.*', '*.b', true, false],
    ['a.#', 'a', true, true],
    ['#', 'a.b.c', true, true],
    ['a.#', 'a.*.c', true, true],
    ['a.*', 'a.#', true, false],
    ['a.*', 'a.b.c', false, false],
    ['#.z', 'a.#', true, false],
    ['a', 'b', false, false],
  ])('%s and %s: overlaps %s, covers %s', (a, b, meet, cover) => {
    expect([overlaps(a, b), overlaps(b, a), covers(a, b)]).toEqual([meet, meet, cover]);
  });

  it('takes no longer for many wildcards', () => {
    const many = Array.from({ length: 200 }, () => '#').join('.');
    expect(overlaps(`${many}.a`, `${many}.b`)).toBe(false);
  });
});
