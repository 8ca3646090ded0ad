import { SeededRandom } from '../../src/common/ports';
import { retain, retainedAt, SimClient, message } from './clients.fixture';
import { simMesh, type SimMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const SEEDS = 200;
const STEPS = 50;
const NODES = ['a', 'b', 'c'] as const;
const CLIENTS = ['one', 'two', 'three'] as const;
const WIRES = [
  ['a', 'b'],
  ['b', 'c'],
  ['a', 'c'],
] as const;
const shared = [rule('news.#', 'topic'), rule('gone.#', 'topic')];

/** A client that connects wherever the dice say; what it had before lasts until a node tells it otherwise. */
class RoamingClient {
  #connections: SimClient[] = [];

  constructor(
    private readonly sim: SimMesh,
    readonly id: string,
  ) {}

  connect(at: string, random: SeededRandom): void {
    const will = { address: `topic/gone.${this.id}`, payload: message('gone'), durable: false, retain: true };
    const connection = new SimClient(this.sim.node(at), {
      clientId: this.id,
      clean: random.chance(0.1),
      expiryMs: random.chance(0.2) ? 0 : 600_000,
      will: random.chance(0.5) ? { ...will, delayMs: random.below(3) * 2_000 } : null,
    });
    this.#connections.push(connection);
  }

  /** Connections that have the session. */
  get open(): readonly SimClient[] {
    return this.#connections.filter(({ session, taken }) => session !== null && taken === null);
  }

  lost(node: string): void {
    this.#connections = this.#connections.filter((one) => one.node.name !== node);
  }

  subscribe(filter: string): void {
    const connection = this.open.at(-1);
    if (connection === undefined || connection.filters.includes(filter)) return;
    const { open } = connection;
    // Nothing is kept for it: what is looked at is the session.
    open.setSubscriptions([...open.subscriptions, { filter, durable: null, options: Buffer.from([1]) }]);
  }

  leave(will: boolean): void {
    for (const { session } of this.open) session?.close(will);
    for (const { session, abandon } of this.#connections) if (session === null) abandon();
    this.#connections = [];
  }
}

/** What a node knows of sessions. */
function sessionsAt(sim: SimMesh, name: string): Record<string, unknown> {
  const { rows, next } = sim.node(name).running.clientRecords.sessions('', 1_000);
  expect(next).toBeNull();
  const told = rows.map(({ client, node, connected, expiryMs, endsAt, subscriptions, will }): [string, unknown] => [
    client,
    { node, connected, expiryMs, endsAt, will, subscriptions: subscriptions.map(({ filter }) => filter) },
  ]);
  return Object.fromEntries(told.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function run(seed: number): void {
  const random = new SeededRandom(seed);
  const sim = simMesh(['a-b', 'b-c', 'a-c'], { seed, shared, limits: { partitionHoldMs: 10_000 } });
  const clients = CLIENTS.map((id) => new RoamingClient(sim, id));
  const cut = (one: string, other: string, down: boolean): void => {
    const wire = sim.wire(one, other);
    if (down) sim.mesh.cut(wire);
    else sim.mesh.heal(wire);
  };
  for (let step = 0; step < STEPS; step++) {
    const name = NODES[random.below(3)] as string;
    const node = sim.node(name);
    const [one, other] = WIRES[random.below(3)] as readonly [string, string];
    const client = clients[random.below(3)] as RoamingClient;
    const what = random.below(16);
    if (what === 0) cut(one, other, true);
    else if (what === 1) cut(one, other, false);
    else if (what === 2 && node.alive) {
      node.kill();
      for (const lost of clients) lost.lost(name);
    } else if (what <= 4 && !node.alive) node.start();
    else if (what === 5) sim.run(15_000);
    else if (what <= 8 && node.alive) client.connect(name, random);
    else if (what <= 10) client.subscribe(`news.${random.below(4)}`);
    else if (what === 11) client.leave(random.chance(0.5));
    else if (node.alive) retain(node, `t${random.below(5)}`, random.chance(0.3) ? null : `${seed}.${step}`);
    sim.run(random.below(500));
  }
  for (const [one, other] of WIRES) cut(one, other, false);
  for (const name of NODES) if (!sim.node(name).alive) sim.node(name).start();
  sim.run(60_000);

  const [first, ...others] = NODES.map((name) => ({
    kept: retainedAt(sim.node(name)),
    sessions: sessionsAt(sim, name),
  }));
  for (const told of others) expect(told).toEqual(first);
  const here = NODES.map((name) => sim.node(name).running.clientView());
  for (const view of here) expect(view).toMatchObject({ partsBehind: 0, keysWaiting: 0, willsWaiting: 0 });
  // Whoever is connected has its session, and nobody else has it.
  let open = 0;
  for (const client of clients) {
    expect(client.open.length).toBeLessThanOrEqual(1);
    const [connection] = client.open;
    const session = first?.sessions[client.id];
    if (connection !== undefined) {
      open++;
      expect(session).toMatchObject({ node: connection.node.name, connected: true });
    }
    // A will is published when its client is gone for good: none is left then.
    else if (session !== undefined) expect(session).toMatchObject({ connected: false, will: false });
  }
  expect(here.reduce((sum, { sessionsHere }) => sum + sessionsHere, 0)).toBe(open);
}

describe('what clients leave, whatever happens to three nodes and the wires between them', () => {
  it.each(Array.from({ length: SEEDS / 20 }, (_, group) => group * 20))(
    'is the same everywhere once all see each other, and each client has one session: seeds from %i',
    (from) => {
      for (let seed = from; seed < from + 20; seed++)
        try {
          run(seed);
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error });
        }
    },
    60_000,
  );
});
