import { OUTCOME } from '../../src/streams/contract';
import type { SimPublisher } from './address-clients';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

const shared = [rule('news.#', 'topic')];
const limits = { startHoldMs: 1_000, partitionHoldMs: 4_000 };

function send({ until }: SimMesh, publisher: SimPublisher, texts: readonly string[]): void {
  for (const text of texts) {
    until('credit', () => publisher.credit > 0);
    publisher.send(text);
  }
  until('outcomes', () => publisher.outcomes.size === publisher.sent);
  expect(new Set(publisher.results)).toEqual(new Set([OUTCOME.accepted]));
}

describe('while the home of a subscription is cut off', () => {
  it('what is published elsewhere is accepted, and there after the heal, in order and once', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared, limits });
    const { node, until, run, mesh, wire } = sim;
    const first = subscriber(node('c'), 'news.#');
    until('confirmed', () => first.confirmed !== null);
    const publisher = topicPublisher(node('a'), 'news.sport');
    send(sim, publisher, numbered(5));
    mesh.cut(wire('b', 'c'));
    run(8_000);
    send(sim, publisher, numbered(5, 'cut'));
    mesh.heal(wire('b', 'c'));
    until('all', () => first.got.length === 10);
    send(sim, publisher, ['last']);
    until('all', () => first.got.length === 11);
    run(1_000);
    expect(first.got).toEqual([...numbered(5), ...numbered(5, 'cut'), 'last']);
    expect(first.redelivered.size).toBe(0);
  });

  it('an ingress that restarts meanwhile accepts nothing into nothing (F32)', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared, limits });
    const { node, until, run, mesh, wire } = sim;
    const first = subscriber(node('c'), 'news.#');
    until('confirmed', () => first.confirmed !== null);
    mesh.cut(wire('b', 'c'));
    run(1_000);
    node('a').kill();
    run(200);
    node('a').start();
    const publisher = topicPublisher(node('a'), 'news.sport');
    send(sim, publisher, numbered(5));
    node('a').kill();
    run(200);
    node('a').start();
    run(3_000);
    mesh.heal(wire('b', 'c'));
    until('all', () => first.got.length === 5);
    expect(first.got).toEqual(numbered(5));
  });

  it('its subscriber is told so at another node, and there is no twin afterwards (F40)', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared, limits });
    const { node, until, run, mesh, wire } = sim;
    const first = subscriber(node('c'), 'news.#');
    until('confirmed', () => first.confirmed !== null);
    run(500);
    mesh.cut(wire('b', 'c'));
    run(8_000);
    expect(() => subscriber(node('a'), 'news.#')).toThrow(/lives at c, which is out of reach/);
    let ended: string | null | undefined;
    const ref = { name: 'sub', client: 'client' };
    node('a').running.addresses.unsubscribe(ref, (error) => (ended = error?.code ?? null));
    expect(ended).toBe('FL_SUBSCRIPTION_AWAY');
    mesh.heal(wire('b', 'c'));
    run(3_000);
    const roamed = subscriber(node('a'), 'news.#');
    until('confirmed', () => roamed.confirmed !== null);
    for (const each of mesh.nodes) expect([...each.running.queueHomes()]).toEqual([['$sub/client/sub', 'c']]);
    expect(first.gone).toBe('FL_QUEUE_STOLEN');
  });

  it('its consumer elsewhere goes on after the heal, and takes over from nobody who came meanwhile', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared, limits });
    const { node, until, run, mesh, wire } = sim;
    const made = subscriber(node('c'), 'news.#');
    until('confirmed', () => made.confirmed !== null);
    made.close();
    run(300);
    const early = subscriber(node('a'), 'news.#');
    until('confirmed', () => early.confirmed !== null);
    mesh.cut(wire('b', 'c'));
    run(8_000);
    mesh.heal(wire('b', 'c'));
    run(3_000);
    expect(early.gone).toBeNull();
    send(sim, topicPublisher(node('b'), 'news.sport'), ['x']);
    until('it comes', () => early.got.length === 1);
    mesh.cut(wire('b', 'c'));
    run(1_000);
    const late = subscriber(node('c'), 'news.#');
    until('confirmed', () => late.confirmed !== null);
    run(8_000);
    mesh.heal(wire('b', 'c'));
    run(3_000);
    expect(late.gone).toBeNull();
    expect(early.gone).not.toBeNull();
  });
});

describe('a subscription', () => {
  it('outlives a restart of every node at once', () => {
    const sim = simMesh(['a-b', 'b-c', 'a-c'], { shared, limits });
    const { node, until, run, mesh } = sim;
    const first = subscriber(node('c'), 'news.#', { queue: { selector: 'JMSPriority < 5' } });
    until('confirmed', () => first.confirmed !== null);
    first.close();
    send(sim, topicPublisher(node('a'), 'news.sport'), numbered(5));
    send(sim, topicPublisher(node('c'), 'news.sport'), numbered(5, 'home'));
    for (const each of mesh.nodes) each.kill();
    run(500);
    for (const each of mesh.nodes) each.start();
    const publisher = topicPublisher(node('b'), 'news.sport');
    send(sim, publisher, ['after']);
    const again = subscriber(node('a'), 'news.#', { queue: { selector: 'JMSPriority < 5' } });
    until('all', () => again.got.length === 11);
    run(1_000);
    expect([...again.got].sort()).toEqual([...numbered(5), ...numbered(5, 'home'), 'after'].sort());
  });

  it('gets each message once, whichever node is killed', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared, limits });
    const { node, until, run, time } = sim;
    for (const name of ['b', 'c']) {
      const made = subscriber(node(name), 'news.#', { name });
      until('confirmed', () => made.confirmed !== null);
      made.close();
    }
    run(500);
    const accepted: string[] = [];
    for (let kill = 0; kill < 9; kill++) {
      const publisher = topicPublisher(node('a'), 'news.sport');
      until('credit', () => publisher.credit > 0);
      const end = time.now + 60 + kill * 3;
      while (time.now < end) {
        publisher.sendAll((n) => `${kill}.${n}`, 4);
        run(4);
      }
      const victim = node(['a', 'b', 'c'][kill % 3] ?? 'a');
      if (victim.name !== 'a') until('answers', () => publisher.outcomes.size === publisher.sent);
      for (const [n, outcome] of publisher.outcomes) if (outcome === OUTCOME.accepted) accepted.push(`${kill}.${n}`);
      victim.kill();
      run(200);
      victim.start();
      run(kill % 2 === 0 ? 100 : 2_500);
    }
    expect(accepted.length).toBeGreaterThan(50);
    run(5_000);
    for (const name of ['b', 'c']) {
      const consumer = subscriber(node('a'), 'news.#', { name });
      until('all', () => accepted.every((text) => consumer.got.includes(text)));
      run(3_000);
      expect(new Set(consumer.got).size).toBe(consumer.got.length);
      const inOrder = consumer.got
        .map((text) => text.split('.').map(Number))
        .every(([round = 0, n = 0], at, all) => {
          const before = all[at - 1];
          return (
            before === undefined || (before[0] ?? 0) < round || ((before[0] ?? 0) === round && (before[1] ?? 0) < n)
          );
        });
      expect(inOrder).toBe(true);
    }
  });

  it('that was made on both sides of a partition lives at one of them by the same choice everywhere', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared, limits });
    const { node, until, run, mesh, wire } = sim;
    mesh.cut(wire('b', 'c'));
    run(8_000);
    const [one, other] = ['a', 'c'].map((name) => subscriber(node(name), 'news.#'));
    until('confirmed', () => [one, other].every((each) => each?.confirmed !== null));
    mesh.heal(wire('b', 'c'));
    run(3_000);
    for (const each of mesh.nodes) expect([...each.running.queueHomes()]).toEqual([['$sub/client/sub', 'a']]);
    // It went on there, where the other one of that name is.
    expect([one?.gone, other?.gone]).toEqual([null, 'FL_QUEUE_LOCKED']);
    send(sim, topicPublisher(node('c'), 'news.sport'), numbered(3));
    until('all', () => one?.got.length === 3);
  });
});

describe('limits of a subscription', () => {
  it.each(['dropOldest', 'reject'] as const)('%s', (overLimit) => {
    const bounded = [rule('news.#', 'topic', { maxDepth: 3, overLimit })];
    const sim = simMesh(['a-b'], { shared: bounded, limits });
    const { node, until, run } = sim;
    const first = subscriber(node('b'), 'news.#');
    until('confirmed', () => first.confirmed !== null);
    first.close();
    const away = topicPublisher(node('a'), 'news.sport');
    send(sim, away, numbered(5));
    run(1_000);
    const here = topicPublisher(node('b'), 'news.sport');
    until('credit', () => here.credit > 0);
    here.send('here');
    until('an outcome', () => here.outcomes.size === 1);
    const [view] = node('b').running.queues.views();
    expect(view).toMatchObject({ depth: 3, dropped: overLimit === 'reject' ? 2 : 3 });
    expect(here.results).toEqual([overLimit === 'reject' ? OUTCOME.rejected : OUTCOME.accepted]);
    if (overLimit === 'reject') expect(here.details.get(0)?.condition).toBe('amqp:resource-limit-exceeded');
    const again = subscriber(node('a'), 'news.#');
    until('all', () => again.got.length === 3);
    expect(again.got).toEqual(overLimit === 'reject' ? ['m0', 'm1', 'm2'] : ['m3', 'm4', 'here']);
  });
});

describe('a disk that does not keep up, or fails', () => {
  it('refuses what cannot be kept, and takes it again when it is mended', () => {
    const sim = simMesh(['a-b'], { shared, limits });
    const { node, until, run } = sim;
    const subscribers = ['a', 'b'].map((name) => subscriber(node(name), 'news.#', { name }));
    until('confirmed', () => subscribers.every(({ confirmed }) => confirmed !== null));
    const publisher = topicPublisher(node('a'), 'news.sport');
    until('credit', () => publisher.credit > 3);
    node('a').breakDisk('full');
    publisher.send('full');
    until('an outcome', () => publisher.outcomes.size === 1);
    expect(publisher.details.get(0)?.condition).toBe('amqp:resource-limit-exceeded');
    node('a').mendDisk();
    publisher.send('ok');
    until('an outcome', () => publisher.outcomes.size === 2);
    run(1_000);
    expect(publisher.outcomes.get(1)).toBe(OUTCOME.accepted);
    for (const { got } of subscribers) expect(got).toEqual(['ok']);
  });
});
