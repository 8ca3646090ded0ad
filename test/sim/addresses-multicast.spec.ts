import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const all = [rule('alerts', 'multicast', { ackTimeoutMs: 3_000 })];
const any = [rule('alerts', 'multicast', { ack: 'any', ackTimeoutMs: 3_000 })];
const ingress = [rule('alerts', 'multicast', { ack: 'ingress' })];

function opened(shared: typeof all, wires = ['a-b', 'b-c', 'b-d']): SimMesh & { readonly publisher: SimPublisher } {
  const sim = simMesh(wires, { shared });
  const publisher = new SimPublisher(sim.node('a'), 'alerts');
  sim.until('credit', () => publisher.credit >= 8);
  return { ...sim, publisher };
}

describe('multicast', () => {
  it('reaches every consumer at every site, and says accepted when all of them have', () => {
    const { node, run, until, publisher } = opened(all);
    const consumers = ['a', 'b', 'b', 'c', 'd'].map((name) => new SimConsumer(node(name), 'alerts'));
    const last = consumers[4] as SimConsumer;
    last.holding = true;
    run(100);
    for (const text of numbered(3)) publisher.send(text);
    run(200);
    expect(publisher.outcomes.size).toBe(0);
    last.settleHeld();
    until('outcomes', () => publisher.outcomes.size === 3);
    expect(publisher.results).toEqual(numbered(3).map(() => OUTCOME.accepted));
    for (const { got } of consumers) expect(got).toEqual(numbered(3));
  });

  it('names the sites that refused, with their reason, and those that have not said in time', () => {
    const { node, run, until, publisher, time } = opened(all);
    const [fine, refusing, silent] = ['b', 'c', 'd'].map((name) => new SimConsumer(node(name), 'alerts'));
    if (fine === undefined || refusing === undefined || silent === undefined) throw new Error('three consumers');
    refusing.outcome = OUTCOME.rejected;
    refusing.detail = { condition: 'app:full', description: 'no room' };
    silent.holding = true;
    run(100);
    const sentAt = time.now;
    publisher.send('m0');
    until('outcome', () => publisher.outcomes.size === 1);
    expect(time.now - sentAt).toBeGreaterThanOrEqual(3_000);
    expect(time.now - sentAt).toBeLessThan(3_100);
    expect(publisher.results).toEqual([OUTCOME.rejected]);
    expect(publisher.details.get(0)).toEqual({
      condition: 'fairlead:partial',
      description: 'refused by: c (no room); no answer from (may still receive it): d',
    });
    // Late answers change nothing, and the place is free again.
    silent.settleHeld();
    run(100);
    node('a').running.drain();
    until('nothing is pending', () => node('a').running.drained);
  });

  it('fixes its sites when it is published', () => {
    const { node, run, until, publisher } = opened(all);
    const slow = new SimConsumer(node('c'), 'alerts');
    slow.holding = true;
    run(100);
    publisher.send('m0');
    run(50);
    const late = new SimConsumer(node('d'), 'alerts');
    run(5_000);
    expect(publisher.details.get(0)?.description).toBe('no answer from (may still receive it): c');
    expect(late.got).toEqual([]);
    slow.settleHeld();
    publisher.send('m1');
    until('second outcome', () => late.got.length === 1);
  });

  it('with `any` is accepted with the first consumer that takes it', () => {
    const { node, run, until, publisher } = opened(any);
    const quick = new SimConsumer(node('b'), 'alerts');
    const silent = new SimConsumer(node('c'), 'alerts');
    const refusing = new SimConsumer(node('d'), 'alerts');
    silent.holding = true;
    refusing.outcome = OUTCOME.rejected;
    run(100);
    publisher.send('m0');
    until('outcome', () => publisher.outcomes.size === 1);
    quick.outcome = OUTCOME.released;
    silent.holding = false;
    silent.settleHeld();
    silent.outcome = OUTCOME.rejected;
    publisher.send('m1');
    until('outcome', () => publisher.outcomes.size === 2);
    expect(publisher.results).toEqual([OUTCOME.accepted, OUTCOME.rejected]);
    expect(publisher.details.get(1)?.description).toBe('refused by: b, c, d');
  });

  it('with `ingress` is accepted at once, and still reaches all', () => {
    const { node, run, publisher } = opened(ingress);
    const consumers = ['a', 'c', 'd'].map((name) => new SimConsumer(node(name), 'alerts', { paused: true }));
    run(100);
    publisher.send('m0');
    expect(publisher.results).toEqual([OUTCOME.accepted]);
    run(100);
    for (const consumer of consumers) consumer.resume();
    expect(consumers.map(({ got }) => got)).toEqual([['m0'], ['m0'], ['m0']]);
  });

  it('is released when there is no consumer at all, and when the last one leaves before it arrives', () => {
    const { node, run, until, publisher } = opened(all);
    publisher.send('nobody');
    expect(publisher.results).toEqual([OUTCOME.released]);
    const leaving = new SimConsumer(node('c'), 'alerts', { paused: true });
    run(100);
    publisher.send('late');
    run(50);
    leaving.close();
    until('outcome', () => publisher.outcomes.size === 2);
    expect(publisher.results[1]).toBe(OUTCOME.released);
    expect(node('a').running.counters().dropped.get('noSubscriber')).toBe(1);
  });

  it('does not count a site whose consumers have left against the others', () => {
    const { node, run, until, publisher } = opened(all);
    const staying = new SimConsumer(node('b'), 'alerts');
    const leaving = new SimConsumer(node('c'), 'alerts', { paused: true });
    const other = new SimConsumer(node('c'), 'alerts');
    run(100);
    publisher.send('m0');
    run(50);
    leaving.close();
    until('outcome', () => publisher.outcomes.size === 1);
    expect(publisher.results).toEqual([OUTCOME.accepted]);
    expect([staying.got, other.got]).toEqual([['m0'], ['m0']]);
  });

  it('names a site that restarted, or was cut off for longer than the hold, as unknown', () => {
    const slow = [rule('alerts', 'multicast', { ackTimeoutMs: 60_000 })];
    const sim = simMesh(['a-b', 'a-c', 'a-d'], { shared: slow, limits: { partitionHoldMs: 5_000 } });
    const { node, run, until, mesh, wire } = sim;
    const consumers = ['b', 'c', 'd'].map((name) => new SimConsumer(node(name), 'alerts'));
    const publisher = new SimPublisher(node('a'), 'alerts');
    for (const consumer of consumers.slice(0, 2)) consumer.holding = true;
    until('all are known', () => consumers.every(({ confirmed }) => confirmed !== null));
    publisher.send('m0');
    until('all have it', () => consumers.every(({ got }) => got.length === 1));
    node('b').kill();
    run(500);
    node('b').start();
    run(2_000);
    expect(publisher.outcomes.size).toBe(0);
    mesh.cut(wire('a', 'c'));
    until('outcome', () => publisher.outcomes.size === 1);
    expect(publisher.details.get(0)?.description).toBe('no answer from (may still receive it): b, c');
  });

  it('arrives once after a cut shorter than the hold', () => {
    const { node, run, until, mesh, wire, publisher } = opened(all);
    const consumers = ['b', 'c', 'd'].map((name) => new SimConsumer(node(name), 'alerts'));
    run(100);
    mesh.cut(wire('b', 'c'));
    run(300);
    for (const text of numbered(5)) publisher.send(text);
    run(1_000);
    mesh.heal(wire('b', 'c'));
    until('outcomes', () => publisher.outcomes.size === 5);
    expect(publisher.results).toEqual(numbered(5).map(() => OUTCOME.accepted));
    for (const { got } of consumers) expect(got).toEqual(numbered(5));
  });

  it('carries large messages, acknowledged by all', () => {
    const { node, run, until, publisher } = opened(all);
    const consumers = ['a', 'b', 'd'].map((name) => new SimConsumer(node(name), 'alerts'));
    run(100);
    const text = 'w'.repeat(1_500_000);
    publisher.sendLarge(text);
    until('outcome', () => publisher.outcomes.size === 1);
    expect(publisher.results).toEqual([OUTCOME.accepted]);
    for (const { got } of consumers) expect(got.map((each) => each === text)).toEqual([true]);
    publisher.publisher.begin(publisher.publisher.address as never, 0, 99);
    publisher.publisher.part(Buffer.alloc(300_000), 0, 300_000);
    publisher.publisher.abort();
    run(500);
    expect(consumers.map(({ got }) => got.length)).toEqual([1, 1, 1]);
    expect(publisher.outcomes.has(99)).toBe(false);
  });

  it('is not delivered to topic filters that would match its name', () => {
    const { node, run, until, publisher } = opened(all);
    const filter = new SimConsumer(node('b'), '#');
    const exact = new SimConsumer(node('b'), 'alerts');
    run(100);
    publisher.send('m0');
    until('outcome', () => publisher.outcomes.size === 1);
    expect([filter.got, exact.got]).toEqual([[], ['m0']]);
  });
});
