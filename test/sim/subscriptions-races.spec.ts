import { OUTCOME } from '../../src/streams/contract';
import { numbered, simMesh } from './address-meshes';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

const shared = [rule('news.#', 'topic')];
const limits = { startHoldMs: 1_000, partitionHoldMs: 4_000 };

describe('subscriptions that are changed at several nodes at once', () => {
  it('made at two nodes, it lives at one, and gets each message of then on once', () => {
    const { node, until, run, mesh } = simMesh(['a-b', 'b-c'], { shared, limits, latencyMs: 20 });
    const options = { owner: null, shared: true };
    const first = ['a', 'c'].map((name) => subscriber(node(name), 'news.#', options));
    run(3_000);
    for (const each of mesh.nodes) expect([...each.running.queueHomes()]).toEqual([['$sub//sub', 'a']]);
    const back = first.map((one, n) =>
      one.gone === null ? one : subscriber(node(n === 0 ? 'a' : 'c'), 'news.#', options),
    );
    until('confirmed', () => back.every(({ confirmed }) => confirmed !== null));
    const publisher = topicPublisher(node('b'), 'news.sport');
    until('credit', () => publisher.credit > 9);
    for (const text of numbered(10)) publisher.send(text);
    const got = (): string[] => back.flatMap((one) => one.got);
    until('all', () => got().length === 10);
    run(2_000);
    expect(got().sort()).toEqual(numbered(10));
  });

  it('ended and made again while messages come, it gets none from before, and none is without an outcome', () => {
    const { node, until, run } = simMesh(['a-b', 'b-c'], { shared, limits, latencyMs: 20 });
    const publisher = topicPublisher(node('b'), 'news.sport');
    until('credit', () => publisher.credit > 0);
    for (let round = 0; round < 8; round++) {
      const at = round % 2 === 0 ? 'a' : 'c';
      const consumer = subscriber(node(at), 'news.#', { credit: 3 });
      until('confirmed', () => consumer.confirmed !== null);
      const from = publisher.sent;
      for (let n = 0; n < 20; n++) {
        publisher.sendAll((number) => String(number), 2);
        run(5);
      }
      until('three', () => consumer.got.length === 3);
      expect(consumer.got.map(Number)).toEqual([from, from + 1, from + 2]);
      consumer.close();
      let answer: string | null | undefined;
      node(at).running.addresses.unsubscribe(
        { name: 'sub', client: 'client' },
        (error) => (answer = error?.code ?? null),
      );
      until('ended', () => answer !== undefined);
      expect(answer).toBeNull();
      publisher.sendAll((number) => String(number), 3);
      // Whoever makes it again where its end is not known yet makes it where it was.
      run(round % 3 === 0 ? 0 : 300);
    }
    until('outcomes', () => publisher.outcomes.size === publisher.sent);
    expect(new Set(publisher.results)).toEqual(new Set([OUTCOME.accepted]));
  });

  it('many of them hold one topic, and each gets each message once', () => {
    const { node, until, run } = simMesh(['a-b'], { shared, limits });
    const all = Array.from({ length: 500 }, (_, n) =>
      subscriber(node(n % 2 === 0 ? 'a' : 'b'), 'news.#', { name: `s${n}` }),
    );
    until('confirmed', () => all.every(({ confirmed }) => confirmed !== null));
    const publisher = topicPublisher(node('a'), 'news.sport');
    until('credit', () => publisher.credit > 9);
    for (const text of numbered(10)) publisher.send(text);
    until('all', () => all.every(({ got }) => got.length === 10));
    run(1_000);
    for (const { got } of all) expect(got).toEqual(numbered(10));
  });

  it('is refused when its name is longer than a queue may have', () => {
    const { node, until } = simMesh(['a-b'], { shared, limits });
    expect(() => subscriber(node('a'), 'news.#', { name: 'ü'.repeat(1_000) })).toThrow(/queue name of more than/);
    const fits = subscriber(node('a'), 'news.#', { name: 'n'.repeat(4_000) });
    until('confirmed', () => fits.confirmed !== null);
    const elsewhere = subscriber(node('b'), 'news.#', { name: 'n'.repeat(4_000) });
    until('confirmed', () => elsewhere.confirmed !== null);
  });
});
