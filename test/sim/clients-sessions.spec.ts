import { OUTCOME } from '../../src/streams/contract';
import { clientMesh, NODES, opened, SimClient, will } from './clients.fixture';
import { subscriber, topicPublisher } from './subscriptions.fixture';

describe('a session', () => {
  it('follows its client to another node, with its subscriptions and state, and the old connection is told', () => {
    const sim = clientMesh();
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
    const sim = clientMesh();
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
    const sim = clientMesh();
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
    const sim = clientMesh();
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
    const sim = clientMesh();
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
    const sim = clientMesh();
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
    const sim = clientMesh();
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
    const sim = clientMesh();
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
    const sim = clientMesh();
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
    const sim = clientMesh();
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
    const sim = clientMesh();
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
    const sim = clientMesh();
    const limit = expect.objectContaining({ code: 'FL_SESSION_LIMIT' }) as Error;
    expect(() => new SimClient(sim.node('a'), { clientId: 'x'.repeat(2_000) })).toThrow(limit);
    expect(() => new SimClient(sim.node('a'), { will: will(0, { payload: Buffer.alloc(40_000) }) })).toThrow(limit);
    const client = opened(sim, 'a');
    expect(() => client.subscribe(...Array.from({ length: 3_000 }, (_, n) => `news.${n}`))).toThrow(limit);
    expect(() => client.open.saveState(Buffer.alloc(30_000))).toThrow(limit);
    expect(client.filters).toEqual([]);
  });
});
