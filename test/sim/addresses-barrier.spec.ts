import fc from 'fast-check';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const shared = [rule('alerts', 'multicast'), rule('quote.*', 'anycast')];

describe('the subscription barrier', () => {
  it('confirms once the farthest node has acknowledged, not before', () => {
    const { node, time, until } = simMesh(['a-b', 'b-c', 'c-d'], { shared, latencyMs: 30 });
    const consumer = new SimConsumer(node('a'), 'orders.#');
    const begun = time.now;
    until('confirmed', () => consumer.confirmed !== null);
    expect(consumer.confirmed).toEqual([]);
    expect(time.now - begun).toBeGreaterThanOrEqual(6 * 30);
    expect(time.now - begun).toBeLessThan(6 * 30 + 60);
  });

  it('confirms at once what a confirmed filter covers, also while others are not confirmed', () => {
    const { node, until } = simMesh(['a-b'], { shared, latencyMs: 30 });
    const wide = new SimConsumer(node('a'), 'orders.#');
    until('confirmed', () => wide.confirmed !== null);
    const other = new SimConsumer(node('a'), 'other.#');
    const covered = new SimConsumer(node('a'), 'orders.new');
    const same = new SimConsumer(node('a'), 'orders.#');
    expect([other.confirmed, covered.confirmed, same.confirmed]).toEqual([null, [], []]);
    const uncertain = new SimConsumer(node('a'), 'other.x');
    expect(uncertain.confirmed).toBeNull();
    until('confirmed', () => other.confirmed !== null && uncertain.confirmed !== null);
  });

  it('confirms at once on a node alone', () => {
    const { node, run } = simMesh(['a-b'], { shared });
    node('b').kill();
    run(5_000);
    expect(new SimConsumer(node('a'), 'orders.#').confirmed).toEqual([]);
  });

  it('confirms within a bound, and names the nodes that did not answer', () => {
    const { node, time, until, wire } = simMesh(['a-b', 'a-c'], { shared, limits: { deadMs: 60_000 } });
    wire('a', 'c').quality.hole.fill(true);
    const consumer = new SimConsumer(node('a'), 'orders.#');
    const begun = time.now;
    until('confirmed', () => consumer.confirmed !== null);
    expect(consumer.confirmed).toEqual(['c']);
    expect(time.now - begun).toBeLessThan(2_100);
  });

  it('waits for no node that is out of reach, and for one that comes within reach meanwhile', () => {
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'b-c'], { shared, latencyMs: 50 });
    mesh.cut(wire('b', 'c'));
    run(1_000);
    const consumer = new SimConsumer(node('a'), 'orders.#');
    until('confirmed', () => consumer.confirmed !== null);
    expect(consumer.confirmed).toEqual([]);
    const far = new SimPublisher(node('c'), 'orders.x');
    mesh.heal(wire('b', 'c'));
    for (let turn = 0; turn < 100 && consumer.got.length === 0; turn++) {
      far.sendAll((n) => `m${n}`, 1);
      run(50);
    }
    const first = Number(consumer.got[0]?.slice(1));
    run(500);
    expect(consumer.got).toEqual(numbered(far.sent).slice(first));
  });

  it('survives a new life of the subscribing node', () => {
    const { node, until, run } = simMesh(['a-b'], { shared });
    node('a').kill();
    run(100);
    node('a').start();
    const consumer = new SimConsumer(node('a'), 'orders.#');
    until('confirmed', () => consumer.confirmed !== null);
    const publisher = new SimPublisher(node('b'), 'orders.x');
    until('credit', () => publisher.credit > 0);
    publisher.send('m0');
    run(100);
    expect(consumer.got).toEqual(['m0']);
  });

  it('is not passed after a restart before the link is back, however late it comes within startHold', () => {
    const { node, until, run, mesh, wire, time } = simMesh(['a-b'], { shared });
    const publisher = new SimPublisher(node('b'), 'orders.x');
    node('a').kill();
    mesh.cut(wire('a', 'b'));
    run(500);
    node('a').start();
    const begun = time.now;
    const consumer = new SimConsumer(node('a'), 'orders.#');
    run(4_500);
    expect(consumer.confirmed).toBeNull();
    mesh.heal(wire('a', 'b'));
    until('confirmed', () => consumer.confirmed !== null);
    expect(time.now - begun).toBeLessThan(7_000);
    publisher.send('m0');
    run(200);
    expect([consumer.confirmed, consumer.got]).toEqual([[], ['m0']]);
  });

  /** A tree of nodes with the parent of each node but the first. */
  const meshArb = fc.record({
    parents: fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
    latencies: fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 6, maxLength: 6 }),
    seed: fc.nat(10_000),
    subscriber: fc.nat(),
    publishers: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
    filter: fc.constantFrom('orders.new', 'orders.*', '#', 'orders.#'),
    others: fc.array(fc.constantFrom('orders.new', '*.new', 'other.#', '#'), { maxLength: 3 }),
    delay: fc.integer({ min: 0, max: 300 }),
  });

  it('means that no first message is lost, whoever publishes, whatever the delays', () => {
    fc.assert(
      fc.property(meshArb, (plan) => {
        const names = numbered(plan.parents.length + 1, 'n');
        const wires = plan.parents.map((parent, n) => `${String(names[parent % (n + 1)])}-${String(names[n + 1])}`);
        const { node, run, until, mesh } = simMesh(wires, { shared, seed: plan.seed });
        mesh.wires.forEach((wire, n) => (wire.quality.latencyMs = plan.latencies[n] as number));
        const nodes = names.map(node);
        const publishers = plan.publishers.map((n) => new SimPublisher(nodes[n % nodes.length] as never, 'orders.new'));
        until('credit', () => publishers.every(({ credit }) => credit > 0));
        plan.others.forEach((filter, n) => new SimConsumer(nodes[n % nodes.length] as never, filter));
        run(plan.delay);
        const at = nodes[plan.subscriber % nodes.length] as never;
        const consumer = new SimConsumer(at, plan.filter);
        until('confirmed', () => consumer.confirmed !== null);
        expect(consumer.confirmed).toEqual([]);
        const before = consumer.got.length;
        publishers.forEach((publisher, n) => publisher.send(`first of ${n}`));
        run(2_000);
        expect([...consumer.got.slice(before)].sort()).toEqual(publishers.map((_, n) => `first of ${n}`));
      }),
      { numRuns: 40 },
    );
  });
});
