import fc from 'fast-check';
import { stringify } from 'yaml';
import { defaultPolicy } from '../addresses/rules';
import { problemsOf, site } from './config.fixture';
import { formatProblem } from './problems';

const told = (text: string, env: Record<string, string> = {}) => problemsOf(text, { env }).map(formatProblem);

describe('a site document', () => {
  it('has a default for everything but site', () => {
    expect(site('site: east')).toEqual({
      site: 'east',
      node: 'east',
      dataDir: '/srv/site/data',
      http: { host: '127.0.0.1', port: 8080, names: [] },
      listeners: [
        {
          ...{ name: 'amqp', protocol: 'amqp', host: '127.0.0.1', port: 5672, origins: [] },
          ...{ service: '', idleMs: null },
        },
      ],
      services: [],
      mesh: {
        listen: [{ host: '127.0.0.1', port: 55671 }],
        links: [],
        helloMs: 500,
        deadMs: 1500,
        partitionHoldMs: 120_000,
        startHoldMs: 5_000,
      },
      defaultKind: 'topic',
      addresses: [],
      limits: {
        connections: 10_000,
        messageBytes: 100 * 1024 * 1024,
        ingressPoolBytes: 64 * 1024 * 1024,
        retentionPoolBytes: 64 * 1024 * 1024,
        receivePoolBytes: 64 * 1024 * 1024,
        linkQueueBytes: 4 * 1024 * 1024,
      },
      log: { level: 'info', format: 'json' },
      insecure: false,
    });
    expect(told('')).toEqual([expect.stringMatching(/^site: expected a DNS label.*found nothing$/)]);
  });

  it('is frozen to the bottom', () => {
    const east = site('site: east');
    expect(Object.isFrozen(east) && Object.isFrozen(east.mesh.listen[0]) && Object.isFrozen(east.log)).toBe(true);
  });

  it('compiles rules, links and units', () => {
    const text = `
site: east
mesh: { links: [{ connect: 'amqp://west:55671' }, { name: six, connect: 'amqp://[::1]:7', cost: 3 }], partitionHold: 1.5m }
addresses:
  - { match: alerts, kind: multicast, ack: any, ackTimeout: 3s }
  - { match: 'quote.*', kind: anycast, overflowAt: 100, class: high }
  - { match: 'ticks.#', kind: topic, slow: dropOldest, blockFor: 5s, noSubscriber: release }
limits: { messageBytes: 64KiB }`;
    const { mesh, addresses, limits } = site(text);
    expect(mesh.links).toEqual([
      { name: 'west:55671', host: 'west', port: 55671, cost: 10 },
      { name: 'six', host: '::1', port: 7, cost: 3 },
    ]);
    expect(mesh.partitionHoldMs).toBe(90_000);
    expect(limits.messageBytes).toBe(65_536);
    expect(addresses).toMatchObject([
      { match: 'alerts', ack: 'any', ackTimeoutMs: 3_000, trafficClass: 'normal', overflowAt: null },
      { match: 'quote.*', overflowAt: 100, trafficClass: 'high' },
      { match: 'ticks.#', slow: 'dropOldest', blockForMs: 5_000, noSubscriber: 'release' },
    ]);
  });

  it('compiles rules of queues, whose home is the node of the document unless it says another', () => {
    const text = `
site: east
node: east-1
defaultKind: queue
addresses:
  - { match: jobs, kind: queue, home: west, custody: ingress, maxDepth: 5, overLimit: dropOldest, maxBytes: 1MiB, ttl: 1h,
      maxDeliveries: 3, retry: 5s, deadLetter: queue/dlq, duplicateWindow: 10m, exclusive: true, locality: prefer }
  - { match: dlq, kind: queue }
  - { match: own, kind: queue, home: self }
  - { match: '#', kind: topic }`;
    const { addresses, defaultKind } = site(text);
    expect(defaultKind).toBe('queue');
    expect(addresses).toMatchObject([
      {
        home: 'west',
        custody: 'ingress',
        maxDepth: 5,
        overLimit: 'dropOldest',
        maxBytes: 1_048_576,
        ttlMs: 3_600_000,
        maxDeliveries: 3,
        retryMs: 5_000,
        deadLetter: 'queue/dlq',
        duplicateWindowMs: 600_000,
        exclusive: true,
        locality: 'prefer',
      },
      { ...defaultPolicy('queue'), match: 'dlq', home: 'east-1' },
      { home: 'east-1' },
      { home: '', kind: 'topic' },
    ]);
  });

  it('takes a key without a value as absent', () => {
    expect(site('site: east\naddresses:\n  # nothing yet\nmesh:\n')).toEqual(site('site: east'));
  });
});

describe('errors', () => {
  it('tell no more of what is no YAML at all than somebody reads', () => {
    const page = Array.from({ length: 100 }, (_, line) => `- [ "${line}${'x'.repeat(200)}" : }`).join('\n');
    const problems = told(page);
    expect(problems).toHaveLength(10);
    expect(Math.max(...problems.map((line) => line.length))).toBeLessThan(180);
  });

  it('name line and column of a YAML mistake', () => {
    expect(problemsOf('site: east\nmesh: [a')).toEqual([expect.objectContaining({ line: 2, column: 9, path: '' })]);
    expect(told('site: east\nsite: west')).toEqual(['2:1 document: expected YAML, found Map keys must be unique']);
    expect(told('site: east\n---\nsite: west')).toEqual(['2:1 document: expected YAML, found a second document']);
  });

  it.each(['*', '*.new'])('says that the pattern %s needs quotes', (pattern) => {
    const [line, ...more] = told(`site: east\naddresses: [{ match: ${pattern}, kind: topic }]`);
    expect(line).toMatch(/expected YAML, found .*alias.* \(a text that begins with \* stands in quotes\)$/i);
    expect(more).toEqual([]);
    expect(told('[1]')).toEqual(['document: expected a mapping, found a list of 1']);
  });

  it('name an unknown key, its place and the nearest known one', () => {
    expect(
      told('site: east\nmesh: { links: [{ conect: x, connect: "amqp://a:1" }] }\nlisteners: [{ Port: 1 }]'),
    ).toEqual([
      '2:27 mesh.links[0].conect: expected a key known in mesh.links[0], found the unknown key "conect" (did you mean connect?)',
      '3:21 listeners[0].Port: expected a key known in listeners[0], found the unknown key "Port" (did you mean port?)',
    ]);
    expect(told('site: east\nzzzzzz: 1')[0]).toMatch(/known at the top level.*\(known: site, node, /);
  });

  it.each([
    ['site: East', 'site', 'a DNS label'],
    ['site: east\nhttp: 8080', 'http', 'a mapping'],
    ['site: east\nlisteners: { port: 1 }', 'listeners', 'a list'],
    ['site: east\nlisteners: [ { port: 70000 } ]', 'listeners[0].port', 'a whole number from 0 to 65535'],
    ['site: east\nmesh: { links: [ { cost: 2 } ] }', 'mesh.links[0].connect', "a mesh address such as 'amqp://"],
    ['site: east\nmesh: { links: [ { connect: "amqp://u:p@h:1" } ] }', 'mesh.links[0].connect', 'a mesh address'],
    ['site: east\nmesh: { links: [ { connect: "amqp://h:99999" } ] }', 'mesh.links[0].connect', 'a mesh address'],
    [
      'site: east\nmesh: { links: [ { connect: "amqp://h:1", cost: 0 } ] }',
      'mesh.links[0].cost',
      'a whole number from 1',
    ],
    ['site: east\nmesh: { hello: 500 }', 'mesh.hello', 'a duration such as'],
    ['site: east\nmesh: { hello: 99999999999d }', 'mesh.hello', 'a duration such as'],
    ['site: east\nlimits: { messageBytes: 99999999TiB }', 'limits.messageBytes', 'a size such as'],
    ['site: east\nmesh: { hello: 1ms }', 'mesh.hello', 'from 10ms to 1m'],
    ['site: east\nlimits: { messageBytes: 5MB }', 'limits.messageBytes', 'a size such as'],
    ['site: east\nlimits: { linkQueue: 127KiB }', 'limits.linkQueue', 'from 128KiB to 1GiB'],
    ['site: east\ninsecure: maybe', 'insecure', 'true or false'],
    ['site: east\nlog: { level: inf }', 'log.level', 'one of trace, debug, info'],
    ['site: east\naddresses: [ { match: "a b", kind: topic } ]', 'addresses[0].match', 'a pattern of dotted words'],
    ['site: east\naddresses: [ { match: "topic/a", kind: topic } ]', 'addresses[0].match', 'without kind prefix'],
    ['site: east\naddresses: [ { match: "a.b#", kind: topic } ]', 'addresses[0].match', 'a pattern of dotted words'],
    ['site: east\naddresses: [ { match: a } ]', 'addresses[0].kind', 'one of topic, multicast, anycast, queue'],
    [
      'site: east\naddresses: [ { match: a, kind: queue, home: East } ]',
      'addresses[0].home',
      'the name of a node or of a site, or self',
    ],
    [
      'site: east\naddresses: [ { match: a, kind: queue, home: 5 } ]',
      'addresses[0].home',
      'the name of a node or of a site, or self',
    ],
    [
      'site: east\naddresses: [ { match: a, kind: queue, maxDepth: 0 } ]',
      'addresses[0].maxDepth',
      'a whole number from 1',
    ],
    [
      'site: east\nservices: [ { address: queue/a, connect: "h:1" } ]',
      'services[0].address',
      'the anycast address of a TCP',
    ],
    ['site: east\nservices: [ { address: a, connect: h } ]', 'services[0].connect', 'host and port of a TCP service'],
    [
      'site: east\nservices: [ { address: a, connect: "h:0" } ]',
      'services[0].connect',
      'host and port of a TCP service',
    ],
    ['site: east\nservices: [ { address: a, connect: "[::1]:65536" } ]', 'services[0].connect', 'host and port'],
    [
      'site: east\nlisteners: [ { protocol: tcp, address: "a.*" } ]',
      'listeners[0].address',
      'the anycast address of a TCP',
    ],
    [
      'site: east\naddresses: [ { match: a, kind: queue, deadLetter: "queue/dlq.#" } ]',
      'addresses[0].deadLetter',
      'an address without wildcards',
    ],
  ])('%j is a problem at %s', (text, path, expected) => {
    const problems = problemsOf(text);
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]?.expected).toContain(expected);
  });

  it.each([
    ['brokers: []', 'brokers'],
    ['bridges: []', 'bridges'],
    ['export: []', 'export'],
    ['users: []', 'users'],
    ['tracing: {}', 'tracing'],
    ['mesh: { tls: {} }', 'mesh.tls'],
    ['mesh: { links: [ { connect: "amqps://h:1" } ] }', 'mesh.links[0].connect'],
    ['mesh: { links: [ { connect: "amqp://h:1", compress: true } ] }', 'mesh.links[0].compress'],
    ['mesh: { links: [ { connect: "amqp://h:1", rateLimit: 1MiB } ] }', 'mesh.links[0].rateLimit'],
    ['listeners: [ { tls: {} } ]', 'listeners[0].tls'],
    ['listeners: [ { auth: [plain] } ]', 'listeners[0].auth'],
    ['addresses: [ { match: a, kind: queue, home: { broker: artemis } } ]', 'addresses[0].home'],
    ['limits: { rate: 0 }', 'limits.rate'],
    ['limits: { connectionsPerUser: 1 }', 'limits.connectionsPerUser'],
  ])('%s is known and not implemented', (text, path) => {
    const problems = problemsOf(`site: east\n${text}`);
    expect(problems[0]?.path).toBe(path);
    expect(problems.every((problem) => problem.expected.startsWith('not implemented in this version: '))).toBe(true);
  });

  it('come all at once, shape and meaning together, in the order of the document', () => {
    const text = `
site: East
listeners: [{ name: a, port: 5 }, { name: a, port: 5, prot: 1 }]
mesh: { links: [{ connect: nowhere }, 17] }
addresses: [{ match: x, kind: topic, overflowAt: 3 }]`;
    expect(problemsOf(text).map((problem) => problem.path)).toEqual([
      'site',
      'listeners[1].name',
      'listeners[1].port',
      'listeners[1].prot',
      'mesh.links[0].connect',
      'mesh.links[1]',
      'addresses[0].overflowAt',
    ]);
  });

  it('do not follow from a kind or a protocol that is misspelt', () => {
    const text = `
site: east
listeners: [{ port: 5 }, { protocol: mqt }, { protocol: htp, port: 5, cors: { origins: [] } }]
addresses: [{ match: x, kind: anycst, overflowAt: 3 }]`;
    expect(problemsOf(text).map((problem) => problem.path)).toEqual([
      'listeners[1].protocol',
      'listeners[2].protocol',
      'listeners[2].port',
      'addresses[0].kind',
    ]);
  });

  it('never show what a password is', () => {
    expect(told('site: east\npassword: hunter2').join()).not.toContain('hunter2');
  });

  it('never crash the parser, whatever the document is', () => {
    const word = fc.constantFrom(
      'site',
      'mesh',
      'links',
      'listeners',
      'http',
      'port',
      'match',
      'kind',
      'addresses',
      'x',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant('10s'), fc.constant('${X}')),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(word, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (document) => {
        const problems = problemsOf(stringify(document));
        expect(problems.every((p) => p.expected !== '' && !/Invalid|Too /.test(p.expected))).toBe(true);
      }),
      { numRuns: 300, seed: 3 },
    );
  });
});
