import { SimConsumer, SimPublisher, type PublisherOptions } from './address-clients';
import { simMesh } from './address-meshes';
import { subscriber } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

const shared = [
  rule('jobs.#', 'queue', { home: 'b', custody: 'ingress' }),
  rule('direct.#', 'queue', { home: 'b' }),
  rule('short.#', 'queue', { home: 'b', custody: 'ingress', ttlMs: 3_000 }),
  rule('news.#', 'topic'),
];
const WAYS = ['jobs.x', 'direct.x', 'news.x'] as const;

/** A message that waits for its home. */
function scene(address: string, options: PublisherOptions) {
  const sim = simMesh(['a-b', 'b-c'], { shared, limits: { partitionHoldMs: 20_000 } });
  const { node, until, run, mesh, wire } = sim;
  const isTopic = address.startsWith('news');
  if (isTopic) {
    const made = subscriber(node('b'), address);
    until('confirmed', () => made.confirmed !== null);
    made.close();
    run(500);
  }
  const hint = isTopic ? 'topic' : null;
  const publisher = new SimPublisher(node('a'), address, { ...options, hint, encoded: true });
  until('credit', () => publisher.credit > 4);
  mesh.cut(wire('a', 'b'));
  run(100);
  const heal = (): void => mesh.heal(wire('a', 'b'));
  const consume = (): SimConsumer => (isTopic ? subscriber(node('b'), address) : new SimConsumer(node('b'), address));
  return { ...sim, publisher, heal, consume };
}

describe('what a message has waited at another node counts', () => {
  it.each(WAYS)('to its time to live: %s', (address) => {
    const { publisher, run, heal, consume } = scene(address, { header: { ttl: 6_000 } });
    publisher.send('late');
    publisher.sendLarge('late, and large'.padEnd(100_000));
    run(5_000);
    publisher.send('timely');
    heal();
    run(2_500);
    const consumer = consume();
    run(1_000);
    expect(consumer.got).toEqual(['timely']);
  });

  it('the same over a restart of its own node', () => {
    const { publisher, node, run, heal, consume } = scene('jobs.x', { header: { ttl: 6_000 } });
    publisher.send('late');
    run(1_000);
    node('a').kill();
    run(4_000);
    node('a').start();
    heal();
    run(2_500);
    const consumer = consume();
    run(1_000);
    expect(consumer.got).toEqual([]);
  });

  it('to the time that the rule of its queue gives it', () => {
    const { publisher, run, heal, consume } = scene('short.x', {});
    publisher.send('late');
    run(2_000);
    publisher.send('timely');
    heal();
    run(1_500);
    const consumer = consume();
    run(1_000);
    expect(consumer.got).toEqual(['timely']);
  });

  it.each(WAYS)('to its delay: %s', (address) => {
    const { publisher, run, time, heal, consume, until } = scene(address, { delayMs: 6_000 });
    publisher.send('m0');
    publisher.sendLarge('m1'.padEnd(100_000));
    const sentAt = time.now;
    run(4_000);
    heal();
    const consumer = consume();
    run(sentAt + 5_900 - time.now);
    expect(consumer.got).toEqual([]);
    until('both', () => consumer.got.length === 2);
    expect(time.now - sentAt).toBeLessThan(7_000);
  });
});
