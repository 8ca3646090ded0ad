import { FairleadError } from '../../src/common/errors';
import { SETTLE_MS } from './connectivity';
import { DRAIN_MS, LEAVE_MS, type Fault, type FaultKind } from './fault-plan';
import { GOOD_WIRE } from './virtual-link';
import { rule, VirtualNode } from './virtual-mesh';
import type { World } from './world';

/** Begins a fault. @returns what ends it */
type Action<K extends FaultKind> = (world: World, fault: Fault & { readonly kind: K }) => () => void;

/** How often an operator looks whether a queue has moved. */
const REHOME_ASK_MS = 20;
const NOTHING = (): void => undefined;

/** What each kind of fault does: one entry a kind. */
const ACTIONS: { readonly [K in FaultKind]: Action<K> } = {
  cut: (world, { wire: n }) => {
    const wire = world.wire(n);
    world.mesh.cut(wire);
    return () => world.mesh.heal(wire);
  },

  hole: (world, { wire: n, side }) => {
    const { quality } = world.wire(n);
    quality.hole[side] = true;
    return () => (quality.hole[side] = false);
  },

  loss: (world, { wire: n, probability }) => {
    const { quality } = world.wire(n);
    quality.loss = probability;
    return () => (quality.loss = GOOD_WIRE.loss);
  },

  delay: (world, { wire: n, latencyMs }) => {
    const { quality } = world.wire(n);
    const former = quality.latencyMs;
    quality.latencyMs = latencyMs;
    return () => (quality.latencyMs = former);
  },

  slow: (world, { wire: n }) => {
    const { quality } = world.wire(n);
    const former = quality.bytesPerMs;
    quality.bytesPerMs = 100;
    return () => (quality.bytesPerMs = former);
  },

  flap: (world, { wire: n, everyMs, forMs }) => {
    const wire = world.wire(n);
    const until = world.time.now + forMs;
    const flip = (): void => {
      if (world.time.now >= until) return;
      if (wire.cut) world.mesh.heal(wire);
      else world.mesh.cut(wire);
      world.connectivity.note();
      world.time.after(everyMs, flip);
    };
    flip();
    return () => world.mesh.heal(wire);
  },

  damage: (world, { wire: n }) => {
    const wire = world.wire(n);
    wire.quality.damageNext = true;
    world.connectivity.blip(wire);
    return () => {
      wire.quality.damageNext = false;
      world.connectivity.blip(wire);
    };
  },

  cost: (world, { wire, cost }) => {
    world.mesh.setCost(world.wire(wire), cost);
    return NOTHING;
  },

  restart: (world, { node: n, loseDisk }) => {
    const node = world.node(n);
    node.kill({ loseDisk });
    if (loseDisk) world.loseDisk(node);
    return () => {
      world.start(node);
      // Without its disk it may have to begin another life at once, above what others remember.
      if (loseDisk) world.connectivity.disturb(node.name, world.time.now, world.time.now + 2 * SETTLE_MS);
    };
  },

  stop: (world, { node: n, forMs }) => {
    world.node(n).stall(forMs);
    return NOTHING;
  },

  drain: (world, { node: n }) => {
    const node = world.node(n);
    if (!node.alive) return NOTHING;
    node.running.drain();
    const { life } = node;
    const leave = (): void => {
      if (node.life !== life) return;
      node.leaving = true;
      world.connectivity.note();
      for (const { link, state } of node.running.links()) if (state !== 'down') node.running.removeLink(link);
      world.time.after(LEAVE_MS, () => node.life === life && node.kill());
    };
    const giveUpAt = world.time.now + DRAIN_MS;
    const look = (): void => {
      if (node.life !== life) return;
      if (node.running.drained || world.time.now >= giveUpAt) leave();
      else world.time.after(20, look);
    };
    look();
    return () => world.start(node);
  },

  partition: (world, { side }) => {
    const within = new Set(side.map((n) => world.node(n)));
    const cut = world.wires.filter(({ dialler, acceptor }) => within.has(dialler) !== within.has(acceptor));
    for (const wire of cut) world.mesh.cut(wire);
    return () => {
      for (const wire of cut) world.mesh.heal(wire);
    };
  },

  twin: (world, { node: n, beside }) => {
    const original = world.node(n);
    const from = world.time.now;
    const twin = new VirtualNode(world.mesh, original.name, original.rules);
    twin.boots = original.boots + 1;
    const wire = world.mesh.join(twin, world.node(beside));
    twin.start();
    return () => {
      twin.kill();
      wire.cut = true;
      world.connectivity.disturb(original.name, from, world.time.now + SETTLE_MS, true);
    };
  },

  wall: (world, { node, ms }) => {
    world.node(node).wallOffsetMs += ms;
    return NOTHING;
  },

  conflict: (world, { node: n }) => {
    const node = world.node(n);
    node.rules = [...node.rules, rule('conflict.#', 'topic', { blockForMs: 1_000 + n })];
    if (node.alive) node.running.setRules(node.rules, 'topic');
    return NOTHING;
  },

  stuck: (world, { consumer }) => {
    world.stuck.add(consumer);
    world.consumers[consumer]?.client?.pause();
    return () => {
      world.stuck.delete(consumer);
      world.consumers[consumer]?.client?.resume();
    };
  },

  roam: (world, { consumer: n }) => {
    const slot = world.consumers[n];
    slot?.client?.close();
    return () => slot !== undefined && world.openConsumer(slot, n);
  },

  hold: (world, { receiver: n }) => {
    world.holding.add(n);
    world.receivers[n]?.client?.hold();
    return () => {
      world.holding.delete(n);
      world.receivers[n]?.client?.resume();
    };
  },

  leave: (world, { receiver: n, failed }) => {
    world.away.add(n);
    world.receivers[n]?.client?.close(failed);
    return () => {
      world.away.delete(n);
      world.openReceiver(n);
    };
  },

  rehome: (world, { queue, to }) => rehome(world, queue, world.node(to)),

  disk: (world, { node: n, state }) => {
    const node = world.node(n);
    node.breakDisk(state);
    return () => node.mendDisk();
  },
};

/** Asks whoever has a queue to move it, until it is there or that is wanted no longer. */
function rehome(world: World, queue: string, to: VirtualNode): () => void {
  let wanted = true;
  const ask = (): void => {
    if (!wanted) return;
    const home = world.nodes.find((node) => homeOf(node, queue) === node.name);
    if (home === to) return;
    try {
      home?.running.relocation.rehome(queue, to.name);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
    }
    world.time.after(REHOME_ASK_MS, ask);
  };
  ask();
  return () => (wanted = false);
}

function homeOf(node: VirtualNode, queue: string): string | null {
  if (!node.alive) return null;
  for (const [name, home] of node.running.queueHomes()) if (name === queue) return home;
  return null;
}

/** Lets every fault of the plan begin and end. */
export function scheduleFaults(world: World): void {
  for (const fault of world.plan.faults) {
    world.time.at(fault.at, () => {
      const heal = (ACTIONS[fault.kind] as Action<FaultKind>)(world, fault);
      world.connectivity.note();
      world.time.after(fault.forMs, () => {
        heal();
        world.connectivity.note();
      });
    });
  }
}

/** Ends whatever is left: all wires are good, all nodes live, all consumers read. */
export function healAll(world: World): void {
  for (const [n, wire] of world.wires.entries()) {
    Object.assign(wire.quality, { ...GOOD_WIRE, ...world.plan.wires[n]?.quality, hole: [false, false] });
    world.mesh.heal(wire);
  }
  for (const node of world.nodes) world.start(node);
  world.stuck.clear();
  for (const { client } of world.consumers) client?.resume();
  for (const node of world.nodes) node.mendDisk();
  world.agree();
  world.connectivity.note();
}
