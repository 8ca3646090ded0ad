import type { AddressRule, MeshLimits } from '../../src/mesh/contract';
import { DEFAULT_LIMITS, VirtualMesh, type VirtualNode, type VirtualWire } from './virtual-mesh';
import { VirtualTime } from './virtual-time';

export interface SimMesh {
  readonly mesh: VirtualMesh;
  readonly time: VirtualTime;
  /** By name, a, b, c, … */
  node(name: string): VirtualNode;
  wire(one: string, other: string): VirtualWire;
  /** Lets time pass. */
  run(ms: number): void;
  /** Lets time pass until a condition holds; fails when it does not within a virtual minute. */
  until(what: string, done: () => boolean): void;
}

/**
 * A mesh of the given wires ('a-b', or 'a-b:40' with a cost), started and settled.
 * @param rules of each node; `shared` are every node's
 */
export function simMesh(
  wires: readonly string[],
  options: {
    readonly shared?: readonly AddressRule[];
    readonly rules?: Readonly<Record<string, readonly AddressRule[]>>;
    readonly limits?: Partial<MeshLimits>;
    readonly seed?: number;
    readonly latencyMs?: number;
  } = {},
): SimMesh {
  const time = new VirtualTime();
  const mesh = new VirtualMesh(time, options.seed ?? 1, { ...DEFAULT_LIMITS, ...options.limits });
  const byEnds = new Map<string, VirtualWire>();
  const node = (name: string): VirtualNode =>
    mesh.find(name) ?? mesh.add(name, options.rules?.[name] ?? options.shared ?? []);
  for (const text of wires) for (const name of (text.split(':')[0] as string).split('-')) node(name);
  for (const each of mesh.nodes) each.start();
  for (const text of wires) {
    const [ends = '', cost] = text.split(':');
    const [one = '', other = ''] = ends.split('-');
    const quality = options.latencyMs === undefined ? {} : { latencyMs: options.latencyMs };
    byEnds.set(ends, mesh.join(node(one), node(other), cost === undefined ? 10 : Number(cost), quality));
  }
  const run = (ms: number): void => void time.runUntil(time.now + ms);
  run(3_000);
  return {
    mesh,
    time,
    node,
    run,
    wire: (one, other) => {
      const found = byEnds.get(`${one}-${other}`) ?? byEnds.get(`${other}-${one}`);
      if (found === undefined) throw new Error(`no wire between ${one} and ${other}`);
      return found;
    },
    until: (what, done) => {
      if (done()) return;
      const limit = time.now + 60_000;
      while (time.now < limit) if (time.runUntil(time.now + 100, done)) return;
      throw new Error(`not within a minute: ${what}`);
    },
  };
}

export function numbered(count: number, prefix = 'm'): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}
