import { OUTCOME } from '../../src/streams/contract';
import { LARGE_MEMORY_BYTES } from '../../src/streams/limits';
import { SimConsumer, SimPublisher } from './address-clients';
import { simMesh, type SimMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const shared = [rule('quote.#', 'anycast')];
const ON_DISK = 2_500_000;
const IN_MEMORY = 300_000;

function text(length: number): string {
  return 'abcdefghij'.repeat(length / 10);
}

/** Compares without printing megabytes. */
function sameTexts(got: readonly string[], sent: readonly string[]): boolean {
  return got.length === sent.length && got.every((each, n) => each === sent[n]);
}

function retention({ node }: SimMesh, name: string): number {
  return (
    node(name)
      .running.pools()
      .find((pool) => pool.name === 'retention')?.used ?? NaN
  );
}

describe('a large anycast message', () => {
  it.each([IN_MEMORY, ON_DISK])(
    'of %d bytes that waits here goes to another site when the last consumer leaves',
    (length) => {
      const sim = simMesh(['a-b'], { shared });
      const { node, run, until } = sim;
      const here = new SimConsumer(node('a'), 'quote.x', { paused: true });
      const there = new SimConsumer(node('b'), 'quote.x');
      run(100);
      const publisher = new SimPublisher(node('a'), 'quote.x');
      until('credit', () => publisher.credit >= 2);
      const sent = [text(length), text(length + 10)];
      for (const each of sent) publisher.sendLarge(each);
      expect(here.waiting).toBe(2);
      here.close();
      // What is on disk is read no faster than it leaves.
      expect(retention(sim, 'a')).toBeLessThan(4 * LARGE_MEMORY_BYTES);
      until('outcomes', () => publisher.outcomes.size === 2);
      expect(publisher.results).toEqual([OUTCOME.accepted, OUTCOME.accepted]);
      expect(sameTexts(there.got, sent)).toBe(true);
      expect(here.got).toEqual([]);
      until('nothing is held', () => retention(sim, 'a') === 0);
    },
  );

  it('that waits at another site goes to the next one when the last consumer leaves, if a copy was kept', () => {
    const sim = simMesh(['a-b', 'a-c:50'], { shared });
    const { node, run, until } = sim;
    const near = new SimConsumer(node('b'), 'quote.x', { paused: true });
    const far = new SimConsumer(node('c'), 'quote.x');
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => publisher.credit >= 2);
    publisher.sendLarge(text(IN_MEMORY));
    publisher.sendLarge(text(ON_DISK));
    until('both wait', () => near.waiting === 2);
    near.close();
    until('outcomes', () => publisher.outcomes.size === 2);
    expect(publisher.results).toEqual([OUTCOME.accepted, OUTCOME.released]);
    expect(sameTexts(far.got, [text(IN_MEMORY)])).toBe(true);
    expect(near.got).toEqual([]);
    until('nothing is held', () => retention(sim, 'a') === 0);
  });

  it('comes back here from another site that has no consumer any more', () => {
    const sim = simMesh(['a-b'], { shared });
    const { node, run, until } = sim;
    const there = new SimConsumer(node('b'), 'quote.x', { paused: true });
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => publisher.credit > 0);
    publisher.sendLarge(text(IN_MEMORY));
    until('it waits', () => there.waiting === 1);
    const here = new SimConsumer(node('a'), 'quote.x');
    there.close();
    until('outcome', () => publisher.outcomes.size === 1);
    expect(publisher.results).toEqual([OUTCOME.accepted]);
    expect(sameTexts(here.got, [text(IN_MEMORY)])).toBe(true);
    until('nothing is held', () => retention(sim, 'a') === 0);
  });

  it('goes on to the third when the second leaves as well', () => {
    const { node, run, until } = simMesh(['a-b', 'a-c:50', 'a-d:90'], { shared });
    const [first, second] = ['b', 'c'].map((name) => new SimConsumer(node(name), 'quote.x', { paused: true })) as [
      SimConsumer,
      SimConsumer,
    ];
    const third = new SimConsumer(node('d'), 'quote.x');
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => publisher.credit > 0);
    publisher.sendLarge(text(IN_MEMORY));
    until('it waits', () => first.waiting === 1);
    first.close();
    until('it waits again', () => second.waiting === 1);
    second.close();
    until('outcome', () => publisher.outcomes.size === 1);
    expect([publisher.results, third.got.length]).toEqual([[OUTCOME.accepted], 1]);
  });

  describe('for a site that is out of reach for too long', () => {
    function cutOff() {
      const sim = simMesh(['a-b', 'a-c'], { shared, limits: { partitionHoldMs: 5_000 } });
      const lost = new SimConsumer(sim.node('b'), 'quote.x');
      sim.run(100);
      const publisher = new SimPublisher(sim.node('a'), 'quote.x');
      sim.until('credit', () => publisher.credit >= 2);
      sim.mesh.cut(sim.wire('a', 'b'));
      sim.run(2_000);
      return { ...sim, sim, lost, publisher };
    }

    it('goes elsewhere whole', () => {
      const { sim, node, run, until, mesh, wire, lost, publisher } = cutOff();
      publisher.sendLarge(text(IN_MEMORY));
      const other = new SimConsumer(node('c'), 'quote.x');
      until('outcome', () => publisher.outcomes.size === 1);
      mesh.heal(wire('a', 'b'));
      run(5_000);
      expect(publisher.results).toEqual([OUTCOME.accepted]);
      expect([other.got.length, lost.got.length]).toEqual([1, 0]);
      expect(sameTexts(other.got, [text(IN_MEMORY)])).toBe(true);
      expect(retention(sim, 'a')).toBe(0);
    });

    it.each([IN_MEMORY, ON_DISK])('goes elsewhere also when it is given up in the middle of its %d bytes', (length) => {
      const { sim, node, run, until, mesh, wire, lost, publisher } = cutOff();
      const whole = Buffer.from(text(length));
      publisher.credit--;
      publisher.sent++;
      publisher.publisher.begin(publisher.publisher.address!, 0, 0);
      publisher.publisher.part(whole, 0, 100_000);
      const other = new SimConsumer(node('c'), 'quote.x');
      run(6_000);
      for (let at = 100_000; at < length; at += 50_000)
        publisher.publisher.part(whole, at, Math.min(length, at + 50_000));
      expect([publisher.outcomes.size, other.got.length]).toEqual([0, 0]);
      publisher.publisher.end();
      until('outcome', () => publisher.outcomes.size === 1);
      mesh.heal(wire('a', 'b'));
      run(5_000);
      expect(publisher.results).toEqual([OUTCOME.accepted]);
      expect(sameTexts(other.got, [whole.toString()])).toBe(true);
      expect(lost.got).toEqual([]);
      expect(retention(sim, 'a')).toBe(0);
    });

    it('is nowhere when its publisher gives it up after that', () => {
      const { sim, node, run, lost, publisher } = cutOff();
      publisher.publisher.begin(publisher.publisher.address!, 0, 0);
      publisher.publisher.part(Buffer.from(text(IN_MEMORY)), 0, IN_MEMORY);
      const other = new SimConsumer(node('c'), 'quote.x');
      run(6_000);
      publisher.publisher.abort();
      run(1_000);
      expect([publisher.outcomes.size, other.got, lost.got, retention(sim, 'a')]).toEqual([0, [], [], 0]);
    });
  });

  it('that a lost site may have is never sent again', () => {
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'a-c:50'], { shared });
    const lost = new SimConsumer(node('b'), 'quote.x');
    lost.holding = true;
    const other = new SimConsumer(node('c'), 'quote.x');
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => publisher.credit > 0);
    publisher.sendLarge(text(IN_MEMORY));
    until('taken', () => lost.got.length === 1);
    mesh.cut(wire('a', 'b'));
    node('b').kill();
    node('b').start();
    mesh.heal(wire('a', 'b'));
    until('outcome', () => publisher.outcomes.size === 1);
    run(2_000);
    expect([publisher.results, other.got]).toEqual([[OUTCOME.modifiedFailed], []]);
  });
});
