import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const QUEUE = [rule('jobs.#', 'queue', { home: 'b' })];
const HOLD_MS = 5_000;
/** Deliveries that the client has, and those that have not left the home when the way to it ends. */
const SHOWN = 3;
const WAITING = 2;

/** How a client's way to its queue at b ends while it has deliveries; its node is c, or b itself. */
const ENDS: readonly (readonly [how: string, at: string, end: (sim: SimMesh) => void])[] = [
  ['its node is killed', 'c', ({ node }) => node('c').kill()],
  [
    'its node is killed and is back at once',
    'c',
    ({ node }) => {
      node('c').kill();
      node('c').start();
    },
  ],
  [
    'its node is cut off for longer than the hold',
    'c',
    ({ mesh, wire, run }) => {
      mesh.cut(wire('b', 'c'));
      run(HOLD_MS + 7_000);
    },
  ],
  [
    'its node is cut off, and killed in that time',
    'c',
    ({ mesh, wire, run, node }) => {
      mesh.cut(wire('b', 'c'));
      run(2_000);
      node('c').kill();
      node('c').start();
      mesh.heal(wire('b', 'c'));
    },
  ],
  ['the home is killed', 'c', restartHome],
  ['the home is killed', 'b', restartHome],
  ['the queue moves', 'c', move],
  ['the queue moves', 'b', move],
  ['the rule makes it another kind for a while', 'c', changeKind],
  ['the rule makes it another kind for a while', 'b', changeKind],
];

function restartHome({ node }: SimMesh): void {
  node('b').kill();
  node('b').start();
}

function move({ node, until }: SimMesh): void {
  let state = '';
  until('moved', () => {
    if (state !== 'moved') state = node('b').running.relocation.rehome('jobs.x', 'a').state;
    return state === 'moved';
  });
}

function changeKind({ mesh, run }: SimMesh): void {
  for (const each of mesh.nodes) each.running.setRules([rule('jobs.#', 'topic')], 'topic');
  run(500);
  for (const each of mesh.nodes) each.running.setRules(QUEUE, 'topic');
  run(500);
}

/** What a consumer was told to have been delivered before. */
function markedOf({ got, redelivered }: SimConsumer): string[] {
  return [...redelivered.keys()].map((at) => got[at] as string);
}

describe('what a client had when its way to the queue ended', () => {
  it.each(ENDS)('comes to another one in its order, marked, and nothing else is: %s, client at %s', (how, at, end) => {
    const sim = simMesh(['a-b', 'b-c'], { shared: QUEUE, limits: { partitionHoldMs: HOLD_MS } });
    const { node, until, run } = sim;
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit >= SHOWN + WAITING);
    for (const text of numbered(SHOWN + WAITING)) publisher.send(text);
    until('accepted', () => publisher.outcomes.size === SHOWN + WAITING);
    const client = new SimConsumer(node(at), 'jobs.x', { credit: SHOWN });
    client.holding = true;
    until('shown', () => client.got.length === SHOWN);
    run(1_000);
    end(sim);
    const other = new SimConsumer(node('a'), 'jobs.x');
    until('all', () => other.got.length === SHOWN + WAITING);
    run(1_000);
    expect([...other.got].sort()).toEqual(numbered(SHOWN + WAITING));
    expect(markedOf(other).slice(0, SHOWN)).toEqual(client.got);
    if (how !== 'the home is killed') expect(markedOf(other)).toHaveLength(SHOWN);
    expect(new Set(other.redelivered.values())).toEqual(new Set([1]));
  });

  it('is marked where the queue of the lower name has taken it over from the one that the client was at', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared: [rule('any.#', 'queue')] });
    const { node, until, mesh, wire, run } = sim;
    mesh.cut(wire('a', 'b'));
    run(3_000);
    const publishers = ['a', 'c'].map((name) => new SimPublisher(node(name), 'any.x'));
    until('credit', () => publishers.every(({ credit }) => credit >= 5));
    for (const publisher of publishers) for (const text of numbered(5, publisher.node.name)) publisher.send(text);
    until('accepted', () => publishers.every(({ outcomes }) => outcomes.size === 5));
    run(500);
    const clients = ['b', 'c'].map((name) => new SimConsumer(node(name), 'any.x', { credit: 2 }));
    for (const client of clients) client.holding = true;
    until('shown', () => clients.every(({ got }) => got.length === 2));
    mesh.heal(wire('a', 'b'));
    until('ended', () => clients.every(({ gone }) => gone === 'FL_QUEUE_MOVED'));
    const other = new SimConsumer(node('b'), 'any.x');
    until('all', () => other.got.length === 10);
    expect(markedOf(other).sort()).toEqual(clients.flatMap(({ got }) => got).sort());
  });
});

describe('what had not come to a client whose way to the queue ended', () => {
  it('is not marked where it certainly has not left the home', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared: QUEUE, limits: { partitionHoldMs: HOLD_MS } });
    const { node, until, run, mesh, wire } = sim;
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    const client = new SimConsumer(node('c'), 'jobs.x', { credit: 10 });
    client.holding = true;
    until('credit', () => publisher.credit >= 5 && client.confirmed !== null);
    mesh.cut(wire('b', 'c'));
    run(3_000);
    for (const text of numbered(5)) publisher.send(text);
    run(HOLD_MS + 7_000);
    const other = new SimConsumer(node('a'), 'jobs.x');
    until('all', () => other.got.length === 5);
    expect(other.redelivered.size).toBe(0);
  });

  it('is marked where it has, and may have come', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared: QUEUE, limits: { partitionHoldMs: HOLD_MS }, latencyMs: 50 });
    const { node, until, run } = sim;
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    const client = new SimConsumer(node('c'), 'jobs.x', { credit: 10 });
    until('credit', () => publisher.credit >= 5 && client.confirmed !== null);
    for (const text of numbered(5)) publisher.send(text);
    until('on its way', () => (node('b').running.queues.find('jobs.x')?.view().acquired ?? 0) === 5);
    node('c').kill();
    run(HOLD_MS + 7_000);
    const other = new SimConsumer(node('a'), 'jobs.x');
    until('all', () => other.got.length === 5);
    expect(client.got).toEqual([]);
    expect(other.redelivered.size).toBe(5);
  });
});
