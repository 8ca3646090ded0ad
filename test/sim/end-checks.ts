import { WINDOW_BYTES } from '../../src/queues/limits';
import type { Problem } from './problems';
import { nameOf } from './subscription-plan';
import type { VirtualNode } from './virtual-node';
import type { World } from './world';

const LOOK_MS = 50;
const TOLD_MAX = 5;
/** What three queues and two subscriptions may have waiting in memory, each with all that it had given to a consumer given back. */
const WINDOWS_MAX = 5 * 2 * (WINDOW_BYTES + 60_000);

/** Looks again and again whether every pool keeps within its capacity (G8). */
export class PoolWatch {
  readonly problems: Problem[] = [];

  constructor(private readonly world: World) {
    this.#look();
  }

  #look(): void {
    const { time, nodes } = this.world;
    for (const { name: node, node: running } of nodes) {
      for (const { name, used, capacity } of running?.pools() ?? []) {
        if (used > capacity && this.problems.length < TOLD_MAX)
          this.problems.push(`G8: pool ${name} of ${node} holds ${used} of ${capacity} bytes at ${time.now} ms`);
      }
    }
    for (const { name: node, node: running } of nodes) {
      const used = running?.queues.windowBytes ?? 0;
      if (used > WINDOWS_MAX && this.problems.length < TOLD_MAX)
        this.problems.push(`G8: queues of ${node} have ${used} bytes waiting in memory at ${time.now} ms`);
    }
    time.after(LOOK_MS, () => this.#look());
  }
}

/** Every queue is empty, and its consumers wait for more. */
export function isDrained(world: World): boolean {
  return world.receivers.every(({ client }) => client?.idle === true) && leftQueues(world).length === 0;
}

/** All that was put into queues is gone from them, and they know of no consumers but those that there are. */
export function checkDrained(world: World): Problem[] {
  return [...leftQueues(world), ...strayConsumers(world)];
}

function strayConsumers({ nodes, receivers, plan }: World): Problem[] {
  const found: Problem[] = [];
  for (const { name, home } of plan.queues) {
    const { name: node, node: running } = nodes.find((one) => lives(one, name)) ?? (nodes[home] as VirtualNode);
    const known = running?.queues.find(name)?.view().consumers ?? 0;
    const there = receivers.filter(({ plan: { queue }, client }) => queue === name && client?.live === true).length;
    if (known !== there) found.push(`G8: queue ${name} at ${node} has ${known} consumers at the end, not ${there}`);
  }
  for (const subscription of plan.subscriptions) {
    const { name, shared, home } = subscription;
    const queue = nameOf(subscription);
    const { name: node, node: running } = nodes.find((one) => lives(one, queue)) ?? (nodes[home] as VirtualNode);
    const known = running?.queues.find(queue)?.view().consumers ?? 0;
    const mine = receivers.filter(
      ({ plan: one, client }) => one.subscription === subscription && client?.live === true,
    );
    const there = shared ? mine.length : Math.min(1, mine.length);
    if (known !== there)
      found.push(`G8: subscription ${name} at ${node} has ${known} consumers at the end, not ${there}`);
  }
  return found;
}

/** By its own word a queue lives at a node. */
function lives({ name: node, node: running }: VirtualNode, queue: string): boolean {
  for (const [name, home] of running?.queueHomes() ?? []) if (name === queue) return home === node;
  return false;
}

/** Queues that hold something, or are on their way to where they live. */
function leftQueues(world: World): Problem[] {
  const onTheWay = world.nodes.flatMap(({ name: node, node: running }) =>
    (running?.queues.stored ?? [])
      .filter((name) => /^\$(late|merge)\//.test(name))
      .map((name) => `G1: ${name} is still at ${node} at the end`),
  );
  return [...filledQueues(world), ...onTheWay];
}

function filledQueues({ nodes }: World): Problem[] {
  return nodes.flatMap(({ name: node, node: running }) =>
    (running?.queues.views() ?? [])
      .filter(({ depth, acquired }) => depth > 0 || acquired > 0)
      .map(
        ({ name, depth, acquired, consumers }) =>
          `G1: queue ${name} at ${node} has ${depth} messages at the end, ${acquired} of them with its ${consumers} consumers`,
      ),
  );
}

/** After the end every pool is empty but for credit that publishers hold, and with them that goes too. */
export function checkQuiet(world: World): Problem[] {
  for (const { client } of world.publishers) client?.close();
  // Nodes go on talking to each other; there are moments at which nothing of it is under way.
  const until = world.time.now + 1_000;
  let found = heldBytes(world);
  while (found.length > 0 && world.time.now < until) {
    world.time.runUntil(world.time.now + 10);
    found = heldBytes(world);
  }
  return found;
}

function heldBytes(world: World): Problem[] {
  return world.nodes.flatMap(({ name: node, node: running }) =>
    (running?.pools() ?? [])
      .filter(({ used }) => used !== 0)
      .map(({ name, used }) => `G8: pool ${name} of ${node} still holds ${used} bytes at the end`),
  );
}

/** Of a large mesh so many nodes are asked; all of them are asked about. */
const ASKED_MAX = 12;

/** G7: every node routes to every other one at the cost of the cheapest path; and all see the same conflicts. */
export function checkConvergence(world: World): Problem[] {
  const found: Problem[] = [];
  const conflicts = new Set<string>();
  for (const node of world.nodes.slice(0, ASKED_MAX)) {
    const wanted = cheapest(world, node);
    const costs = new Map([...node.running.nodes()].map(({ id, cost }) => [id, cost]));
    for (const other of world.nodes) {
      const cost = costs.get(other.id) ?? Infinity;
      if (cost !== wanted.get(other))
        found.push(`G7: ${node.name} reaches ${other.name} at cost ${cost}, not ${wanted.get(other)}`);
    }
    conflicts.add(node.running.conflicts().join('\n'));
  }
  if (conflicts.size > 1) found.push(`F39: nodes name different conflicts: ${[...conflicts].join(' | ')}`);
  return found.slice(0, TOLD_MAX * 2);
}

/** Costs of the cheapest paths over the wires as they are (Bellman and Ford: small, and unlike what is tested). */
function cheapest(world: World, from: VirtualNode): ReadonlyMap<VirtualNode, number> {
  const cost = new Map<VirtualNode, number>([[from, 0]]);
  for (let changed = true; changed;) {
    changed = false;
    for (const { dialler, acceptor, cost: of } of world.wires) {
      for (const [a, b] of [
        [dialler, acceptor],
        [acceptor, dialler],
      ] as const) {
        const through = (cost.get(a) ?? Infinity) + of;
        if (through >= (cost.get(b) ?? Infinity)) continue;
        cost.set(b, through);
        changed = true;
      }
    }
  }
  return cost;
}
