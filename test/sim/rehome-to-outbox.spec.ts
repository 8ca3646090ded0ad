import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const shared = [
  rule('spooled.#', 'queue', { home: 'b', custody: 'ingress' }),
  rule('tight.#', 'queue', { home: 'b', custody: 'ingress', maxDepth: 5 }),
];

/** A queue that moves to `a`, whose outbox has what is for it. @param meanwhile done after each step */
function moved(sim: SimMesh, queue: string, meanwhile: () => void): void {
  let state = '';
  for (let step = 0; state !== 'moved'; step++) {
    if (step > 10_000) throw new Error('it does not move');
    state = sim.node('b').running.relocation.rehome(queue, 'a').state;
    meanwhile();
    sim.run(5);
  }
}

describe('a queue that moves to the node whose outbox holds what is for it', () => {
  it.each(Array.from({ length: 24 }, (_, n) => n * 5))(
    'keeps the order when the disk there fails %i ms later',
    (ms) => {
      for (const state of ['failed', 'full'] as const) {
        const sim = simMesh(['a-b', 'b-c'], { shared, seed: ms + 1 });
        const { node, run, until, time } = sim;
        const publisher = new SimPublisher(node('a'), 'spooled.x');
        const send = (count = 2): void => void publisher.sendAll((n) => `m${n}`, count);
        for (let n = 0; n < 10; n++) {
          send();
          run(5);
        }
        until('it is there', () => node('b').running.queues.stored.length > 0);
        const from = time.now;
        let isBroken = false;
        moved(sim, 'spooled.x', () => {
          send(1);
          if (time.now > from + 100 + ms && !isBroken) {
            node('a').breakDisk(state);
            isBroken = true;
            time.after(60, () => node('a').mendDisk());
          }
        });
        for (let n = 0; n < 20; n++) {
          send();
          run(5);
        }
        run(3_000);
        publisher.sendLarge('L'.repeat(100_000));
        send();
        until('answers', () => publisher.outcomes.size === publisher.sent);
        const consumer = new SimConsumer(node('c'), 'spooled.x');
        const accepted = [...publisher.outcomes].filter(([, outcome]) => outcome === OUTCOME.accepted).map(([n]) => n);
        until('all', () => consumer.got.length >= accepted.length);
        run(2_000);
        const got = consumer.got
          .map((text) => (text.startsWith('L') ? -1 : Number(text.slice(1))))
          .filter((n) => n >= 0);
        expect(got).toEqual([...new Set(got)].sort((x, y) => x - y));
        expect(consumer.got).toHaveLength(accepted.length);
      }
    },
  );

  it('keeps the order when it is full there', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, run, until } = sim;
    const publisher = new SimPublisher(node('a'), 'tight.x');
    until('accepted', () => {
      publisher.sendAll((n) => `m${n}`, 15 - publisher.sent);
      return publisher.outcomes.size === 15;
    });
    until('it is there', () => node('b').running.queues.stored.length > 0);
    moved(sim, 'tight.x', () => undefined);
    run(3_000);
    expect(node('a').running.queues.find('tight.x')?.view().depth).toBe(5);
    const consumer = new SimConsumer(node('c'), 'tight.x');
    until('all', () => consumer.got.length === 15);
    expect(consumer.got).toEqual(numbered(15));
  });
});
