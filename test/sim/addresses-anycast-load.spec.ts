import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const spilling = [rule('quote.#', 'anycast', { overflowAt: 8 })];

describe('anycast past a declared load', () => {
  /** Sends at a steady rate for a while. */
  function drive(
    run: (ms: number) => void,
    publishers: readonly SimPublisher[],
    turns: number,
    each: () => void,
  ): void {
    for (let turn = 0; turn < turns; turn++) {
      for (const publisher of publishers) publisher.sendAll((n) => `m${n}`, 1);
      each();
      run(5);
    }
  }

  it.each([false, true])('spills to the next cheapest site and comes back (settled by the sender: %s)', (settled) => {
    const { node, run, until } = simMesh(['a-b:10', 'a-c:50'], { shared: spilling });
    const near = new SimConsumer(node('b'), 'quote.x');
    const far = new SimConsumer(node('c'), 'quote.x');
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x', { settled });
    until('credit', () => publisher.credit > 0);
    drive(run, [publisher], 200, () => undefined);
    expect(far.got.length).toBeLessThan(3);
    near.holding = true;
    const before = far.got.length;
    const held: number[] = [];
    drive(run, [publisher], 200, () => held.push(near.held.length));
    expect(Math.max(...held)).toBe(8);
    expect(far.got.length).toBeGreaterThan(before + 100);
    near.holding = false;
    near.settleHeld();
    run(50);
    const spilled = far.got.length;
    drive(run, [publisher], 200, () => undefined);
    expect(far.got.length - spilled).toBeLessThan(5);
    until('all are answered', () => publisher.outcomes.size === publisher.sent);
    expect(near.got.length + far.got.length).toBe(publisher.sent);
  });

  it('divides the load among ten ingresses at 125 %, without going to and fro (F35)', () => {
    const ingresses = numbered(10, 'i');
    const overflowAt = 40;
    const { node, run, until } = simMesh(['near-hub:10', 'far-hub:50', ...ingresses.map((name) => `hub-${name}:1`)], {
      shared: [rule('quote.#', 'anycast', { overflowAt })],
    });
    const near = new SimConsumer(node('near'), 'quote.x');
    const far = new SimConsumer(node('far'), 'quote.x');
    near.holding = true;
    far.holding = true;
    run(100);
    const publishers = ingresses.map((name) => new SimPublisher(node(name), 'quote.x'));
    until('credit', () => publishers.every(({ credit }) => credit > 0));
    // Both sites take 100 ms for each message: `overflowAt` lets 40 through in that time, and 50 are offered.
    const backlog: number[] = [];
    const shares: (readonly [number, number])[] = [];
    const due: (readonly [number, SimConsumer])[] = [];
    for (let turn = 0; turn < 1_000; turn++) {
      for (const publisher of publishers) if (turn % 2 === 0) publisher.sendAll((n) => `m${n}`, 1);
      for (const consumer of [near, far]) {
        for (let n = due.filter(([, of]) => of === consumer).length; n < consumer.held.length; n++)
          due.push([turn + 10, consumer]);
        const ready = due.filter(([at, of]) => of === consumer && at <= turn).length;
        for (let n = 0; n < ready; n++)
          due.splice(
            due.findIndex(([, of]) => of === consumer),
            1,
          );
        consumer.settleHeld(OUTCOME.accepted, ready);
      }
      backlog.push(near.held.length + near.waiting);
      shares.push([near.got.length, far.got.length]);
      run(10);
    }
    expect(Math.max(...backlog)).toBeLessThanOrEqual(overflowAt + ingresses.length);
    // From the second second on each stretch looks like the others: the near site is kept busy, the far one takes the rest.
    const stretches = [200, 400, 600, 800].map((from) => {
      const [[nearFrom, farFrom], [nearTo, farTo]] = [shares[from], shares[from + 199]] as [
        [number, number],
        [number, number],
      ];
      return { near: nearTo - nearFrom, far: farTo - farFrom };
    });
    for (const { near: here, far: there } of stretches) {
      expect(here).toBeGreaterThan(there);
      expect(here).toBeGreaterThan(0.7 * (stretches[0]?.near ?? Infinity));
      expect(there).toBeGreaterThan(0);
    }
    until('all are answered', () => {
      near.holding = far.holding = false;
      near.settleHeld();
      far.settleHeld();
      return publishers.every(({ outcomes, sent }) => outcomes.size === sent);
    });
  });

  it('keeps no publisher out by unused credit of another', () => {
    const few = [rule('quote.#', 'anycast', { overflowAt: 2 })];
    const { node, run, until } = simMesh(['a-b'], { shared: few });
    new SimConsumer(node('b'), 'quote.x');
    run(100);
    const publishers = Array.from({ length: 5 }, () => new SimPublisher(node('a'), 'quote.x'));
    until('each has credit', () => publishers.every(({ credit }) => credit > 0));
  });

  it('serves in flight what a live change of the rule allows', () => {
    const { node, run, until } = simMesh(['a-b'], { shared: spilling });
    const consumer = new SimConsumer(node('b'), 'quote.x');
    consumer.holding = true;
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    const drain = (): void => {
      for (let turn = 0; turn < 100; turn++) {
        publisher.sendAll((n) => `m${n}`);
        run(20);
      }
    };
    drain();
    expect(consumer.held).toHaveLength(8);
    const more = [rule('quote.#', 'anycast', { overflowAt: 20 })];
    node('a').running.setRules(more, 'topic');
    node('b').running.setRules(more, 'topic');
    drain();
    expect(consumer.held).toHaveLength(20);
    consumer.settleHeld();
    until('outcomes', () => publisher.outcomes.size === 20);
  });
});
