import { FairleadError } from '../../src/common/errors';
import { OUTCOME } from '../../src/streams/contract';
import type { SimConsumer, SimPublisher } from './address-clients';
import { simMesh, type SimMesh } from './address-meshes';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

const shared = [rule('news.#', 'topic')];
const QUEUE = '$sub/client/sub';
const NODES = ['a', 'b', 'c'];

/** Publishes at all nodes until the subscription of `b` is at `c`, and for a while after that. */
function moved(sim: SimMesh, queue = QUEUE): SimPublisher[] {
  const { node, run, until, time } = sim;
  const publishers = NODES.map((name) => topicPublisher(node(name), 'news.sport', name));
  until('credit', () => publishers.every(({ credit }) => credit > 3));
  let state = '';
  let end = Infinity;
  for (let at = 0; time.now < end && at < 20_000; at += 20) {
    for (const publisher of publishers)
      if (publisher.credit > 0) publisher.sendAll((n) => `${publisher.node.name}.${n}`, 1);
    run(20);
    if (at >= 100 && state !== 'moved') {
      state = node('b').running.relocation.rehome(queue, 'c').state;
      if (state === 'moved') end = time.now + 300;
    }
  }
  expect(state).toBe('moved');
  until('answers', () => publishers.every(({ outcomes, sent }) => outcomes.size === sent));
  for (const { results } of publishers) expect(new Set(results)).toEqual(new Set([OUTCOME.accepted]));
  return publishers;
}

function expectAll({ run, until }: SimMesh, publishers: readonly SimPublisher[], got: () => readonly string[]): void {
  const total = publishers.reduce((sum, { sent }) => sum + sent, 0);
  until('all', () => got().length >= total);
  run(2_000);
  for (const { node, sent } of publishers) {
    const mine = got().filter((text) => text.startsWith(`${node.name}.`));
    expect(new Set(mine).size).toBe(mine.length);
    expect(mine).toEqual(Array.from({ length: sent }, (_, n) => `${node.name}.${n}`));
  }
}

function made(sim: SimMesh, options: Parameters<typeof subscriber>[2] = {}): SimConsumer {
  const first = subscriber(sim.node('b'), 'news.#', options);
  sim.until('confirmed', () => first.confirmed !== null);
  return first;
}

describe('a subscription that moves under load', () => {
  it('keeps what its subscriber, who is away, will miss', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    made(sim).close();
    sim.run(300);
    const publishers = moved(sim);
    for (const name of NODES) expect([...sim.node(name).running.queueHomes()]).toEqual([[QUEUE, 'c']]);
    const again = subscriber(sim.node('a'), 'news.#');
    expectAll(sim, publishers, () => again.got);
    expect(sim.node('b').running.queues.stored).toEqual([]);
  });

  it.each(NODES)('goes on with its subscriber at %s', (at) => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    made(sim).close();
    sim.run(300);
    const consumer = subscriber(sim.node(at), 'news.#');
    sim.until('confirmed', () => consumer.confirmed !== null);
    const publishers = moved(sim);
    expectAll(sim, publishers, () => consumer.got);
    expect(consumer.gone).toBeNull();
  });

  it('goes on when it is shared', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    made(sim, { shared: true, owner: null }).close();
    sim.run(300);
    const consumers = ['a', 'c'].map((name) => subscriber(sim.node(name), 'news.#', { shared: true, owner: null }));
    sim.until('confirmed', () => consumers.every(({ confirmed }) => confirmed !== null));
    const publishers = moved(sim, '$sub//sub');
    const total = publishers.reduce((sum, { sent }) => sum + sent, 0);
    sim.until('all', () => consumers.reduce((sum, { got }) => sum + got.length, 0) >= total);
    sim.run(1_000);
    const all = consumers.flatMap(({ got }) => got);
    expect([all.length, new Set(all).size]).toEqual([total, total]);
    for (const { got } of consumers) for (const name of NODES) expectInOrder(got, name);
  });

  it('stays when it keeps nothing', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    made(sim, { shared: true, durable: false });
    const rehome = (): unknown => sim.node('b').running.relocation.rehome(`${QUEUE}/volatile`, 'c');
    expect(rehome).toThrow('keeps nothing');
  });

  describe.each(['b', 'c', 'a'])('while %s is killed', (victim) => {
    it.each(Array.from({ length: 30 }, (_, n) => n * 12))('%i ms after it was asked for', (ms) => {
      const sim = simMesh(['a-b', 'b-c', 'a-c'], { shared });
      const { node, run, until, time } = sim;
      made(sim).close();
      run(300);
      const publishers = NODES.map((name) => topicPublisher(node(name), 'news.sport', name));
      until('credit', () => publishers.every(({ credit }) => credit > 3));
      let killed = false;
      const publish = (): void => {
        for (const publisher of publishers)
          if (!(killed && publisher.node.name === victim) && publisher.credit > 0 && publisher.gone === null)
            publisher.sendAll((n) => `${publisher.node.name}.${n}`, 1);
      };
      const begin = time.now;
      let restarted = false;
      let end = Infinity;
      for (let at = 0; time.now < end && at < 4_000; at += 6) {
        publish();
        run(6);
        const now = time.now - begin;
        if (!killed && now >= 100 + ms) {
          killed = true;
          node(victim).kill();
        }
        if (killed && !restarted && now >= 400 + ms) {
          restarted = true;
          node(victim).start();
        }
        if (now >= 100 && end === Infinity && node('b').alive && isAskedFor(sim))
          end = restarted ? time.now + 500 : Infinity;
      }
      until('moved', () => node('b').alive && isAskedFor(sim));
      const living = publishers.filter(({ node: { name } }) => name !== victim);
      until('answers', () => living.every(({ outcomes, sent }) => outcomes.size === sent));
      const again = subscriber(node('a'), 'news.#');
      const wanted = publishers.flatMap(({ node: { name }, outcomes }) =>
        [...outcomes].flatMap(([n, outcome]) => (outcome === OUTCOME.accepted ? [`${name}.${n}`] : [])),
      );
      until('all', () => wanted.every((text) => again.got.includes(text)));
      run(2_000);
      expect(living.flatMap(({ results }) => results).every((outcome) => outcome === OUTCOME.accepted)).toBe(true);
      for (const name of NODES) expectInOrder(again.got, name);
      for (const name of NODES) expect([...node(name).running.queueHomes()]).toEqual([[QUEUE, 'c']]);
      expect(node('b').running.queues.stored).toEqual([]);
      expect(node('c').running.queues.stored).toEqual([QUEUE]);
    });
  });
});

/** Asks until it is so. */
function isAskedFor({ node }: SimMesh): boolean {
  const { running } = node('b');
  if (running.queues.stored.length === 0) return [...running.queueHomes()].some(([, home]) => home === 'c');
  try {
    return running.relocation.rehome(QUEUE, 'c').state === 'moved';
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    return false;
  }
}

/** Each once, and none before an older one. */
function expectInOrder(got: readonly string[], publisher: string): void {
  const numbers = got.filter((text) => text.startsWith(`${publisher}.`)).map((text) => Number(text.slice(2)));
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
}
