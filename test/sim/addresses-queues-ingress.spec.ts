import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const shared = [rule('jobs.#', 'queue', { home: 'b', custody: 'ingress', maxDepth: 1_000 })];

describe('with custody of the ingress', () => {
  it('a message is accepted while the home is away, also over a restart, and comes in order, once', () => {
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'b-c'], { shared });
    const early = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => early.credit >= 5);
    for (const text of numbered(5)) early.send(text);
    until('accepted', () => early.outcomes.size === 5);
    mesh.cut(wire('a', 'b'));
    run(3_000);
    for (const text of numbered(5, 'cut')) early.send(text);
    until('accepted without the home', () => early.outcomes.size === 10);
    expect(new Set(early.results)).toEqual(new Set([OUTCOME.accepted]));
    node('a').kill();
    node('a').start();
    run(6_000);
    const late = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => late.credit >= 5);
    for (const text of numbered(5, 'late')) late.send(text);
    until('accepted after a restart', () => late.outcomes.size === 5);
    mesh.heal(wire('a', 'b'));
    const consumer = new SimConsumer(node('c'), 'jobs.x');
    until('all', () => consumer.got.length === 15);
    run(2_000);
    expect(consumer.got).toEqual([...numbered(5), ...numbered(5, 'cut'), ...numbered(5, 'late')]);
    expect(consumer.redelivered.size).toBe(0);
  });

  it('each message is stored once at its home, whichever of the two is killed', () => {
    const { node, run, until, time } = simMesh(['a-b', 'b-c'], { shared, limits: { startHoldMs: 500 } });
    const accepted: string[] = [];
    for (let kill = 0; kill < 8; kill++) {
      const publisher = new SimPublisher(node('a'), 'jobs.x');
      until('credit', () => publisher.credit > 0);
      const end = time.now + 60 + kill * 3;
      while (time.now < end) {
        publisher.sendAll((n) => `${kill}.${n}`, 4);
        run(4);
      }
      for (const [n, outcome] of publisher.outcomes) if (outcome === OUTCOME.accepted) accepted.push(`${kill}.${n}`);
      const victim = node(kill % 2 === 0 ? 'a' : 'b');
      if (victim.name === 'b') {
        until('answers', () => publisher.outcomes.size === publisher.sent);
        for (let n = 0; n < publisher.sent; n++) if (!accepted.includes(`${kill}.${n}`)) accepted.push(`${kill}.${n}`);
      }
      victim.kill();
      run(200);
      victim.start();
    }
    const consumer = new SimConsumer(node('c'), 'jobs.x');
    until('all', () => accepted.every((text) => consumer.got.includes(text)));
    run(3_000);
    expect(new Set(consumer.got).size).toBe(consumer.got.length);
    expect(accepted.length).toBeGreaterThan(50);
  });

  it('large messages are accepted, and kept, as the others are, and come in order with them', () => {
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'b-c'], { shared });
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit >= 5);
    mesh.cut(wire('a', 'b'));
    run(3_000);
    const large = (letter: string): string => letter.repeat(300_000);
    publisher.send('m0');
    publisher.sendLarge(large('x'));
    publisher.send('m1');
    publisher.sendLarge(large('y'));
    publisher.sendLarge('in parts, and small');
    until('accepted without the home', () => publisher.outcomes.size === 5);
    expect(new Set(publisher.results)).toEqual(new Set([OUTCOME.accepted]));
    node('a').kill();
    node('a').start();
    run(2_000);
    mesh.heal(wire('a', 'b'));
    const consumer = new SimConsumer(node('c'), 'jobs.x');
    until('all', () => consumer.got.length === 5);
    run(2_000);
    expect(consumer.got.map((text) => text.slice(0, 30))).toEqual(
      ['m0', large('x'), 'm1', large('y'), 'in parts, and small'].map((text) => text.slice(0, 30)),
    );
    expect(consumer.got.map(({ length }) => length)).toEqual([2, 300_000, 2, 300_000, 19]);
  });

  it('what the home has no room for is put again until it has', () => {
    const rules = [rule('jobs.#', 'queue', { home: 'b', custody: 'ingress', maxDepth: 2 })];
    const { node, run, until } = simMesh(['a-b'], { shared: rules });
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit >= 4);
    for (const text of numbered(4)) publisher.send(text);
    until('accepted', () => publisher.outcomes.size === 4);
    run(3_000);
    const consumer = new SimConsumer(node('b'), 'jobs.x');
    until('all', () => consumer.got.length === 4);
    run(3_000);
    expect(consumer.got).toEqual(numbered(4));
  });

  it('what is larger than all that the queue may hold is refused at once, and holds up nothing', () => {
    const rules = [rule('jobs.#', 'queue', { home: 'b', custody: 'ingress', maxBytes: 1_000, overLimit: 'reject' })];
    const { node, until } = simMesh(['a-b'], { shared: rules });
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit >= 3);
    publisher.send('m0');
    publisher.send('x'.repeat(2_000));
    publisher.sendLarge('y'.repeat(2_000));
    publisher.send('m1');
    until('outcomes', () => publisher.outcomes.size === 4);
    const { accepted, rejected } = OUTCOME;
    expect([0, 1, 2, 3].map((n) => publisher.outcomes.get(n))).toEqual([accepted, rejected, rejected, accepted]);
    const consumer = new SimConsumer(node('b'), 'jobs.x');
    until('both', () => consumer.got.length === 2);
    expect(consumer.got).toEqual(['m0', 'm1']);
  });
});
