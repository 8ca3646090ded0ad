import { SimConsumer, SimPublisher, type ConsumerOptions } from './address-clients';
import { numbered, simMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const ALONE = { exclusive: true };
const shared = [rule('jobs.#', 'queue', { home: 'b' }), rule('one.#', 'queue', { home: 'b', exclusive: true })];

function line() {
  return simMesh(['a-b', 'b-c'], { shared, limits: { partitionHoldMs: 60_000 } });
}
type Line = ReturnType<typeof line>;

/** A consumer at c of a queue at b that holds what it was given. */
function holder({ node, until }: Line, address: string, credit: number): SimConsumer {
  const publisher = new SimPublisher(node('a'), address);
  until('credit', () => publisher.credit >= 5);
  for (const text of numbered(5)) publisher.send(text);
  until('accepted', () => publisher.outcomes.size === 5);
  const consumer = new SimConsumer(node('c'), address, { credit, queue: ALONE });
  consumer.holding = true;
  until('attached', () => consumer.confirmed !== null);
  until('given', () => consumer.got.length === Math.min(credit, 5));
  return consumer;
}

describe('a queue at b whose only consumer, at c, closes', () => {
  const places = ['a', 'b', 'c'] as const;
  const credits = [0, 3] as const;
  const cases = places.flatMap((place) => credits.map((credit) => [place, credit] as const));

  it.each(cases)(
    'is there at once for who attaches at %s, although %d deliveries are on their way back',
    (place, held) => {
      for (const address of ['jobs.x', 'one.x']) {
        const mesh = line();
        const { node, until } = mesh;
        const former = holder(mesh, address, held);
        former.close();
        const options: ConsumerOptions = { queue: address === 'jobs.x' ? ALONE : {} };
        const next = new SimConsumer(node(place), address, options);
        until('all', () => next.gone !== null || next.got.length === 5);
        expect([next.gone, next.got]).toEqual([null, numbered(5)]);
        expect(node('b').running.queues.find(address)?.view().consumers).toBe(1);
      }
    },
  );

  it('goes to the first who has waited for it, and is refused to the other', () => {
    const mesh = line();
    const { node, until } = mesh;
    holder(mesh, 'one.x', 3).close();
    const others = places.map((place) => new SimConsumer(node(place), 'one.x'));
    until('all', () => others.every(({ gone, confirmed }) => gone !== null || confirmed !== null));
    expect(others.map(({ gone }) => gone).filter((gone) => gone === 'FL_QUEUE_LOCKED')).toHaveLength(2);
  });
});

describe('a queue at b whose only consumer, at c, stays', () => {
  it.each(['a', 'b', 'c'] as const)('is refused to who attaches at %s as soon as that is known', (place) => {
    const mesh = line();
    const { node, until, run } = mesh;
    holder(mesh, 'one.x', 3);
    const next = new SimConsumer(node(place), 'one.x');
    run(500);
    expect([next.gone, next.confirmed]).toEqual(['FL_QUEUE_LOCKED', null]);
    const looks = new SimConsumer(node(place), 'one.x', { queue: { browse: true } });
    until('all', () => looks.got.length === 2);
  });

  it.each(['a', 'b'] as const)('and cannot be asked, is refused to who attaches at %s after a while', (place) => {
    const mesh = line();
    const { node, run, wire } = mesh;
    holder(mesh, 'one.x', 3);
    mesh.mesh.cut(wire('b', 'c'));
    run(2_000);
    const next = new SimConsumer(node(place), 'one.x');
    run(3_000);
    expect([next.gone, next.confirmed]).toEqual([null, null]);
    run(3_000);
    expect(next.gone).toBe('FL_QUEUE_LOCKED');
  });

  it.each(['a', 'b'] as const)('and is waited for, is left alone by who attaches at %s and closes again', (place) => {
    const mesh = line();
    const { node, run, wire } = mesh;
    const first = holder(mesh, 'one.x', 3);
    mesh.mesh.cut(wire('b', 'c'));
    run(2_000);
    new SimConsumer(node(place), 'one.x').close();
    run(6_000);
    mesh.mesh.heal(wire('b', 'c'));
    run(3_000);
    expect(first.gone).toBeNull();
    expect(node('b').running.queues.find('one.x')?.view().consumers).toBe(1);
  });
});
