import type { VirtualMesh, VirtualWire } from './virtual-mesh';

/** A wire must have been fine for this long before two nodes count as joined by it: redial, handshake, damping, flooding. */
export const SETTLE_MS = 3_000;

export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** A time in which whatever a node had under way may be lost: it had to begin a new life. */
export interface Disturbance extends Interval {
  /** Another process bore its name. */
  readonly twin: boolean;
}

/** Which nodes were surely joined, and when: what the checker goes by. Written by those who make faults, not by the nodes. */
export class Connectivity {
  readonly #fineSince = new Map<VirtualWire, number>();
  readonly #fine = new Map<VirtualWire, Interval[]>();
  readonly #disturbed = new Map<string, Disturbance[]>();
  #segments: { readonly from: number; readonly group: ReadonlyMap<string, number> }[] | null = null;

  constructor(private readonly mesh: VirtualMesh) {}

  /** Looks at all wires; called after whatever changes one of them or a node. */
  note(): void {
    const { now } = this.mesh.time;
    for (const wire of this.mesh.wires) {
      const fine = isFine(wire, now);
      const since = this.#fineSince.get(wire);
      if (fine && since === undefined) this.#fineSince.set(wire, now);
      else if (!fine && since !== undefined) this.#ended(wire, since, now);
    }
  }

  /** A wire failed and began again at once. */
  blip(wire: VirtualWire): void {
    const since = this.#fineSince.get(wire);
    if (since === undefined) return;
    this.#ended(wire, since, this.mesh.time.now);
    this.#fineSince.set(wire, this.mesh.time.now);
  }

  #ended(wire: VirtualWire, from: number, to: number): void {
    this.#fineSince.delete(wire);
    const list = this.#fine.get(wire) ?? [];
    list.push({ from, to });
    this.#fine.set(wire, list);
  }

  disturb(node: string, from: number, to: number, twin = false): void {
    const list = this.#disturbed.get(node) ?? [];
    list.push({ from, to, twin });
    this.#disturbed.set(node, list);
  }

  disturbances(node: string): readonly Disturbance[] {
    return this.#disturbed.get(node) ?? [];
  }

  /** From then on a node has met all others that it was apart from: the last time at which one may make it begin a new life. */
  reunited(node: string, at: number): number {
    let last = at;
    for (const { name } of this.mesh.nodes) {
      if (name === node) continue;
      const apart = this.apart(node, name).find(({ from, to }) => from <= at && at < to);
      if (apart !== undefined && apart.to !== Infinity) last = Math.max(last, apart.to);
    }
    return last;
  }

  /** When a node was started again. */
  births(node: string): readonly number[] {
    return (this.mesh.find(node)?.lives ?? []).slice(1).map(({ bornAt }) => bornAt);
  }

  /** When a node that died at that time was there again; Infinity for never. */
  bornAfter(node: string, at: number): number {
    return this.births(node).find((born) => born >= at) ?? Infinity;
  }

  // --- reading, once the run is over ---------------------------------------------------------------------------------------

  #timeline(): { readonly from: number; readonly group: ReadonlyMap<string, number> }[] {
    if (this.#segments !== null) return this.#segments;
    for (const [wire, since] of this.#fineSince) this.#ended(wire, since, Infinity);
    const solid: { readonly wire: VirtualWire; readonly from: number; readonly to: number }[] = [];
    const edges = new Set<number>([0]);
    for (const [wire, intervals] of this.#fine) {
      for (const { from, to } of intervals) {
        if (from + SETTLE_MS >= to) continue;
        solid.push({ wire, from: from + SETTLE_MS, to });
        edges.add(from + SETTLE_MS).add(to);
      }
    }
    edges.delete(Infinity);
    this.#segments = [...edges]
      .sort((a, b) => a - b)
      .map((from) => ({ from, group: groups(solid.filter((s) => s.from <= from && from < s.to).map((s) => s.wire)) }));
    return this.#segments;
  }

  /** Times in which two nodes were not surely joined, the last one perhaps without an end. */
  apart(a: string, b: string): readonly Interval[] {
    const found: Interval[] = [];
    let since: number | null = 0;
    for (const { from, group } of this.#timeline()) {
      const joined = group.has(a) && group.get(a) === group.get(b);
      if (joined && since !== null) {
        found.push({ from: since, to: from });
        since = null;
      } else if (!joined) since ??= from;
    }
    if (since !== null) found.push({ from: since, to: Infinity });
    return found;
  }
}

function isFine(wire: VirtualWire, now: number): boolean {
  const live = ({ alive, leaving, stalledUntil }: VirtualWire['dialler']): boolean =>
    alive && !leaving && stalledUntil <= now;
  return !wire.cut && !wire.quality.hole.includes(true) && live(wire.dialler) && live(wire.acceptor);
}

/** A number for each node, the same for those that the wires join. */
function groups(wires: readonly VirtualWire[]): ReadonlyMap<string, number> {
  const parent = new Map<string, string>();
  const root = (name: string): string => {
    let at = name;
    for (let up = parent.get(at); up !== undefined && up !== at; up = parent.get(at)) at = up;
    return at;
  };
  for (const { dialler, acceptor } of wires) {
    for (const { name } of [dialler, acceptor]) if (!parent.has(name)) parent.set(name, name);
    parent.set(root(dialler.name), root(acceptor.name));
  }
  const numbers = new Map<string, number>();
  return new Map(
    [...parent.keys()].map((name) => {
      const top = root(name);
      if (!numbers.has(top)) numbers.set(top, numbers.size);
      return [name, numbers.get(top) as number];
    }),
  );
}
