import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

const shared = [rule('jobs.#', 'queue', { home: 'b', custody: 'ingress' }), rule('news.#', 'topic')];
/** When the disk fails, after the first message was sent: while it is on its way, while it is written, and later. */
const TIMES = Array.from({ length: 24 }, (_, n) => 2 + n);

/** Sends on while the disk of the home fails, and for a while after that. @returns how many it sent */
function sendWhileFailing({ node, run, time }: SimMesh, publisher: SimPublisher, at: number, large: boolean): number {
  const from = time.now;
  while (time.now < from + 120) {
    if (time.now === from + at) node('b').breakDisk('failed');
    if (time.now === from + at + 3) node('b').mendDisk();
    if (publisher.credit > 1) {
      publisher.send(`m${publisher.sent}`);
      if (large && publisher.sent % 20 === 5) publisher.sendLarge(`m${publisher.sent}`.padEnd(100_000, ' '));
    }
    run(1);
  }
  return publisher.sent;
}

describe('what a home could not write comes again, and nothing newer before it', () => {
  describe.each([false, true])('large ones among it: %s', (large) => {
    it.each(TIMES)('a queue with custody of the ingress, %i ms on', (at) => {
      const sim = simMesh(['a-b', 'b-c'], { shared, seed: at });
      const consumer = new SimConsumer(sim.node('c'), 'jobs.x');
      const publisher = new SimPublisher(sim.node('a'), 'jobs.x');
      sim.until('credit', () => publisher.credit > 8 && consumer.confirmed !== null);
      const sent = sendWhileFailing(sim, publisher, at, large);
      sim.until('all', () => consumer.got.length >= sent);
      sim.run(3_000);
      expect(consumer.got.map((text) => text.trim())).toEqual(numbered(sent));
    });

    it.each(TIMES)('a subscription, %i ms on', (at) => {
      const sim = simMesh(['a-b', 'b-c'], { shared, seed: at });
      const consumer = subscriber(sim.node('b'), 'news.#');
      sim.until('confirmed', () => consumer.confirmed !== null);
      const publisher = topicPublisher(sim.node('a'), 'news.x');
      sim.until('credit', () => publisher.credit > 8);
      const sent = sendWhileFailing(sim, publisher, at, large);
      sim.until('all', () => consumer.got.length >= sent);
      sim.run(3_000);
      expect(consumer.got.map((text) => text.trim())).toEqual(numbered(sent));
    });
  });
});
