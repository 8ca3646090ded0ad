import { SPACE } from '../../src/queues/spaces';
import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const shared = [rule('any.#', 'queue'), rule('kept.#', 'queue', { custody: 'ingress' })];

/** A mesh of three, cut between a and b, where a and c have made a queue each and put messages into it. */
function twins(messages = 5, queue = 'any.x'): SimMesh {
  const sim = simMesh(['a-b', 'b-c'], { shared });
  const { node, run, until, mesh, wire } = sim;
  mesh.cut(wire('a', 'b'));
  run(3_000);
  const publishers = ['a', 'c'].map((name) => new SimPublisher(node(name), queue));
  until('credit', () => publishers.every(({ credit }) => credit >= messages));
  for (const publisher of publishers) for (const text of numbered(messages, publisher.node.name)) publisher.send(text);
  until('accepted', () => publishers.every(({ outcomes }) => outcomes.size === messages));
  return sim;
}

function conflicts({ node }: SimMesh): readonly string[] {
  return ['a', 'b', 'c'].flatMap((name) => node(name).running.conflicts());
}

const isOne = (sim: SimMesh): boolean =>
  conflicts(sim).length === 0 &&
  ['a', 'b', 'c'].every((name) => [...sim.node(name).running.queueHomes()].join() === 'any.x,a') &&
  sim.node('c').running.queues.stored.length === 0 &&
  sim.node('a').running.queues.stored.join() === 'any.x';

describe('a queue that two nodes have made', () => {
  it('is one again once they see each other: the lower name has it, with what the other one had behind its own', () => {
    const sim = twins();
    const { node, until, mesh, wire, run } = sim;
    const left = new SimConsumer(node('c'), 'any.x', { credit: 0 });
    mesh.heal(wire('a', 'b'));
    until('named in health', () => conflicts(sim).includes("queue 'any.x' is at a and c; that of a holds"));
    until('one', () => isOne(sim));
    left.give(100);
    until('all', () => left.got.length === 10);
    run(1_000);
    expect(left.got).toEqual([...numbered(5, 'a'), ...numbered(5, 'c')]);
    expect([left.gone, left.redelivered.size]).toEqual([null, 0]);
  });

  it('takes what its publishers send on, and nothing of it twice', () => {
    const sim = twins();
    const { node, until, mesh, wire, run, time } = sim;
    const publisher = new SimPublisher(node('b'), 'any.x');
    mesh.heal(wire('a', 'b'));
    const end = time.now + 3_000;
    while (time.now < end) {
      publisher.sendAll((n) => `b${n}`, 3);
      run(11);
    }
    until('one', () => isOne(sim));
    until('accepted', () => publisher.outcomes.size === publisher.sent);
    const consumer = new SimConsumer(node('c'), 'any.x');
    const all = [...numbered(5, 'a'), ...numbered(5, 'c'), ...numbered(publisher.sent, 'b')];
    until('all', () => consumer.got.length >= all.length);
    run(1_000);
    expect([...consumer.got].sort()).toEqual(all.sort());
    expect(consumer.got.filter((text) => text.startsWith('b'))).toEqual(numbered(publisher.sent, 'b'));
    expect(new Set(publisher.results)).toEqual(new Set([OUTCOME.accepted]));
  });

  it('is named in health when what the one that gives way has cannot be read, and tried again each minute', () => {
    const sim = twins();
    const { node, until, mesh, wire, run, time } = sim;
    const { records } = node('c');
    const damaged = records.last(SPACE.messages, 1);
    records.damage(SPACE.messages, 1, damaged);
    mesh.heal(wire('a', 'b'));
    until('named in health', () => conflicts(sim).some((text) => text.includes('cannot be read as a whole')));
    run(1_000);
    const before = time.events;
    run(10_000);
    // Nothing but what links and nodes say to each other all the time.
    expect(time.events - before).toBeLessThan(1_500);
    const consumer = new SimConsumer(node('c'), 'any.x');
    until('what the other one has', () => consumer.got.length === 5);
    expect(consumer.got).toEqual(numbered(5, 'a'));
    expect(node('c').running.queues.stored).toEqual(['any.x']);
  });

  // It takes some 100 ms from when they see each other.
  describe.each(['a', 'b', 'c'])('while %s is killed', (name) => {
    it.each(Array.from({ length: 24 }, (_, n) => n * 5))('%i ms after they can see each other', (ms) => {
      const sim = twins();
      const { node, until, mesh, wire, run } = sim;
      mesh.heal(wire('a', 'b'));
      until('seen', () => conflicts(sim).length > 0);
      run(ms);
      node(name).kill();
      run(300);
      node(name).start();
      until('one', () => isOne(sim));
      const consumer = new SimConsumer(node('b'), 'any.x');
      until('all', () => consumer.got.length >= 10);
      run(1_000);
      expect(consumer.got).toEqual([...numbered(5, 'a'), ...numbered(5, 'c')]);
    });
  });
});

describe.each(['any.x', 'kept.x'])('what publishers of the one that gives way send on: %s', (queue) => {
  /** Sends from nodes of its side all the time. @param act told the virtual ms since they can see each other */
  function send(act: (sim: SimMesh, ms: number) => void, forMs = 1_500): void {
    const sim = twins(1, queue);
    const { node, until, mesh, wire, run, time } = sim;
    const publishers = ['b', 'c'].map((name) => new SimPublisher(node(name), queue));
    until('credit', () => publishers.every(({ credit }) => credit > 0));
    const sendSome = (): void => {
      for (const publisher of publishers)
        if (publisher.node.alive && publisher.gone === null) publisher.sendAll((n) => `${publisher.node.name}-${n}`, 2);
    };
    for (let n = 0; n < 20; n++) {
      sendSome();
      run(3);
    }
    mesh.heal(wire('a', 'b'));
    let seenAt = Infinity;
    for (const end = time.now + 5_000; time.now < Math.min(end, seenAt + forMs); run(3)) {
      if (seenAt === Infinity && conflicts(sim).length > 0) seenAt = time.now;
      if (seenAt < Infinity) act(sim, time.now - seenAt);
      sendSome();
    }
    until('all are up', () => ['a', 'b', 'c'].every((name) => node(name).alive));
    until('one', () => [...node('a').running.queueHomes()].join() === `${queue},a` && conflicts(sim).length === 0);
    run(6_000);
    const consumer = new SimConsumer(node('a'), queue);
    run(3_000);
    for (const publisher of publishers) {
      const mine = consumer.got.filter((text) => text.startsWith(`${publisher.node.name}-`));
      const numbers = mine.map((text) => Number(text.split('-')[1]));
      expect(numbers).toEqual([...new Set(numbers)].sort((x, y) => x - y));
      for (const [n, outcome] of publisher.outcomes) if (outcome === OUTCOME.accepted) expect(numbers).toContain(n);
      expect(publisher.outcomes.size).toBeGreaterThan(10);
    }
  }

  it('comes behind what they sent before', () => send(() => undefined));

  it.each(Array.from({ length: 16 }, (_, n) => n * 9))(
    'once, when that node dies %i ms after they see each other',
    (ms) => {
      let killed = false;
      send(({ node, time }, since) => {
        if (killed || since < ms) return;
        killed = true;
        node('c').kill();
        time.after(400, () => node('c').start());
      });
    },
  );
});
