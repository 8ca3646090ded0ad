import { OUTCOME } from '../../src/streams/contract';
import { simMesh, type SimMesh } from './address-meshes';
import { asked, ended, homeAt, leftovers, Load, made, QUEUE } from './moving-subscriptions.fixture';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

const shared = [rule('news.#', 'topic')];
const limits = { startHoldMs: 1_000, partitionHoldMs: 4_000 };
const NODES = ['a', 'b', 'c'];
const FULL = ['a-b', 'b-c', 'a-c'];

function mesh(wires: readonly string[] = FULL): SimMesh {
  return simMesh(wires, { shared, limits });
}

/** A subscription at a with publishers everywhere, when c is cut off. */
function withoutC(): { readonly sim: SimMesh; readonly load: Load } {
  const sim = mesh();
  made(sim, 'a');
  const load = new Load(sim, NODES);
  load.steps(20);
  for (const other of ['a', 'b']) sim.mesh.cut(sim.wire('c', other));
  return { sim, load };
}

describe('a subscription that moves again and again', () => {
  it('keeps all, in order, from node to node and back', () => {
    const sim = mesh();
    made(sim, 'a');
    const load = new Load(sim, NODES);
    for (const to of ['b', 'c', 'a', 'c', 'b', 'a', 'b']) load.until(`at ${to}`, () => asked(sim, to));
    load.settle();
    const again = subscriber(sim.node('c'), 'news.#');
    load.expectAll(() => again.got);
    for (const name of NODES) expect(sim.node(name).running.queues.stored).toEqual(name === 'b' ? [QUEUE] : []);
    again.close();
    sim.run(500);
    const end = ended(sim.node('a'));
    sim.until('ended', () => end() !== undefined);
    expect(end()).toBeNull();
    sim.until('nothing left', () => leftovers(sim).length === 0);
  });

  it('goes on with consumers near and far, and one that takes over from another node', () => {
    const sim = mesh(['a-b', 'b-c']);
    made(sim, 'a');
    const load = new Load(sim, NODES);
    const near = subscriber(sim.node('a'), 'news.#');
    load.until('at c', () => asked(sim, 'c'));
    load.until('at b', () => asked(sim, 'b'));
    expect(near.gone).toBeNull();
    const roamed = subscriber(sim.node('c'), 'news.#');
    load.until('taken over', () => near.gone !== null && roamed.confirmed !== null);
    expect(near.gone).toBe('FL_QUEUE_STOLEN');
    load.until('at c', () => asked(sim, 'c'));
    load.settle();
    load.expectAll(() => [...near.got, ...roamed.got]);
  });
});

describe('a node that is away while a subscription moves', () => {
  it.each([0, 10, 40])('has its messages sent on, and in order when it is back in time (%i ms between)', (ms) => {
    const { sim, load } = withoutC();
    load.until('adopted', () => homeAt(sim.node('b')) === 'b' || asked(sim, 'b'));
    load.steps(150);
    sim.mesh.heal(sim.wire('c', 'a'));
    load.steps(ms);
    sim.mesh.heal(sim.wire('c', 'b'));
    load.until('at b', () => asked(sim, 'b'));
    load.steps(150);
    load.settle();
    const again = subscriber(sim.node('c'), 'news.#');
    load.expectAll(() => again.got);
    for (const name of NODES) expect(sim.node(name).running.counters().handoversCut).toBe(0);
  });

  it.each([false, true])(
    'loses and doubles nothing when it comes back later than it is waited for (killed: %p)',
    (killed) => {
      const { sim, load } = withoutC();
      load.until('at b', () => asked(sim, 'b'), 50);
      load.until('cut', () => sim.node('b').running.counters().handoversCut === 1, 50);
      load.until('moved', () => sim.node('a').running.queues.stored.length === 0, 50);
      if (killed) {
        load.steps(10);
        sim.node('c').kill();
        load.steps(100);
        sim.node('c').start();
        load.steps(150);
      }
      sim.mesh.heal(sim.wire('c', 'a'));
      load.steps(100, 10);
      sim.mesh.heal(sim.wire('c', 'b'));
      load.steps(150);
      load.settle();
      const again = subscriber(sim.node('c'), 'news.#');
      load.expectAll(() => again.got, false);
      sim.until('sent on', () => sim.node('a').running.queues.stored.length === 0);
    },
  );

  it('may have put for one that was ended meanwhile: nothing of that is left', () => {
    const { sim, load } = withoutC();
    load.until('at b', () => asked(sim, 'b'), 50);
    const end = ended(sim.node('a'));
    load.until('ended', () => end() !== undefined, 50);
    expect(end()).toBeNull();
    load.steps(100);
    for (const other of ['a', 'b']) sim.mesh.heal(sim.wire('c', other));
    load.steps(150);
    load.settle();
    sim.until('nothing left', () => leftovers(sim).length === 0);
    const again = subscriber(sim.node('c'), 'news.#');
    sim.until('confirmed', () => again.confirmed !== null);
    sim.run(2_000);
    expect(again.got).toEqual([]);
  });

  it('may know of no more than where it went', () => {
    // Wires of c are slow towards b, so that what a tells comes well before what b does: then a is cut off.
    const sim = mesh();
    made(sim, 'a');
    const load = new Load(sim, NODES);
    load.steps(20);
    sim.wire('b', 'c').quality.latencyMs = 400;
    sim.mesh.cut(sim.wire('a', 'c'));
    load.until('at b', () => asked(sim, 'b'));
    load.steps(200);
    load.settle();
    const again = subscriber(sim.node('c'), 'news.#');
    load.expectAll(() => again.got);
  });
});

describe('a subscription that is ended while it moves', () => {
  describe.each(['a', 'b', 'c'])('by the word of %s', (name) => {
    it.each(Array.from({ length: 20 }, (_, n) => n * 8))('%i ms after it was asked for', (ms) => {
      const sim = mesh();
      made(sim, 'a');
      const load = new Load(sim, NODES);
      load.steps(10);
      asked(sim, 'b');
      load.steps(ms / 4, 4);
      const end = ended(sim.node(name));
      load.until('answered', () => end() !== undefined);
      expect(end()).toBeNull();
      load.steps(50);
      load.settle();
      sim.until('nothing left', () => leftovers(sim).length === 0);
      const again = subscriber(sim.node(name), 'news.#');
      sim.until('confirmed', () => again.confirmed !== null);
      sim.run(1_000);
      expect(again.got).toEqual([]);
      const publisher = topicPublisher(sim.node('c'), 'news.sport');
      sim.until('credit', () => publisher.credit > 0);
      publisher.send('new');
      sim.until('it comes', () => again.got.length === 1);
      expect(again.got).toEqual(['new']);
    });

    it.each(Array.from({ length: 10 }, (_, n) => 10 + n * 16))(
      '%i ms after that, while its old home is killed',
      (ms) => {
        const sim = mesh();
        made(sim, 'a');
        const load = new Load(sim, ['b', 'c']);
        load.steps(10);
        asked(sim, 'b');
        load.steps(ms / 2, 2);
        sim.node('a').kill();
        const isThere = homeAt(sim.node('b')) === 'b';
        load.steps(20);
        if (name === 'a') sim.node('a').start();
        const end = ended(sim.node(name));
        load.until('answered', () => end() !== undefined, 20);
        if (name !== 'a') {
          load.steps(20);
          sim.node('a').start();
        }
        // Who has only just started may not reach the others yet.
        if (isThere && name !== 'a') expect(end()).toBeNull();
        let again = end;
        load.until(
          'ended',
          () => {
            if (again() !== undefined && again() !== null && again() !== 'FL_SUBSCRIPTION_UNKNOWN')
              again = ended(sim.node(name));
            return again() === null || again() === 'FL_SUBSCRIPTION_UNKNOWN';
          },
          20,
        );
        load.settle();
        sim.until('nothing left', () => leftovers(sim).length === 0);
      },
    );
  });
});

describe('a subscription that has moved', () => {
  it('is made anew with another selector, and gets nothing of what was put for the former one', () => {
    const { sim, load } = withoutC();
    load.until('at b', () => asked(sim, 'b'), 50);
    load.steps(10);
    const other = subscriber(sim.node('a'), 'news.#', { queue: { selector: 'JMSPriority = 9' } });
    sim.until('confirmed', () => other.confirmed !== null);
    sim.mesh.heal(sim.wire('c', 'a'));
    load.steps(200);
    sim.mesh.heal(sim.wire('c', 'b'));
    load.steps(150);
    load.settle();
    sim.run(2_000);
    expect(other.got).toEqual([]);
    const high = topicPublisher(sim.node('c'), 'news.sport');
    sim.until('stored where it lives alone', () => leftovers(sim).filter((text) => text.includes('has')).length === 1);
    sim.until('credit', () => high.credit > 0);
  });

  it('takes what transactions of before put, once they are committed', () => {
    const sim = mesh();
    made(sim, 'a');
    const works = NODES.map((name) => {
      const publisher = topicPublisher(sim.node(name), 'news.sport', name);
      sim.until('credit', () => publisher.credit > 2);
      const transaction = sim.node(name).running.addresses.beginTransaction();
      for (let n = 0; n < 2; n++) publisher.sendWithin(transaction, `${name}.${n}`);
      return { publisher, transaction, done: false };
    });
    const load = new Load(sim, NODES, 'news.other');
    load.until('at b', () => asked(sim, 'b'));
    for (const work of works) work.transaction.commit((error) => (work.done = error === null));
    load.until('committed', () => works.every(({ done }) => done));
    load.settle();
    const again = subscriber(sim.node('b'), 'news.#');
    const wanted = [
      ...load.accepted,
      ...works.flatMap(({ publisher: { node } }) => [`${node.name}.0`, `${node.name}.1`]),
    ];
    sim.until('all', () => again.got.length >= wanted.length);
    sim.run(1_000);
    expect([...again.got].sort()).toEqual(wanted.sort());
  });

  it('and was made on both sides of a partition becomes one', () => {
    const sim = mesh(['a-b', 'b-c', 'c-d']);
    const { node, wire } = sim;
    sim.mesh.cut(wire('b', 'c'));
    sim.run(8_000);
    made(sim, 'a');
    made(sim, 'c');
    const load = new Load(sim, ['a', 'b', 'c', 'd']);
    load.steps(20);
    load.until('at b', () => asked(sim, 'b'));
    load.until('at d', () => node('d').running.queues.stored.includes(QUEUE) || moveTo(sim, 'c', 'd'));
    load.steps(50);
    sim.mesh.heal(wire('b', 'c'));
    load.until('one', () => ['a', 'b', 'c', 'd'].every((name) => homeAt(node(name)) === 'b'));
    load.until('alone', () => node('d').running.queues.stored.length === 0);
    load.steps(200);
    load.settle();
    const again = subscriber(node('a'), 'news.#');
    load.expectAll(() => again.got, false);
    again.close();
    load.until('at a', () => asked(sim, 'a'));
    const end = ended(node('d'));
    sim.until('ended', () => end() !== undefined);
    expect(end()).toBeNull();
    sim.until('nothing left', () => leftovers(sim).length === 0);
  });

  it('keeps large messages too', () => {
    const sim = mesh();
    made(sim, 'a');
    const publishers = NODES.map((name) => topicPublisher(sim.node(name), 'news.sport', name));
    sim.until('credit', () => publishers.every(({ credit }) => credit > 0));
    const bodies = new Set<string>();
    for (let moved = false, n = 0; !moved || n < 60; n++) {
      for (const publisher of publishers)
        if (publisher.credit > 0 && n % 3 === 0) {
          const text = `${publisher.node.name}.${n}`.padEnd(300_000, 'x');
          publisher.sendLarge(text);
          bodies.add(text);
        }
      sim.run(9);
      moved = n > 10 && (moved || asked(sim, 'b'));
      expect(n).toBeLessThan(3_000);
    }
    sim.until('outcomes', () => publishers.every(({ outcomes, sent }) => outcomes.size === sent));
    for (const { results } of publishers) expect(new Set(results)).toEqual(new Set([OUTCOME.accepted]));
    const again = subscriber(sim.node('c'), 'news.#');
    sim.until('all', () => again.got.length >= bodies.size);
    sim.run(1_000);
    expect(again.got.length).toBe(bodies.size);
    expect(new Set(again.got)).toEqual(bodies);
  });
});

/** Asks one node for it, whatever the others know. */
function moveTo({ node }: SimMesh, from: string, to: string): boolean {
  node(from).running.relocation.rehome(QUEUE, to);
  return false;
}
