import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const shared = [rule('jobs.#', 'queue', { home: 'b' })];

/** A consumer at c that holds so many of the messages of a queue at b. */
function holding(credit: number, messages: number): SimMesh & { readonly consumer: SimConsumer } {
  const mesh = simMesh(['a-b', 'b-c'], { shared });
  const publisher = new SimPublisher(mesh.node('b'), 'jobs.x');
  mesh.until('credit', () => publisher.credit >= messages);
  const consumer = new SimConsumer(mesh.node('c'), 'jobs.x', { credit });
  consumer.holding = true;
  for (const text of numbered(messages)) publisher.send(text);
  mesh.until('some', () => consumer.got.length === credit);
  return { ...mesh, consumer };
}

describe('a consumer of a queue of another node', () => {
  it('gets no more than its credit, near or far', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('credit', () => publisher.credit >= 10);
    for (const text of numbered(10)) publisher.send(text);
    const consumer = new SimConsumer(node('c'), 'jobs.x', { credit: 4 });
    consumer.holding = true;
    run(1_000);
    expect(consumer.got).toEqual(numbered(4));
    expect(node('b').running.queues.find('jobs.x')?.view().acquired).toBe(4);
    consumer.give(3);
    run(1_000);
    expect(consumer.got).toEqual(numbered(7));
    consumer.settleHeld();
    run(1_000);
    expect(node('b').running.queues.find('jobs.x')?.view().depth).toBe(3);
  });

  it('gets its drain answered after all that there was', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('credit', () => publisher.credit >= 5);
    for (const text of numbered(5)) publisher.send(text);
    const consumer = new SimConsumer(node('c'), 'jobs.x', { credit: 10 });
    run(5);
    consumer.drain();
    until('drained', () => consumer.drained === 1);
    until('confirmed', () => consumer.confirmed !== null);
    consumer.drain();
    until('drained again', () => consumer.drained === 2);
    expect(consumer.got).toEqual(numbered(5));
  });

  it('gets what it gave back before a drain', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('credit', () => publisher.credit >= 1);
    publisher.send('m0');
    const consumer = new SimConsumer(node('c'), 'jobs.x', { credit: 1 });
    consumer.holding = true;
    until('it', () => consumer.got.length === 1);
    run(100);
    consumer.settleHeld(OUTCOME.released);
    consumer.give(1);
    consumer.drain();
    until('drained', () => consumer.drained === 1);
    expect(consumer.got).toEqual(['m0', 'm0']);
  });

  it('hears that its settlements are on the disk of the home', () => {
    const { node, until } = simMesh(['a-b', 'b-c'], { shared });
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit >= 5);
    const consumer = new SimConsumer(node('c'), 'jobs.x');
    consumer.confirming = true;
    for (const text of numbered(5)) publisher.send(text);
    until('confirmed', () => consumer.settled.length === 5);
    node('b').kill();
    node('b').start();
    const again = new SimConsumer(node('b'), 'jobs.x');
    until('again', () => again.confirmed !== null);
    expect(node('b').running.queues.find('jobs.x')?.view().depth).toBe(0);
  });

  it('gets no token a second time before what it stood for is confirmed', () => {
    const { node, until } = simMesh(['a-b'], { shared });
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    const consumer = new SimConsumer(node('a'), 'jobs.x');
    consumer.confirming = true;
    for (let sent = 0; sent < 100; sent++) {
      until('credit', () => publisher.credit > 0);
      publisher.send(`m${sent}`);
    }
    until('confirmed', () => consumer.settled.length === 100);
    expect(consumer.reused).toBe(0);
  });

  it('that leaves gives back what it has not settled, in its place', () => {
    const { node, run, until, consumer } = holding(4, 6);
    consumer.settleHeld(OUTCOME.accepted, 1);
    consumer.close();
    run(500);
    const next = new SimConsumer(node('a'), 'jobs.x');
    until('the rest', () => next.got.length === 5);
    expect(next.got).toEqual(numbered(6).slice(1));
    expect(next.redelivered.size).toBe(0);
  });

  it('whose client dies gives back what it has not settled as failed', () => {
    const { node, run, until, consumer } = holding(2, 3);
    consumer.close(true);
    run(500);
    const next = new SimConsumer(node('a'), 'jobs.x');
    until('all', () => next.got.length === 3);
    expect([...next.redelivered]).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  it('whose node dies gives back what it has not settled, marked', () => {
    const { node, run, until } = holding(2, 3);
    node('c').kill();
    run(500);
    node('c').start();
    until('given back', () => node('b').running.queues.find('jobs.x')?.view().acquired === 0);
    const next = new SimConsumer(node('a'), 'jobs.x');
    until('all', () => next.got.length === 3);
    expect(next.got).toEqual(numbered(3));
    expect([...next.redelivered.keys()]).toEqual([0, 1]);
  });

  it('is ended when the home restarts and it holds deliveries; without any it goes on', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('credit', () => publisher.credit >= 2);
    const holder = new SimConsumer(node('c'), 'jobs.x', { credit: 1 });
    holder.holding = true;
    for (const text of numbered(1)) publisher.send(text);
    until('it', () => holder.got.length === 1);
    const idle = new SimConsumer(node('c'), 'jobs.x');
    run(500);
    node('b').kill();
    run(300);
    node('b').start();
    until('ended', () => holder.gone !== null);
    expect(holder.gone).toBe('FL_QUEUE_INTERRUPTED');
    until('redelivered', () => idle.got.length === 1);
    expect(idle.gone).toBeNull();
    expect([...idle.redelivered.values()]).toEqual([1]);
  });

  it('waits for a home that is away, and is refused by name after a while', () => {
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'a-c'], { shared });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('made', () => [...node('a').running.queueHomes()].length === 1);
    mesh.cut(wire('a', 'b'));
    run(3_000);
    const patient = new SimConsumer(node('c'), 'jobs.x');
    run(5_000);
    expect([patient.confirmed, patient.gone]).toEqual([null, null]);
    mesh.heal(wire('a', 'b'));
    until('confirmed', () => patient.confirmed !== null);
    mesh.cut(wire('a', 'b'));
    run(3_000);
    const late = new SimConsumer(node('c'), 'jobs.x');
    run(10_100);
    expect(late.gone).toBe('FL_QUEUE_UNREACHABLE');
    publisher.publisher.close();
  });

  it('behind a partition keeps its deliveries up to the hold, and loses them visibly after it', () => {
    const limits = { partitionHoldMs: 5_000 };
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'b-c'], { shared, limits });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('credit', () => publisher.credit >= 2);
    const holder = new SimConsumer(node('c'), 'jobs.x', { credit: 1 });
    holder.holding = true;
    publisher.send('m0');
    until('it', () => holder.got.length === 1);
    mesh.cut(wire('b', 'c'));
    run(4_000);
    mesh.heal(wire('b', 'c'));
    run(3_000);
    holder.settleHeld();
    run(1_000);
    expect(holder.gone).toBeNull();
    expect(node('b').running.queues.find('jobs.x')?.view().depth).toBe(0);
    holder.give(1);
    publisher.send('m1');
    until('next', () => holder.got.length === 2);
    mesh.cut(wire('b', 'c'));
    run(10_000);
    const other = new SimConsumer(node('a'), 'jobs.x');
    until('again', () => other.got.length === 1);
    expect(other.got).toEqual(['m1']);
    expect([...other.redelivered.values()]).toEqual([1]);
    mesh.heal(wire('b', 'c'));
    until('ended', () => holder.gone !== null);
    expect(holder.gone).toBe('FL_QUEUE_INTERRUPTED');
  });

  it('gets large messages', () => {
    const { node, until } = simMesh(['a-b', 'b-c'], { shared });
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit > 0);
    const consumer = new SimConsumer(node('c'), 'jobs.x');
    const text = 'x'.repeat(300_000);
    publisher.sendLarge(text);
    publisher.send('m1');
    until('both', () => consumer.got.length === 2);
    expect(consumer.got).toEqual([text, 'm1']);
    until('accepted', () => publisher.outcomes.size === 2);
  });
});
