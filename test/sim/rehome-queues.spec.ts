import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const shared = [rule('jobs.#', 'queue', { home: 'b' }), rule('spooled.#', 'queue', { home: 'b', custody: 'ingress' })];

/** Asks for a move until it is over, as the command line does. */
function move(sim: SimMesh, from: string, queue: string, to: string): void {
  let state = '';
  sim.until(`${queue} is at ${to}`, () => {
    if (state !== 'moved') state = sim.node(from).running.relocation.rehome(queue, to).state;
    return state === 'moved';
  });
}

function homes(sim: SimMesh, at: string): (readonly [string, string])[] {
  return [...sim.node(at).running.queueHomes()];
}

describe('a queue that moves', () => {
  it('is at its new home with all that it held, and everybody finds it there', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, run, until } = sim;
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('accepted', () => {
      publisher.sendAll((n) => `m${n}`, Math.max(0, 20 - publisher.sent));
      return publisher.outcomes.size === 20;
    });
    move(sim, 'b', 'jobs.x', 'c');
    run(1_000);
    for (const name of ['a', 'b', 'c']) expect(homes(sim, name)).toEqual([['jobs.x', 'c']]);
    expect(node('b').running.queues.stored).toEqual([]);
    expect(node('c').running.queues.find('jobs.x')?.view().depth).toBe(20);
    publisher.send('m20');
    const consumer = new SimConsumer(node('a'), 'jobs.x');
    until('all', () => consumer.got.length === 21);
    expect(consumer.got).toEqual(numbered(21));
  });

  it('comes to a publisher whose large puts were on their way to it, and keeps what that one sends behind them', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, run, until } = sim;
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit > 0);
    const send = (): void => {
      if (publisher.credit === 0) return;
      if (publisher.sent % 12 === 5) publisher.sendLarge(`m${publisher.sent}`.padEnd(400_000, ' '));
      else publisher.send(`m${publisher.sent}`);
    };
    send();
    let state = '';
    until('the queue is there', () => node('b').running.queues.stored.length > 0);
    for (let left = 200; left > 0; run(1)) {
      if (state !== 'moved') state = node('b').running.relocation.rehome('jobs.x', 'a').state;
      else left--;
      send();
    }
    const consumer = new SimConsumer(node('a'), 'jobs.x', { credit: 1_000 });
    until('all', () => consumer.got.length === publisher.sent);
    expect(publisher.sent).toBeGreaterThan(50);
    expect(consumer.got.map((text) => text.trim())).toEqual(numbered(publisher.sent));
  });

  it.each(['a', 'b', 'c'])('takes along publishers and consumers at %s, who do not notice', (at) => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, run, until, time } = sim;
    const publisher = new SimPublisher(node(at), 'jobs.x');
    const consumer = new SimConsumer(node(at), 'jobs.x');
    consumer.confirming = true;
    const work = (ms: number): void => {
      const end = time.now + ms;
      while (time.now < end) {
        publisher.sendAll((n) => `m${n}`, 3);
        run(7);
      }
    };
    until('credit', () => publisher.credit >= 3);
    for (const [from, to] of [
      ['b', 'c'],
      ['c', 'a'],
      ['a', 'b'],
    ] as const) {
      work(200);
      const before = publisher.sent;
      let state = '';
      for (let n = 0; n < 500 && state !== 'moved'; n++) {
        state = node(from).running.relocation.rehome('jobs.x', to).state;
        work(20);
      }
      expect(state).toBe('moved');
      work(500);
      expect(publisher.sent).toBeGreaterThan(before);
    }
    until('answers', () => publisher.outcomes.size === publisher.sent && consumer.got.length >= publisher.sent);
    run(500);
    expect([consumer.gone, publisher.gone]).toEqual([null, null]);
    expect(consumer.got).toEqual(numbered(publisher.sent));
    expect(new Set(publisher.results)).toEqual(new Set([OUTCOME.accepted]));
    expect(new Set(consumer.settled).size).toBeGreaterThan(0);
    expect(consumer.settled).toHaveLength(publisher.sent);
  });

  it('is not kept from it by consumers that settle nothing: they are told', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, until } = sim;
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit >= 4);
    for (const text of numbered(4)) publisher.send(text);
    const holders = ['a', 'b'].map((name) => {
      const holder = new SimConsumer(node(name), 'jobs.x', { credit: 1 });
      holder.holding = true;
      return holder;
    });
    until('held', () => holders.every(({ got }) => got.length === 1));
    move(sim, 'b', 'jobs.x', 'c');
    until('told', () => holders.every(({ gone }) => gone === 'FL_QUEUE_MOVED'));
    const consumer = new SimConsumer(node('a'), 'jobs.x');
    until('all', () => consumer.got.length === 4);
    expect(consumer.got).toEqual(numbered(4));
    expect([...consumer.redelivered]).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  it('waits for what its consumers settle soon', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, run, until } = sim;
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit >= 4);
    for (const text of numbered(4)) publisher.send(text);
    const consumer = new SimConsumer(node('c'), 'jobs.x', { credit: 2 });
    consumer.holding = true;
    until('held', () => consumer.got.length === 2);
    node('b').running.relocation.rehome('jobs.x', 'c');
    run(2_000);
    consumer.settleHeld();
    consumer.give(2);
    move(sim, 'b', 'jobs.x', 'c');
    until('all', () => consumer.got.length === 4);
    expect(consumer.got).toEqual(numbered(4));
    expect([consumer.gone, consumer.redelivered.size]).toEqual([null, 0]);
  });

  it('stays where it is when its new home is out of reach, and is served there again', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, mesh, wire, run, until } = sim;
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit >= 4);
    for (const text of numbered(4)) publisher.send(text);
    const consumer = new SimConsumer(node('b'), 'jobs.x', { credit: 2 });
    until('two', () => consumer.got.length === 2);
    node('b').running.relocation.rehome('jobs.x', 'c');
    mesh.cut(wire('b', 'c'));
    run(5_000);
    expect(() => {
      until('over', () => node('b').running.relocation.rehome('jobs.x', 'c').state === 'moved');
    }).toThrow('out of reach');
    consumer.give(10);
    publisher.send('m4');
    until('all', () => consumer.got.length === 5);
    expect(consumer.got).toEqual(numbered(5));
    mesh.heal(wire('b', 'c'));
    run(3_000);
    move(sim, 'b', 'jobs.x', 'c');
    expect(homes(sim, 'a')).toEqual([['jobs.x', 'c']]);
  });

  it('says why it cannot', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, until } = sim;
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('credit', () => publisher.credit >= 1);
    publisher.send('m');
    const rehome = (to: string) => () => node('b').running.relocation.rehome('jobs.x', to);
    expect(rehome('z')).toThrow("no node is named 'z'");
    expect(rehome('b')).toThrow('lives here already');
    node('c').breakDisk('full');
    expect(() => move(sim, 'b', 'jobs.x', 'c')).toThrow('its disk is full');
    node('c').mendDisk();
    move(sim, 'b', 'jobs.x', 'c');
  });
});
