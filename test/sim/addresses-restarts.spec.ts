import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const shared = [rule('alerts', 'multicast'), rule('quote.*', 'anycast')];

describe('after a restart', () => {
  it('publishers get no credit until the nodes of the last run are within reach: nothing is accepted into nothing', () => {
    const { node, run, until, mesh, wire, time } = simMesh(['a-b', 'b-c'], { shared });
    const consumer = new SimConsumer(node('c'), 'orders.#');
    run(200);
    node('a').kill();
    run(500);
    mesh.cut(wire('a', 'b'));
    node('a').start();
    const publisher = new SimPublisher(node('a'), 'orders.x');
    run(3_000);
    expect(publisher.credit).toBe(0);
    mesh.heal(wire('a', 'b'));
    const healed = time.now;
    until('credit', () => publisher.credit > 0);
    expect(time.now - healed).toBeLessThan(1_900);
    publisher.send('m0');
    run(200);
    expect(consumer.got).toEqual(['m0']);
  });

  it('publishers get credit after startHold when a node of the last run stays away', () => {
    const { node, run, until, time } = simMesh(['a-b', 'b-c'], { shared });
    node('c').kill();
    node('a').kill();
    run(500);
    const begun = time.now;
    node('a').start();
    const publisher = new SimPublisher(node('a'), 'orders.x');
    until('credit', () => publisher.credit > 0);
    expect(time.now - begun).toBeGreaterThanOrEqual(5_000);
    expect(time.now - begun).toBeLessThan(5_100);
  });

  it('nobody waits on a first start, or without a disk', () => {
    const { node, run, until, time, mesh, wire } = simMesh(['a-b'], { shared });
    mesh.cut(wire('a', 'b'));
    node('a').kill({ loseDisk: true });
    run(500);
    const begun = time.now;
    node('a').start();
    const publisher = new SimPublisher(node('a'), 'orders.x');
    until('credit', () => publisher.credit > 0);
    expect(time.now - begun).toBeLessThan(100);
  });

  it('of the consumer its topic messages go on, and what was under way to its former life is counted', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    new SimConsumer(node('c'), 'orders.#');
    run(200);
    const publisher = new SimPublisher(node('a'), 'orders.x');
    until('credit', () => publisher.credit > 0);
    node('c').kill();
    publisher.send('m0');
    run(2_500);
    publisher.send('m1');
    node('c').start();
    run(2_000);
    const dropped = node('a').running.counters().dropped;
    expect(dropped.get('peerRestarted')).toBe(2);
    const again = new SimConsumer(node('c'), 'orders.#');
    until('confirmed', () => again.confirmed !== null);
    publisher.send('m2');
    run(500);
    expect(again.got).toEqual(['m2']);
  });

  it('of a choking consumer its publishers go on', () => {
    const { node, run, until } = simMesh(['a-b'], { shared });
    const quick = new SimConsumer(node('a'), 'orders.#');
    new SimConsumer(node('b'), 'orders.#', { paused: true });
    run(200);
    const publisher = new SimPublisher(node('a'), 'orders.x');
    for (let turn = 0; turn < 400; turn++) {
      publisher.sendAll(() => 'x'.repeat(1_000));
      run(5);
    }
    expect(publisher.credit).toBe(0);
    node('b').kill();
    run(500);
    node('b').start();
    until('credit', () => publisher.credit > 0);
    publisher.send('last');
    expect(quick.got.at(-1)).toBe('last');
  });
});

describe('a partition', () => {
  it('shorter than the hold loses nothing of a topic, whatever the sender settled', () => {
    const { node, run, until, mesh, wire } = simMesh(['a-b'], { shared });
    const consumer = new SimConsumer(node('b'), 'orders.#');
    run(200);
    const publishers = [false, true].map((settled) => new SimPublisher(node('a'), 'orders.x', { settled }));
    until('credit', () => publishers.every(({ credit }) => credit >= 10));
    mesh.cut(wire('a', 'b'));
    run(2_000);
    for (const text of numbered(10)) for (const publisher of publishers) publisher.send(text);
    run(8_000);
    mesh.heal(wire('a', 'b'));
    until('all arrive', () => consumer.got.length === 20);
    expect(consumer.got).toEqual(numbered(10).flatMap((text) => [text, text]));
  });

  it('longer than the hold counts each message, tells the gap, and goes on afresh', () => {
    const limits = { partitionHoldMs: 5_000 };
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'a-c'], { shared, limits });
    const [cut, other] = ['b', 'c'].map((name) => new SimConsumer(node(name), 'orders.#'));
    run(200);
    const publisher = new SimPublisher(node('a'), 'orders.x');
    until('credit', () => publisher.credit >= 10);
    mesh.cut(wire('a', 'b'));
    run(2_000);
    for (const text of numbered(4)) publisher.send(text);
    run(6_000);
    expect(node('a').running.counters().dropped.get('unreachable')).toBe(4);
    // Left out of the targets now: what is published next is not even held for it, and counted at once.
    publisher.send('m4');
    run(50);
    expect(node('a').running.counters().dropped.get('unreachable')).toBe(5);
    run(6_000);
    expect(node('a').running.counters().dropped.get('unreachable')).toBe(5);
    mesh.heal(wire('a', 'b'));
    for (let turn = 0; turn < 100 && cut?.got.length === 0; turn++) {
      publisher.send(`m${publisher.sent}`);
      run(50);
    }
    const first = Number(cut?.got[0]?.slice(1));
    expect(first).toBeGreaterThan(4);
    run(500);
    expect(cut?.got).toEqual(numbered(publisher.sent).slice(first));
    expect(other?.got).toEqual(numbered(publisher.sent));
    // With b and c nobody published anything, but each had given the other up.
    const told = [cut, other].map((consumer) => [...(consumer?.gaps.values() ?? [])].map((gap) => new Map(gap)));
    expect(told).toEqual([
      [
        new Map([
          ['a', 4],
          ['c', null],
        ]),
      ],
      [new Map([['b', null]])],
    ]);
    expect(cut?.gaps.has(0)).toBe(true);
  });

  it('longer than the hold is told to those who wanted what was given up, with the first message after it, by origin', () => {
    // Room for the first credit of all publishers of a node.
    const limits = { partitionHoldMs: 5_000, ingressPoolBytes: 64 * 1024 * 1024, retentionPoolBytes: 64 * 1024 * 1024 };
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'b-c', 'c-d'], { shared, limits });
    const filters = ['orders.#', 'orders.x', '*.y', 'alerts', 'quote.z'];
    const [all, one, other, alerts, quotes] = filters.map((filter) => new SimConsumer(node('d'), filter)) as [
      SimConsumer,
      SimConsumer,
      SimConsumer,
      SimConsumer,
      SimConsumer,
    ];
    run(200);
    const send = (site: string, address: string, settled = false): SimPublisher =>
      new SimPublisher(node(site), address, { settled });
    const publishers = [
      send('a', 'orders.x'),
      send('a', 'orders.y'),
      send('b', 'orders.x'),
      send('b', 'alerts', true),
      send('a', 'quote.z', true),
    ] as const;
    const [fromA, fromAToY, fromB, toAlerts, toQuotes] = publishers;
    until('credit', () => publishers.every(({ credit }) => credit >= 10));
    mesh.cut(wire('c', 'd'));
    for (let n = 0; n < 3; n++) fromA.send('lost');
    for (let n = 0; n < 5; n++) fromAToY.send('lost');
    for (let n = 0; n < 2; n++) for (const publisher of [fromB, toAlerts, toQuotes]) publisher.send('lost');
    run(12_000);
    expect([all, one, other, alerts].map(({ gaps }) => gaps.size)).toEqual([0, 0, 0, 0]);
    mesh.heal(wire('c', 'd'));
    run(3_000);
    for (const publisher of publishers) publisher.send('back');
    until('all is back', () => all.got.length === 3 && alerts.got.length === 1 && quotes.got.length === 1);
    // All that c gave up is nothing: nobody knows more than that it had given d up.
    const gap = (a: number | null, b: number | null): unknown => new Map([[0, Object.entries({ a, b, c: null })]]);
    const told = [all, one, other, alerts].map(
      ({ gaps }) => new Map([...gaps].map(([at, each]) => [at, [...each].sort()])),
    );
    expect(told).toEqual([gap(8, 2), gap(3, 2), gap(5, null), gap(null, 2)]);
    expect(quotes.gaps.size).toBe(0);
    for (const publisher of publishers) publisher.send('more');
    run(500);
    expect([all, one, other, alerts].map(({ gaps }) => gaps.size)).toEqual([1, 1, 1, 1]);
  });

  it('is what a gap needs; a mere restart tells none: those who published there saw their connections end', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    const consumer = new SimConsumer(node('c'), 'orders.#');
    run(200);
    node('a').kill();
    run(500);
    node('a').start();
    const publisher = new SimPublisher(node('a'), 'orders.x');
    until('credit', () => publisher.credit > 1);
    publisher.send('m0');
    publisher.send('m1');
    until('both arrive', () => consumer.got.length === 2);
    expect(consumer.gaps.size).toBe(0);
  });

  it('of a whole side heals with the interest that changed meanwhile', () => {
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'b-c', 'c-d'], { shared });
    const before = new SimConsumer(node('d'), 'orders.before');
    run(200);
    mesh.cut(wire('b', 'c'));
    run(3_000);
    before.close();
    const during = new SimConsumer(node('d'), 'orders.during');
    until('confirmed', () => during.confirmed !== null);
    mesh.heal(wire('b', 'c'));
    run(3_000);
    const publishers = ['orders.before', 'orders.during'].map((name) => new SimPublisher(node('a'), name));
    until('credit', () => publishers.every(({ credit }) => credit > 0));
    for (const publisher of publishers) publisher.send('m0');
    run(500);
    expect([before.got, during.got]).toEqual([[], ['m0']]);
    expect(node('a').running.counters().dropped.get('noSubscriber')).toBe(1);
  });
});

describe('a temporary address', () => {
  it.each([
    ['anycast', null],
    ['topic', 'topic'],
  ] as const)('(%s) is reached from every site without a rule, and gone with its owner', (kind, hint) => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared: [rule('#', 'multicast')] });
    const { name, kind: decided } = node('c').running.addresses.temporary(hint);
    expect(decided).toBe(kind);
    const owner = new SimConsumer(node('c'), name);
    until('confirmed', () => owner.confirmed !== null);
    const publishers = ['a', 'b', 'c'].map((site) => new SimPublisher(node(site), null));
    until('credit', () => publishers.every(({ credit }) => credit > 1));
    const reply = (publisher: SimPublisher, text: string): number =>
      publisher.send(text, publisher.node.running.addresses.resolve(name, null));
    publishers.forEach((publisher, n) => reply(publisher, `m${n}`));
    until('replies', () => owner.got.length === 3);
    owner.close();
    run(200);
    for (const publisher of publishers) reply(publisher, 'late');
    until('outcomes', () => publishers.every(({ outcomes }) => outcomes.size === 2));
    const { accepted, released } = OUTCOME;
    for (const { results } of publishers) expect(results).toEqual([accepted, kind === 'topic' ? accepted : released]);
    run(500);
    expect(owner.got).toHaveLength(3);
  });

  it('carries request and reply across the mesh', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    const { name } = node('a').running.addresses.temporary('queue');
    const requester = new SimConsumer(node('a'), name);
    const service = new SimConsumer(node('c'), 'quote.x');
    const replies = new SimPublisher(node('c'), null);
    run(200);
    const requests = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => requests.credit >= 5 && replies.credit >= 5);
    for (const text of numbered(5)) requests.send(text);
    until('requests', () => service.got.length === 5);
    for (const text of service.got) replies.send(`re ${text}`, node('c').running.addresses.resolve(name, null));
    until('replies', () => requester.got.length === 5 && replies.outcomes.size === 5);
    expect(requester.got).toEqual(numbered(5).map((text) => `re ${text}`));
    expect(new Set(replies.results)).toEqual(new Set([OUTCOME.accepted]));
  });
});
