import { defaultPolicy } from '../../src/addresses/rules';
import { FairleadError } from '../../src/common/errors';
import { SeededRandom } from '../../src/common/ports';
import type { PeerHello } from '../../src/links/contract';
import type { AddressRule, MeshLimits } from '../../src/mesh/contract';
import { GOOD_WIRE, VirtualEnd, type WireQuality, type WireTally } from './virtual-link';
import { VirtualNode } from './virtual-node';
import type { VirtualTime } from './virtual-time';

export { VirtualNode } from './virtual-node';

export const DEFAULT_LIMITS: MeshLimits = {
  helloMs: 500,
  deadMs: 1_500,
  partitionHoldMs: 20_000,
  startHoldMs: 5_000,
  ingressPoolBytes: 8 * 1024 * 1024,
  retentionPoolBytes: 8 * 1024 * 1024,
  receivePoolBytes: 8 * 1024 * 1024,
  linkQueueBytes: 1024 * 1024,
};

/** A rule with everything defaulted but what is given. */
export function rule(match: string, kind: AddressRule['kind'], more: Partial<AddressRule> = {}): AddressRule {
  return { ...defaultPolicy(kind), match, ...more };
}

/** A wire that two nodes are joined by; redialled while it is not cut and both live. */
export class VirtualWire {
  cut = false;
  ends: readonly [VirtualEnd, VirtualEnd] | null = null;
  readonly quality: WireQuality;
  readonly tally: WireTally = { sent: [], damaged: 0 };
  /** Why the last attempt to join was refused by either node. */
  refused: FairleadError | null = null;

  constructor(
    readonly name: string,
    readonly dialler: VirtualNode,
    readonly acceptor: VirtualNode,
    public cost: number,
    quality: Partial<WireQuality>,
  ) {
    this.quality = { ...GOOD_WIRE, hole: [false, false], ...quality };
  }

  touches(node: VirtualNode): boolean {
    return this.dialler === node || this.acceptor === node;
  }
}

const REDIAL_MS = 100;

/** Nodes and wires in virtual time. */
export class VirtualMesh {
  readonly nodes: VirtualNode[] = [];
  readonly wires: VirtualWire[] = [];
  readonly random: SeededRandom;

  constructor(
    readonly time: VirtualTime,
    seed: number,
    readonly limits: MeshLimits = DEFAULT_LIMITS,
  ) {
    this.random = new SeededRandom(seed);
  }

  /** Uniform in [0, 1). */
  readonly uniform = (): number => this.random.u32() / 0x1_0000_0000;

  add(name: string, rules: readonly AddressRule[] = []): VirtualNode {
    const node = new VirtualNode(this, name, rules);
    this.nodes.push(node);
    return node;
  }

  find(name: string): VirtualNode | undefined {
    return this.nodes.find((node) => node.name === name);
  }

  join(dialler: VirtualNode, acceptor: VirtualNode, cost = 10, quality: Partial<WireQuality> = {}): VirtualWire {
    const wire = new VirtualWire(`wire-${this.wires.length}`, dialler, acceptor, cost, quality);
    this.wires.push(wire);
    this.redial();
    return wire;
  }

  /** Opens every wire that is neither cut nor open and whose nodes live. */
  redial(): void {
    for (const wire of this.wires) this.#dial(wire);
  }

  #dial(wire: VirtualWire): void {
    if (wire.cut || wire.ends !== null || !wire.dialler.alive || !wire.acceptor.alive) return;
    const { time } = this;
    const nodes = [wire.dialler, wire.acceptor] as const;
    const lives = nodes.map(({ life }) => life);
    const end = (side: 0 | 1): VirtualEnd =>
      new VirtualEnd(time, wire.quality, side, this.uniform, {
        alive: () => nodes[side].life === lives[side] && nodes[side].alive,
        stalledUntil: () => nodes[side].stalledUntil,
        tally: wire.tally,
      });
    const ends = [end(0), end(1)] as const;
    ends[0].peer = ends[1];
    ends[1].peer = ends[0];
    wire.ends = ends;
    time.after(wire.quality.latencyMs * 2, () => {
      if (wire.ends !== ends || nodes.some(({ life }, side) => life !== lives[side])) return;
      const mute = wire.quality.hole.includes(true) || nodes.some(({ stalledUntil }) => stalledUntil > time.now);
      if (mute) this.#lost(wire, ends);
      else this.#attach(wire, ends);
    });
  }

  #attach(wire: VirtualWire, ends: readonly [VirtualEnd, VirtualEnd]): void {
    const hello = (node: VirtualNode): PeerHello => {
      const { name, site, incarnation } = node.running.identity;
      const [protocolMin, protocolMax] = node.protocol;
      const versions = { protocolMin, protocolMax };
      return { node: name, site, incarnation, ...versions, link: wire.name, cost: wire.cost };
    };
    const hellos = [hello(wire.dialler), hello(wire.acceptor)] as const;
    [wire.dialler, wire.acceptor].forEach((node, side) => {
      const end = ends[side] as VirtualEnd;
      if (!end.open) return;
      try {
        const events = node.running.addLink(end, side === 0 ? hellos[1] : hellos[0], side === 0);
        end.events = {
          onFrame: (...frame) => events.onFrame(...frame),
          onInbound: () => events.onInbound(),
          onRoom: (cls) => events.onRoom(cls),
          onClosed: (reason) => {
            events.onClosed(reason);
            this.#lost(wire, ends);
          },
        };
      } catch (error) {
        if (!(error instanceof FairleadError)) throw error;
        wire.refused = error;
        end.cut(error.message, wire.quality.latencyMs);
        this.#lost(wire, ends);
      }
    });
  }

  #lost(wire: VirtualWire, ends: readonly [VirtualEnd, VirtualEnd]): void {
    if (wire.ends !== ends) return;
    wire.ends = null;
    this.time.after(REDIAL_MS * (0.5 + this.uniform()), () => this.#dial(wire));
  }

  /** Cuts a wire; both ends hear it at once, as with a reset. */
  cut(wire: VirtualWire): void {
    wire.cut = true;
    const { ends } = wire;
    wire.ends = null;
    ends?.[0].cut('cut', 0);
  }

  heal(wire: VirtualWire): void {
    wire.cut = false;
    wire.quality.hole = [false, false];
    this.#dial(wire);
  }

  /** Changes a wire's cost live, as its dialling side may. */
  setCost(wire: VirtualWire, cost: number): void {
    wire.cost = cost;
    const { dialler } = wire;
    if (!dialler.alive) return;
    const link = dialler.running.links().find(({ name, state }) => name === wire.name && state !== 'down');
    if (link !== undefined) dialler.running.setCost(link.link, cost);
  }

  closeWiresOf(node: VirtualNode): void {
    for (const wire of this.wires) {
      if (!wire.touches(node)) continue;
      const { ends } = wire;
      wire.ends = null;
      ends?.[wire.dialler === node ? 0 : 1].cut('reset', wire.quality.latencyMs);
    }
  }
}
