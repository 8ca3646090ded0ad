import type { SessionSpec, SessionWill } from '../../src/addresses/client-contract';
import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer } from './address-clients';
import { simMesh, type SimMesh } from './address-meshes';
import { message, retainedAt, SimClient } from './clients.fixture';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

const shared = [rule('news.#', 'topic'), rule('gone.#', 'topic')];
const HOLD = { partitionHoldMs: 10_000 };
const NODES = ['a', 'b', 'c'];

const mesh = (): SimMesh => simMesh(['a-b', 'b-c'], { shared, limits: HOLD });

function will(delayMs = 0, more: Partial<SessionWill> = {}): SessionWill {
  return { address: 'topic/gone.c', payload: message('gone'), durable: false, retain: false, delayMs, ...more };
}

/** Wills as subscribers at all nodes get them. */
function watchers({ node, until }: SimMesh): string[][] {
  const got = NODES.map((): string[] => []);
  NODES.forEach((name, at) => {
    const consumer = new SimConsumer(node(name), 'gone.#', { client: `w${name}` });
    until('confirmed', () => consumer.confirmed !== null);
    got[at] = consumer.got;
  });
  return got;
}

function opened({ node, until }: SimMesh, at: string, spec: Partial<SessionSpec> = {}): SimClient {
  const client = new SimClient(node(at), spec);
  until('opened', () => client.session !== null || client.refused !== null);
  return client;
}

/** How often each watcher was told. */
const counts = (got: readonly string[][]): number[] => got.map(({ length }) => length);

describe('a session', () => {
  it('follows its client to another node, with its subscriptions and state, and the old connection is told', () => {
    const sim = mesh();
    const first = opened(sim, 'a');
    expect(first.open.present).toBe(false);
    first.subscribe('news.sport', 'news.#');
    first.lastState = Buffer.from('in flight');
    sim.run(500);
    const second = opened(sim, 'c');
    expect([first.taken, second.open.present, second.filters]).toEqual([
      'FL_SESSION_TAKEN',
      true,
      ['news.sport', 'news.#'],
    ]);
    expect(second.open.state.toString()).toBe('in flight');
    second.open.saveState(Buffer.from('further'));
    second.open.close(false);
    sim.run(500);
    const third = opened(sim, 'b');
    expect([third.open.present, third.open.state.toString(), second.taken]).toEqual([true, 'further', null]);
    first.open.close(true);
    first.open.setSubscriptions([]);
    sim.run(500);
    expect(third.taken).toBeNull();
    expect(sim.node('a').running.clientView()).toMatchObject({ sessions: 1, sessionsHere: 0, sessionsTaken: 1 });
  });

  it('is refused with a will that does not fit beside its subscriptions, before and after another node is told of them', () => {
    const sim = mesh();
    const first = opened(sim, 'a');
    const many = Array.from({ length: 150 }, (_, n) => `news.${'x'.repeat(90)}.${n}`);
    sim.run(500);
    first.subscribe(...many);
    const large = { will: will(0, { payload: Buffer.alloc(30_000) }) };
    expect(opened(sim, 'c', large).refused).toBe('FL_SESSION_LIMIT');
    sim.run(500);
    expect(() => new SimClient(sim.node('c'), large)).toThrow('subscriptions and will of a session take');
    expect(() => new SimClient(sim.node('a'), large)).toThrow('subscriptions and will of a session take');
    const second = opened(sim, 'c');
    expect([second.open.present, second.filters.length]).toEqual([true, 150]);
    second.open.close(false);
    expect(opened(sim, 'b', { ...large, clean: true }).open.present).toBe(false);
  });

  it('keeps what was learned after its connection, unless it is another one by now', () => {
    const sim = mesh();
    const first = opened(sim, 'a');
    first.open.saveLate(Buffer.from('too soon'));
    first.open.close(false);
    sim.run(500);
    first.open.saveLate(Buffer.from('late'));
    sim.run(500);
    const second = opened(sim, 'c');
    expect(second.open.state.toString()).toBe('late');
    first.open.saveLate(Buffer.from('too late'));
    second.open.close(false);
    sim.run(500);
    first.open.saveLate(Buffer.from('too late'));
    const third = opened(sim, 'a');
    first.open.saveLate(Buffer.from('too late'));
    expect(third.open.state.toString()).toBe('late');
    const fresh = opened(sim, 'a', { clean: true, expiryMs: 0 });
    fresh.open.close(false);
    sim.run(500);
    fresh.open.saveLate(Buffer.from('of nobody'));
    sim.run(500);
    expect(opened(sim, 'a').open.state.length).toBe(0);
  });

  it('has what it kept after its node was killed', () => {
    const sim = mesh();
    const first = opened(sim, 'a');
    first.subscribe('news.#');
    first.open.saveState(Buffer.from('kept'));
    sim.run(500);
    sim.node('a').kill();
    sim.run(1_000);
    expect(opened(sim, 'c').refused).toBe('FL_SESSION_UNAVAILABLE');
    sim.node('a').start();
    sim.run(3_000);
    const back = opened(sim, 'c');
    expect([back.open.present, back.filters, back.open.state.toString()]).toEqual([true, ['news.#'], 'kept']);
  });

  it('is one however many want it at once: the last to ask has it', () => {
    const sim = mesh();
    opened(sim, 'b').open.close(false);
    sim.run(500);
    const clients = ['a', 'c', 'b', 'a', 'c', 'b'].map((name) => new SimClient(sim.node(name)));
    sim.run(3_000);
    const having = clients.filter(({ session, taken }) => session !== null && taken === null);
    expect(having.length).toBe(1);
    for (const client of clients)
      if (client !== having[0]) expect(client.taken ?? client.refused).toBe('FL_SESSION_TAKEN');
  });

  it('cannot be had from behind a partition (F40), and is there again after it', () => {
    const sim = mesh();
    const { node, run } = sim;
    const first = opened(sim, 'a');
    first.subscribe('news.#');
    run(500);
    sim.mesh.cut(sim.wire('a', 'b'));
    run(3_000);
    const roaming = opened(sim, 'c');
    expect(roaming.refused).toBe('FL_SESSION_UNAVAILABLE');
    expect(first.taken).toBeNull();
    sim.mesh.heal(sim.wire('a', 'b'));
    run(3_000);
    const again = opened(sim, 'c');
    expect([again.open.present, again.filters, first.taken]).toEqual([true, ['news.#'], 'FL_SESSION_TAKEN']);
    expect([...node('b').running.addresses.subscriptions()]).toEqual([]);
  });

  it('made on both sides of a partition is one after it: the later, and of the other nothing is left', () => {
    const sim = mesh();
    const { node, run, until } = sim;
    sim.mesh.cut(sim.wire('a', 'b'));
    run(3_000);
    const first = opened(sim, 'a');
    first.subscribe('news.a', 'news.both');
    for (const filter of ['news.a', 'news.both']) {
      const consumer = subscriber(node('a'), filter, { name: filter, owner: 'c' });
      until('confirmed', () => consumer.confirmed !== null);
      first.onTakenOver = ((before) => () => {
        before();
        consumer.close();
      })(first.onTakenOver);
    }
    run(2_000);
    const second = opened(sim, 'c');
    expect(second.open.present).toBe(false);
    second.subscribe('news.both');
    const consumer = subscriber(node('c'), 'news.both', { name: 'news.both', owner: 'c' });
    until('confirmed', () => consumer.confirmed !== null);
    run(1_000);
    sim.mesh.heal(sim.wire('a', 'b'));
    until('taken', () => first.taken !== null);
    expect([first.taken, second.taken]).toEqual(['FL_SESSION_TAKEN', null]);
    run(20_000);
    for (const name of NODES)
      expect([...node(name).running.addresses.subscriptions()].map(({ name: filter }) => filter)).toEqual([
        'news.both',
      ]);
    expect(second.filters).toEqual(['news.both']);
  });

  it('ends in its time by the clock of its node, also after a restart, and its durable subscriptions with it', () => {
    const sim = mesh();
    const { node, run, until } = sim;
    const first = opened(sim, 'a', { expiryMs: 60_000 });
    first.subscribe('news.#');
    const consumer = subscriber(node('b'), 'news.#', { name: 'news.#', owner: 'c' });
    until('confirmed', () => consumer.confirmed !== null);
    consumer.close();
    first.open.close(false);
    run(30_000);
    node('a').kill();
    run(10_000);
    node('a').start();
    run(10_000);
    expect([...node('c').running.addresses.subscriptions()].length).toBe(1);
    run(30_000);
    expect([...node('c').running.addresses.subscriptions()]).toEqual([]);
    for (const name of NODES) expect(node(name).running.clientView()).toMatchObject({ sessions: 0 });
    expect(opened(sim, 'b').open.present).toBe(false);
  });

  it('ends with a clean start, before the new one begins', () => {
    const sim = mesh();
    const { node, run, until } = sim;
    const first = opened(sim, 'a');
    first.subscribe('news.#');
    first.open.saveState(Buffer.from('old'));
    const consumer = subscriber(node('a'), 'news.#', { name: 'news.#', owner: 'c' });
    until('confirmed', () => consumer.confirmed !== null);
    first.onTakenOver = () => consumer.close();
    run(500);
    const second = opened(sim, 'c', { clean: true });
    expect([first.taken, second.open.present, second.filters, second.open.state.length]).toEqual([
      'FL_SESSION_TAKEN',
      false,
      [],
      0,
    ]);
    run(500);
    expect([...node('b').running.addresses.subscriptions()]).toEqual([]);
  });

  it('that does not outlive its connection leaves nothing, and needs no node that is away', () => {
    const sim = mesh();
    const { node, run } = sim;
    const first = opened(sim, 'a', { expiryMs: 0 });
    run(500);
    expect(node('c').running.clientView().sessions).toBe(1);
    sim.mesh.cut(sim.wire('a', 'b'));
    run(3_000);
    const second = opened(sim, 'c', { expiryMs: 0 });
    expect(second.open.present).toBe(false);
    sim.mesh.heal(sim.wire('a', 'b'));
    run(5_000);
    expect([first.taken, second.taken]).toEqual(['FL_SESSION_TAKEN', null]);
    second.open.close(false);
    run(500);
    for (const name of NODES) expect(node(name).running.clientView().sessions).toBe(0);
  });

  it('keeps what it missed for the client that comes back elsewhere', () => {
    const sim = mesh();
    const { node, run, until } = sim;
    const first = opened(sim, 'a');
    first.subscribe('news.#');
    const consumer = subscriber(node('a'), 'news.#', { name: 'news.#', owner: 'c' });
    until('confirmed', () => consumer.confirmed !== null);
    consumer.close();
    first.open.close(false);
    const publisher = topicPublisher(node('b'), 'news.sport');
    until('credit', () => publisher.credit > 0);
    publisher.send('missed');
    until('accepted', () => publisher.results.includes(OUTCOME.accepted));
    const second = opened(sim, 'c');
    const [filter = ''] = second.filters;
    const again = subscriber(node('c'), filter, { name: filter, owner: 'c' });
    until('what it missed', () => again.got.length === 1);
    expect(again.from).toEqual(['topic/news.sport']);
    run(100);
  });

  it('has bounds, and says so', () => {
    const sim = mesh();
    const limit = expect.objectContaining({ code: 'FL_SESSION_LIMIT' }) as Error;
    expect(() => new SimClient(sim.node('a'), { clientId: 'x'.repeat(2_000) })).toThrow(limit);
    expect(() => new SimClient(sim.node('a'), { will: will(0, { payload: Buffer.alloc(40_000) }) })).toThrow(limit);
    const client = opened(sim, 'a');
    expect(() => client.subscribe(...Array.from({ length: 3_000 }, (_, n) => `news.${n}`))).toThrow(limit);
    expect(() => client.open.saveState(Buffer.alloc(30_000))).toThrow(limit);
    expect(client.filters).toEqual([]);
  });
});

describe('a will', () => {
  it('is published once where the connection is lost, and not after a farewell', () => {
    const sim = mesh();
    const got = watchers(sim);
    opened(sim, 'a', { will: will(0, { retain: true }) }).open.close(true);
    sim.run(1_000);
    expect(counts(got)).toEqual([1, 1, 1]);
    expect(retainedAt(sim.node('c'))).toEqual({ 'gone.c': 'gone' });
    opened(sim, 'a', { will: will() }).open.close(false);
    sim.run(20_000);
    expect(counts(got)).toEqual([1, 1, 1]);
  });

  it('waits for its delay, or the end of the session, and not for a client that is back in time', () => {
    const sim = mesh();
    const got = watchers(sim);
    opened(sim, 'a', { will: will(10_000) }).open.close(true);
    sim.run(5_000);
    const back = opened(sim, 'c', { will: will(10_000) });
    sim.run(20_000);
    expect(counts(got)).toEqual([0, 0, 0]);
    back.open.close(true);
    sim.run(9_000);
    expect(counts(got)).toEqual([0, 0, 0]);
    sim.run(3_000);
    expect(counts(got)).toEqual([1, 1, 1]);
    opened(sim, 'b', { expiryMs: 3_000, will: will(60_000) }).open.close(true);
    sim.run(6_000);
    expect(counts(got)).toEqual([2, 2, 2]);
  });

  it('of a connection that is taken over is published where it has no delay, or the session ends', () => {
    const sim = mesh();
    const got = watchers(sim);
    const first = opened(sim, 'a', { will: will() });
    const second = opened(sim, 'c', { will: will(60_000) });
    sim.run(1_000);
    expect([first.taken, counts(got)]).toEqual(['FL_SESSION_TAKEN', [1, 1, 1]]);
    const third = opened(sim, 'b', { will: will(60_000) });
    sim.run(1_000);
    expect([second.taken, counts(got)]).toEqual(['FL_SESSION_TAKEN', [1, 1, 1]]);
    opened(sim, 'a', { clean: true });
    sim.run(1_000);
    expect([third.taken, counts(got)]).toEqual(['FL_SESSION_TAKEN', [2, 2, 2]]);
  });

  it('of a connection that another one does not know of is published when it learns that, and once', () => {
    const sim = mesh();
    const got = watchers(sim);
    const first = opened(sim, 'a', { expiryMs: 0, will: will() });
    sim.run(1_000);
    sim.mesh.cut(sim.wire('a', 'b'));
    sim.run(3_000);
    // It knows of it, and publishes for it.
    opened(sim, 'c', { expiryMs: 0 });
    sim.run(1_000);
    expect(counts(got)).toEqual([0, 1, 1]);
    sim.mesh.heal(sim.wire('a', 'b'));
    sim.run(5_000);
    expect(first.taken).toBe('FL_SESSION_TAKEN');
    expect(counts(got)[1]).toBe(1);
  });

  it.each(['killed', 'killed and started again', 'away, and back with its client'])(
    'of a client whose node is %s is published once',
    (what) => {
      const sim = simMesh(['a-b', 'b-c', 'a-c'], { shared, limits: HOLD });
      const { node, run, until } = sim;
      const got = ['b', 'c'].map((name) => {
        const consumer = new SimConsumer(node(name), 'gone.#', { client: `w${name}` });
        until('confirmed', () => consumer.confirmed !== null);
        return consumer.got;
      });
      const client = opened(sim, 'a', { will: will(2_000) });
      run(1_000);
      if (what.startsWith('killed')) node('a').kill();
      else for (const other of ['b', 'c']) sim.mesh.cut(sim.wire('a', other));
      run(5_000);
      expect(counts(got)).toEqual([0, 0]);
      if (what === 'killed and started again') node('a').start();
      run(25_000);
      expect(counts(got)).toEqual([1, 1]);
      if (what === 'killed') node('a').start();
      if (what.startsWith('away')) for (const other of ['b', 'c']) sim.mesh.heal(sim.wire('a', other));
      run(30_000);
      expect(counts(got)).toEqual([1, 1]);
      const published = NODES.map((name) => node(name).running.clientView().willsPublished);
      if (what.startsWith('away'))
        expect([published.reduce((sum, one) => sum + one, 0), client.taken]).toEqual([1, null]);
    },
  );
});
