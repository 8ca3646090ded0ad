import { numbered, simMesh } from './address-meshes';
import { ended } from './moving-subscriptions.fixture';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

const places = ['a', 'b', 'c'] as const;

/** A subscription at b, whose subscriber is at c. @param held deliveries that it has and does not settle */
function scene(held = 0) {
  const sim = simMesh(['a-b', 'b-c'], { shared: [rule('news.#', 'topic')], latencyMs: 20 });
  const { node, until, run } = sim;
  const made = subscriber(node('b'), 'news.#');
  until('made', () => made.confirmed !== null);
  made.close();
  run(500);
  const there = subscriber(node('c'), 'news.#');
  there.holding = true;
  until('attached', () => there.confirmed !== null);
  const publisher = topicPublisher(node('a'), 'news.sport');
  until('credit', () => publisher.credit >= held);
  for (const text of numbered(held)) publisher.send(text);
  until('given', () => there.got.length === held);
  return { ...sim, there };
}

describe('a subscription at b whose subscriber at c', () => {
  it.each(places.flatMap((at) => [0, 3].map((held) => [at, held] as const)))(
    'has just detached is ended by who asks at %s at once, although %i deliveries are on their way back',
    (at, held) => {
      const { node, until, mesh, run, there } = scene(held);
      there.close();
      const answer = ended(node(at));
      until('an answer', () => answer() !== undefined);
      expect(answer()).toBeNull();
      run(1_000);
      for (const each of mesh.nodes) expect([...each.running.queueHomes()]).toEqual([]);
    },
  );

  it.each(places)('is still there is in use for who asks at %s, as soon as that is known', (at) => {
    const { node, until, time, there } = scene(1);
    const from = time.now;
    const answer = ended(node(at));
    until('an answer', () => answer() !== undefined);
    expect([answer(), there.gone]).toEqual(['FL_SUBSCRIPTION_IN_USE', null]);
    expect(time.now - from).toBeLessThan(500);
  });
});
