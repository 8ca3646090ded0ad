import { FairleadError } from '../../src/common/errors';
import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, type SimPublisher } from './address-clients';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

const shared = [rule('news.#', 'topic')];

function send(sim: SimMesh, publisher: SimPublisher, texts: readonly string[]): void {
  for (const text of texts) {
    sim.until('credit', () => publisher.credit > 0);
    publisher.send(text);
  }
}

function accepted({ outcomes, sent }: SimPublisher): boolean {
  return outcomes.size === sent && [...outcomes.values()].every((outcome) => outcome === OUTCOME.accepted);
}

function codeOf(error: Error | null): string | undefined {
  return error instanceof FairleadError ? error.code : undefined;
}

describe('a durable subscription', () => {
  it('keeps what its subscriber missed, in order, and is served from any node', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, until, run } = sim;
    const first = subscriber(node('b'), 'news.#');
    until('confirmed', () => first.confirmed !== null);
    expect(first.confirmed).toEqual([]);
    const publisher = topicPublisher(node('a'), 'news.sport');
    send(sim, publisher, numbered(5));
    until('all', () => first.got.length === 5);
    first.close();
    send(sim, publisher, numbered(5, 'missed'));
    until('accepted', () => accepted(publisher));
    run(500);
    const roamed = subscriber(node('c'), 'news.#');
    until('what was missed', () => roamed.got.length === 5);
    send(sim, publisher, ['last']);
    until('and what comes', () => roamed.got.length === 6);
    run(1_000);
    expect(first.got).toEqual(numbered(5));
    expect(roamed.got).toEqual([...numbered(5, 'missed'), 'last']);
    expect(node('a').running.addresses.findSubscription({ name: 'sub', client: 'client' })).toMatchObject({
      home: 'b',
      filter: 'news.#',
      durable: true,
      shared: false,
    });
  });

  it('leaves it to plain subscribers beside it to want nothing of their own client, large or small', () => {
    const sim = simMesh(['a-b'], { shared });
    const { node, until, run } = sim;
    const kept = subscriber(node('b'), 'news.#');
    const plain = (client: string): SimConsumer =>
      new SimConsumer(node('a'), 'news.#', { client, queue: { noLocal: true } });
    const [own, other] = [plain('publisher'), plain('other')];
    until('confirmed', () => kept.confirmed !== null && own.confirmed !== null && other.confirmed !== null);
    const publisher = topicPublisher(node('a'), 'news.sport');
    send(sim, publisher, ['small']);
    publisher.sendLarge('large'.padEnd(100_000, '.'));
    until('all', () => kept.got.length === 2);
    run(500);
    expect([own.got.length, other.got.length]).toEqual([0, 2]);
  });

  it('misses nothing from its confirmation on, wherever it is published', () => {
    const sim = simMesh(['a-b', 'b-c', 'c-d'], { shared, latencyMs: 40 });
    const { node, until, run } = sim;
    const publishers = ['a', 'b', 'd'].map((name) => topicPublisher(node(name), 'news.sport'));
    run(500);
    const first = subscriber(node('a'), 'news.*');
    until('confirmed', () => first.confirmed !== null);
    publishers.forEach((publisher, n) => publisher.send(`p${n}`));
    until('all', () => first.got.length === 3);
    expect([...first.got].sort()).toEqual(['p0', 'p1', 'p2']);
  });

  it('costs a message to a topic that none holds nothing', () => {
    const sim = simMesh(['a-b'], { shared });
    const { node, until } = sim;
    const first = subscriber(node('b'), 'news.sport');
    until('confirmed', () => first.confirmed !== null);
    const other = topicPublisher(node('a'), 'news.weather');
    until('credit', () => other.credit > 0);
    other.send('x');
    expect(other.results).toEqual([OUTCOME.accepted]);
  });

  it('is one of many that each get a message once, at several homes and beside plain consumers', () => {
    const sim = simMesh(['a-b', 'b-c', 'a-c'], { shared });
    const { node, until, run } = sim;
    const all = ['a', 'b', 'c'].flatMap((name) =>
      ['one', 'two'].map((sub) => subscriber(node(name), 'news.#', { name: `${sub}-${name}` })),
    );
    until('confirmed', () => all.every(({ confirmed }) => confirmed !== null));
    const publisher = topicPublisher(node('a'), 'news.sport');
    send(sim, publisher, numbered(20));
    const large = publisher.sendLarge('L'.repeat(200_000));
    until('accepted', () => accepted(publisher));
    until('all', () => all.every(({ got }) => got.length === 21));
    run(1_000);
    for (const { got, redelivered } of all) {
      expect(got.slice().sort()).toEqual([...numbered(20), 'L'.repeat(200_000)].sort());
      expect(redelivered.size).toBe(0);
    }
    expect(publisher.outcomes.get(large)).toBe(OUTCOME.accepted);
  });

  it('selects by selector and by who has published', () => {
    const sim = simMesh(['a-b'], { shared });
    const { node, until, run } = sim;
    const choosy = subscriber(node('b'), 'news.#', { name: 'choosy', queue: { selector: 'JMSPriority > 5' } });
    const others = subscriber(node('b'), 'news.#', { name: 'others', owner: 'me', queue: { noLocal: true } });
    until('confirmed', () => [choosy, others].every(({ confirmed }) => confirmed !== null));
    const [mine, yours] = ['me', 'you'].map((client) => topicPublisher(node('a'), 'news.sport', client));
    send(sim, mine as SimPublisher, ['mine']);
    send(sim, yours as SimPublisher, ['yours']);
    until('one', () => others.got.length === 1);
    run(500);
    expect(others.got).toEqual(['yours']);
    expect(choosy.got).toEqual([]);
  });
});

describe('consumers of one subscription', () => {
  it('take over from each other, wherever they are, when it is not shared', () => {
    const { node, until, run } = simMesh(['a-b', 'b-c'], { shared });
    const first = subscriber(node('a'), 'news.#');
    until('confirmed', () => first.confirmed !== null);
    const second = subscriber(node('c'), 'news.#');
    until('taken over', () => first.gone !== null);
    until('confirmed', () => second.confirmed !== null);
    const third = subscriber(node('c'), 'news.#');
    until('taken over', () => second.gone !== null);
    run(1_000);
    expect([first.gone, second.gone, third.gone]).toEqual(['FL_QUEUE_STOLEN', 'FL_QUEUE_STOLEN', null]);
  });

  it('share it over two sites, each message once', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, until, run } = sim;
    const options = { owner: null, shared: true, credit: 100 };
    const all = ['a', 'c'].map((name) => {
      const one = subscriber(node(name), 'news.#', options);
      until('confirmed', () => one.confirmed !== null);
      return one;
    });
    const publisher = topicPublisher(node('b'), 'news.sport');
    send(sim, publisher, numbered(40));
    const got = (): string[] => all.flatMap((one) => one.got);
    until('all', () => got().length === 40);
    run(1_000);
    expect(got().sort()).toEqual(numbered(40).sort());
    for (const one of all) expect(one.got.length).toBeGreaterThan(5);
  });

  it('share one that keeps nothing, which goes with the last of them', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, until, run } = sim;
    const options = { owner: null, shared: true, durable: false, credit: 100 };
    const all = ['a', 'c'].map((name) => {
      const one = subscriber(node(name), 'news.#', options);
      until('confirmed', () => one.confirmed !== null);
      return one;
    });
    const publisher = topicPublisher(node('b'), 'news.sport');
    send(sim, publisher, numbered(40));
    const got = (): string[] => all.flatMap((one) => one.got);
    until('all', () => got().length === 40);
    for (const one of all) expect(one.got.length).toBeGreaterThan(5);
    for (const one of all) one.close();
    until('gone', () => [...node('b').running.addresses.subscriptions()].length === 0);
    send(sim, publisher, ['nobody']);
    const later = subscriber(node('b'), 'news.#', options);
    run(2_000);
    expect(later.got).toEqual([]);
  });

  it('are refused when one shares it and the other does not', () => {
    const { node, until } = simMesh(['a-b'], { shared });
    const first = subscriber(node('a'), 'news.#', { shared: true });
    until('confirmed', () => first.confirmed !== null);
    until('known', () => node('b').running.addresses.findSubscription({ name: 'sub', client: 'client' }) !== null);
    for (const name of ['a', 'b']) expect(() => subscriber(node(name), 'news.#')).toThrow(/is shared/);
  });
});

describe('a subscription that is asked for otherwise', () => {
  it.each(['a', 'b'])('is made anew at its home when nobody consumes it (%s)', (name) => {
    const sim = simMesh(['a-b'], { shared });
    const { node, until, run } = sim;
    const first = subscriber(node('a'), 'news.sport');
    until('confirmed', () => first.confirmed !== null);
    run(200);
    const refused = subscribeOtherwise();
    run(500);
    expect(refused).toBe('FL_SUBSCRIPTION_IN_USE');
    first.close();
    const publisher = topicPublisher(node('b'), 'news.sport');
    send(sim, publisher, ['old']);
    run(200);
    const second = subscriber(node(name), 'news.weather');
    until('confirmed', () => second.confirmed !== null);
    send(sim, topicPublisher(node('b'), 'news.weather'), ['new']);
    send(sim, publisher, ['no more']);
    until('one', () => second.got.length === 1);
    run(500);
    expect(second.got).toEqual(['new']);
    const homes = [...node('b').running.queueHomes()].map(([queue]) => queue);
    expect(homes).toEqual(['$sub/client/sub']);

    /** Here at once, elsewhere by the home's answer. */
    function subscribeOtherwise(): string | null {
      try {
        const other = subscriber(node(name), 'news.weather');
        run(500);
        return other.gone;
      } catch (error) {
        return (error as { code: string }).code;
      }
    }
  });
});

describe('unsubscribing', () => {
  it('ends a subscription from elsewhere, unless it is consumed', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, until, run } = sim;
    const ref = { name: 'sub', client: 'client' };
    const answers: (string | null)[] = [];
    const unsubscribe = (): void =>
      node('c').running.addresses.unsubscribe(ref, (error) => answers.push(error?.code ?? null));
    unsubscribe();
    const first = subscriber(node('a'), 'news.sport');
    until('confirmed', () => first.confirmed !== null);
    unsubscribe();
    until('in use', () => answers.length === 2);
    first.close();
    run(100);
    unsubscribe();
    until('ended', () => answers.length === 3);
    run(500);
    unsubscribe();
    expect(answers).toEqual(['FL_SUBSCRIPTION_UNKNOWN', 'FL_SUBSCRIPTION_IN_USE', null, 'FL_SUBSCRIPTION_UNKNOWN']);
    const publisher = topicPublisher(node('b'), 'news.sport');
    send(sim, publisher, ['x']);
    expect(publisher.results).toEqual([OUTCOME.accepted]);
    expect([...node('b').running.queueHomes()]).toEqual([]);
  });

  it.each(['a', 'b'])('ends one that dead letters at %s come from: they go back only to one that there is', (dlqAt) => {
    const rules = [rule('news.#', 'topic', { deadLetter: 'queue/dlq' }), rule('dlq', 'queue', { home: dlqAt })];
    const sim = simMesh(['a-b'], { shared: rules });
    const { node, until, run } = sim;
    const consumer = subscriber(node('b'), 'news.#');
    consumer.outcome = OUTCOME.rejected;
    until('confirmed', () => consumer.confirmed !== null);
    send(sim, topicPublisher(node('b'), 'news.x'), ['bad']);
    const depth = (): number => node(dlqAt).running.queues.find('dlq')?.view().depth ?? 0;
    until('a dead letter', () => depth() === 1);
    consumer.close();
    run(500);
    let ended: unknown;
    node('b').running.addresses.unsubscribe({ name: 'sub', client: 'client' }, (error) => (ended = error));
    until('the end', () => ended === null);
    run(500);
    const retry = (): unknown[] => {
      const told: unknown[] = [];
      node(dlqAt)
        .running.queues.find('dlq')
        ?.retryDead(10, (count, error) => told.push(count, codeOf(error)));
      until('told', () => told.length > 0);
      return told;
    };
    expect([retry(), depth()]).toEqual([[0, 'FL_QUEUE_NOT_TAKEN'], 1]);
    const again = subscriber(node('b'), 'news.#');
    until('confirmed', () => again.confirmed !== null);
    run(500);
    expect(retry()).toEqual([1, undefined]);
    until('it', () => again.got.length === 1);
  });
});

describe('a consumer elsewhere that has gone', () => {
  it('does not hold up the end of its subscription, or a change, while its last outcomes are on their way', () => {
    const sim = simMesh(['a-b'], { shared, latencyMs: 50 });
    const { node, until, run } = sim;
    const made = subscriber(node('a'), 'news.#');
    until('confirmed', () => made.confirmed !== null);
    made.close();
    run(500);
    const { addresses } = node('b').running;
    const consume = (filter: string): void => {
      const consumer = subscriber(node('b'), filter);
      consumer.holding = true;
      until('confirmed', () => consumer.confirmed !== null);
      send(sim, topicPublisher(node('a'), 'news.sport'), ['x', 'y']);
      until('both', () => consumer.held.length === 2);
      consumer.settleHeld();
      consumer.close();
    };
    consume('news.#');
    const changed = subscriber(node('b'), 'news.*');
    until('confirmed', () => changed.confirmed !== null);
    changed.close();
    consume('news.*');
    let answer: string | null | undefined;
    addresses.unsubscribe({ name: 'sub', client: 'client' }, (error) => (answer = error?.code ?? null));
    until('answered', () => answer !== undefined);
    expect(answer).toBeNull();
    run(1_000);
    expect(node('a').running.queues.views()).toEqual([]);
  });
});

describe('names that begin as the mesh uses them', () => {
  it.each(['$sub/client/sub', 'queue://$durable/a', 'topic/$sub/x'])('are refused to clients: %s', (address) => {
    const { node } = simMesh(['a-b'], { shared });
    const { addresses } = node('a').running;
    expect(() => addresses.resolve(address, null)).toThrow(/the mesh's own/);
    expect(() => topicPublisher(node('a'), address)).toThrow(/the mesh's own/);
    expect(() => subscriber(node('a'), address)).toThrow(/the mesh's own/);
  });
});
