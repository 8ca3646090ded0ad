import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const shared = [rule('jobs.#', 'queue', { home: 'b' }), rule('any.#', 'queue')];

describe('a queue of this node', () => {
  it('accepts once a message is on the disk, and gives it to a consumer that comes later', () => {
    const { node, run, until } = simMesh(['a-b'], { shared });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('credit', () => publisher.credit >= 3);
    for (const text of numbered(3)) publisher.send(text);
    expect(publisher.outcomes.size).toBe(0);
    until('accepted', () => publisher.outcomes.size === 3);
    expect(publisher.results).toEqual([OUTCOME.accepted, OUTCOME.accepted, OUTCOME.accepted]);
    const consumer = new SimConsumer(node('b'), 'jobs.x');
    run(100);
    expect(consumer.confirmed).toEqual([]);
    expect(consumer.got).toEqual(numbered(3));
    expect(node('b').running.queues.find('jobs.x')?.view().depth).toBe(0);
  });

  it('puts on the disk what comes and what is settled with the turn in which it came, not at the next tick', () => {
    const { node, run, until } = simMesh(['a-b'], { shared });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    const consumer = new SimConsumer(node('b'), 'jobs.x');
    consumer.confirming = true;
    // More than credit changes at: what that brings asks for a turn by itself.
    until('credit', () => publisher.credit >= 10);
    for (let n = 1; n <= 10; n++) {
      publisher.send(`${n}`);
      run(30);
      expect([publisher.outcomes.size, consumer.settled.length]).toEqual([n, n]);
    }
  });

  it('keeps what it accepted over a crash, and marks what may have been delivered', () => {
    const { node, run, until } = simMesh(['a-b'], { shared });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('credit', () => publisher.credit >= 3);
    const first = new SimConsumer(node('b'), 'jobs.x', { credit: 1 });
    first.holding = true;
    for (const text of numbered(3)) publisher.send(text);
    until('accepted', () => publisher.outcomes.size === 3 && first.got.length === 1);
    node('b').kill();
    run(500);
    node('b').start();
    const consumer = new SimConsumer(node('b'), 'jobs.x');
    until('all', () => consumer.got.length === 3);
    expect(consumer.got).toEqual(numbered(3));
    expect(consumer.redelivered.get(0)).toBe(1);
  });

  it('does not give back what was settled', () => {
    const { node, run, until } = simMesh(['a-b'], { shared });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('credit', () => publisher.credit >= 3);
    const consumer = new SimConsumer(node('b'), 'jobs.x');
    consumer.confirming = true;
    for (const text of numbered(3)) publisher.send(text);
    until('settled', () => consumer.settled.length === 3);
    node('b').kill();
    run(500);
    node('b').start();
    const again = new SimConsumer(node('b'), 'jobs.x');
    run(1_000);
    expect(again.got).toEqual([]);
  });

  it('answers a drain once nothing waits', () => {
    const { node, run, until } = simMesh(['a-b'], { shared });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('credit', () => publisher.credit >= 3);
    const consumer = new SimConsumer(node('b'), 'jobs.x', { credit: 10 });
    run(10);
    for (const text of numbered(3)) publisher.send(text);
    consumer.drain();
    until('drained', () => consumer.drained === 1);
    expect(consumer.got).toEqual(numbered(3));
  });
});

describe('a queue of another node', () => {
  it('is told to the whole mesh once it is made, and takes messages from everywhere', () => {
    const { node, until } = simMesh(['a-b', 'b-c'], { shared });
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit >= 3);
    for (const text of numbered(3)) publisher.send(text);
    until('accepted', () => publisher.outcomes.size === 3);
    expect([...new Set(publisher.results)]).toEqual([OUTCOME.accepted]);
    until('known', () => [...node('c').running.queueHomes()].length === 1);
    expect([...node('c').running.queueHomes()]).toEqual([['jobs.x', 'b']]);
    const consumer = new SimConsumer(node('c'), 'jobs.x');
    until('all', () => consumer.got.length === 3);
    expect(consumer.got).toEqual(numbered(3));
    until('gone', () => node('b').running.queues.find('jobs.x')?.view().depth === 0);
  });

  it('without a rule that says where is made where it is first used', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    const publisher = new SimPublisher(node('c'), 'any.x');
    until('credit', () => publisher.credit >= 1);
    publisher.send('m0');
    run(500);
    const consumer = new SimConsumer(node('a'), 'any.x');
    until('it', () => consumer.got.length === 1);
    expect([...node('a').running.queueHomes()]).toEqual([['any.x', 'c']]);
  });

  it('stores each put once, whenever its home is killed', () => {
    const { node, run, until, time } = simMesh(['a-b', 'b-c'], { shared });
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    for (let kill = 0; kill < 10; kill++) {
      until('credit', () => publisher.credit > 0);
      const end = time.now + 40 + kill * 3;
      while (time.now < end) {
        publisher.sendAll((n) => `m${n}`, 5);
        run(3);
      }
      node('b').kill();
      run(300);
      node('b').start();
    }
    until('answers', () => publisher.outcomes.size === publisher.sent);
    expect(publisher.sent).toBeGreaterThan(100);
    expect([...new Set(publisher.results)]).toEqual([OUTCOME.accepted]);
    const consumer = new SimConsumer(node('c'), 'jobs.x');
    until('all', () => consumer.got.length >= publisher.sent);
    run(1_000);
    expect(consumer.got).toEqual(numbered(publisher.sent));
  });

  it('has no more under way to its home than is agreed', () => {
    const { node, run, until } = simMesh(['a-b'], { shared });
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit > 0);
    node('b').stall(1_000);
    for (let n = 0; n < 40; n++) {
      publisher.sendAll(() => 'x'.repeat(50_000));
      run(5);
    }
    expect(publisher.sent * 50_000).toBeLessThan(4 * 1024 * 1024);
    until('answers', () => publisher.outcomes.size === publisher.sent);
  });
});

describe('homes', () => {
  it('that two nodes claim are named at both until they are one, at the node of the lower name', () => {
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'b-c'], { shared });
    mesh.cut(wire('a', 'b'));
    run(3_000);
    const publishers = ['a', 'c'].map((name) => new SimPublisher(node(name), 'any.x'));
    until('credit', () => publishers.every(({ credit }) => credit > 0));
    for (const publisher of publishers) publisher.send(`of ${publisher.node.name}`);
    until('accepted', () => publishers.every(({ outcomes }) => outcomes.size === 1));
    const left = new SimConsumer(node('c'), 'any.x', { credit: 0 });
    mesh.heal(wire('a', 'b'));
    const conflicts = (): string[] => ['a', 'b', 'c'].map((name) => node(name).running.conflicts().join());
    const both = `queue 'any.x' is at a and c; that of a holds`;
    until('named', () => conflicts().every((told) => told === both));
    until('one', () => conflicts().every((told) => told === ''));
    left.give(2);
    until('both', () => left.got.length === 2);
    expect([left.gone, left.got]).toEqual([null, ['of a', 'of c']]);
  });
});

describe('a temporary queue', () => {
  it('is used from everywhere, and gone with its owner', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    const space = node('a').running.addresses;
    const reply = space.temporary('queue');
    expect(reply.kind).toBe('queue');
    const own = new SimConsumer(node('a'), reply.name);
    const far = new SimPublisher(node('c'), reply.name);
    until('credit', () => far.credit > 0);
    far.send('m0');
    until('it', () => own.got.length === 1 && far.outcomes.size === 1);
    expect(far.results).toEqual([OUTCOME.accepted]);
    const other = new SimConsumer(node('c'), reply.name);
    until('attached', () => other.confirmed !== null);
    space.dropTemporary(reply);
    run(500);
    expect(own.gone).not.toBeNull();
    expect(other.gone).not.toBeNull();
    far.send('m1');
    run(500);
    expect(far.results[1]).toBe(OUTCOME.rejected);
  });
});
