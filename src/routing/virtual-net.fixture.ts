import { SILENT_JOURNAL, SeededRandom } from '../common/ports';
import {
  nodeIdOf,
  type LinkTransport,
  type LinkTransportEvents,
  type NodeId,
  type TrafficClass,
} from '../links/contract';
import { DEAD_MS, HELLO_MS, PROTOCOL_MAX, PROTOCOL_MIN } from '../links/limits';
import { LinkStateCore } from './link-state-core';
import type { LinkStatePorts } from './link-state-ports';

/** What came to a node, as lines that tests compare. */
export class VirtualNode {
  readonly core: LinkStateCore;
  readonly id: NodeId;
  readonly said: string[] = [];
  readonly routed: Buffer[] = [];
  readonly dropped: Buffer[] = [];
  /** Name of the neighbour of each link. */
  readonly peers = new Map<number, string>();
  flushDue = false;
  tickAt: number;
  alive = true;
  /** What the layers above do with a routed frame. */
  onRouted: (bytes: Buffer) => void = (bytes) => void this.routed.push(bytes);

  constructor(
    net: VirtualNet,
    readonly name: string,
    readonly incarnation: number,
    more: Partial<LinkStatePorts>,
  ) {
    this.id = nodeIdOf(name);
    this.tickAt = net.now;
    this.core = new LinkStateCore({
      identity: { id: this.id, name, site: name, incarnation },
      limits: { helloMs: HELLO_MS, deadMs: DEAD_MS, linkQueueBytes: 1 << 20 },
      clock: net.clock,
      random: net.random,
      journal: SILENT_JOURNAL,
      facts: [],
      scheduleFlush: () => void (this.flushDue = true),
      routing: {
        onReachable: (view) => this.said.push(`+${view.name}`),
        onUnreachable: (view) => this.said.push(`-${view.name}`),
        onIncarnation: (view, former) => this.said.push(`~${view.name} ${former}>${view.incarnation}`),
        onTopology: () => undefined,
      },
      replicas: { onReplica: () => undefined },
      onDropped: (head) => this.dropped.push(head),
      onRoutedFrame: (_link, _cls, bytes, start, end) => this.onRouted(bytes.subarray(start, end)),
      onIdentity: (identity) => this.said.push(`!${identity.incarnation}`),
      onWithdrawn: () => this.said.push('withdrawn'),
      ...more,
    });
  }

  /** Names of reachable nodes, sorted. */
  get reach(): string {
    const names = [...this.core.routes.nodes()].filter((view) => view.reachable && view.id !== this.id);
    return names
      .map((view) => view.name)
      .sort()
      .join(' ');
  }

  /** Names of the neighbours that frames of this node to `destination` pass first. */
  via(destination: string, cls: TrafficClass = 2): string | undefined {
    return this.peers.get(this.core.routes.nextHop(nodeIdOf(destination), this.id, cls));
  }

  cost(destination: string): number {
    return this.core.routes.view(nodeIdOf(destination))?.cost ?? Infinity;
  }
}

/** One end of a cable's present connection. */
class End implements LinkTransport {
  events: (LinkTransportEvents & { readonly link: number }) | null = null;
  other: End | null = null;
  open = true;

  constructor(
    readonly cable: Cable,
    readonly owner: VirtualNode,
  ) {}

  send(cls: TrafficClass, head: Buffer, body: Buffer | null): void {
    const bytes = body === null ? head : Buffer.concat([head, body]);
    const { net, delayMs } = this.cable;
    net.after(delayMs, () => {
      const to = this.other as End;
      if (to.open && to.owner.alive) this.cable.deliver(to, cls, Buffer.from(bytes));
    });
  }

  room(): number {
    return this.open ? 1 << 20 : 0;
  }

  close(condition: string): void {
    this.cable.conditions.push(condition);
    this.cable.net.after(0, () => this.end('closed here'));
    this.cable.net.after(this.cable.delayMs, () => this.other?.end(`closed by the peer: ${condition}`));
  }

  end(reason: string): void {
    if (!this.open) return;
    this.open = false;
    this.cable.ended();
    if (this.owner.alive) this.events?.onClosed(reason);
  }
}

/** A link that is dialled again for as long as it is plugged in. */
export class Cable {
  ends: [End, End] | null = null;
  plugged = true;
  /** Frames are swallowed, both ways, and nobody is told. */
  dark = false;
  delayMs = 1;
  redialMs = 100;
  /** Conditions that connections were closed with. */
  readonly conditions: string[] = [];
  /** Codes of refusals. */
  readonly refusals: string[] = [];
  /** A frame on its way; the test may return another one, or null to lose it. */
  tamper: (bytes: Buffer, to: string) => Buffer | null = (bytes) => bytes;

  constructor(
    readonly net: VirtualNet,
    readonly from: string,
    readonly to: string,
    readonly name: string,
    readonly cost: number,
  ) {
    this.dial();
  }

  dial(): void {
    const [dialler, acceptor] = [this.net.nodes.get(this.from), this.net.nodes.get(this.to)];
    if (!this.plugged || this.ends !== null) return;
    if (dialler?.alive !== true || acceptor?.alive !== true || this.dark)
      return this.net.after(this.redialMs, () => this.dial());
    const ends: [End, End] = [new End(this, dialler), new End(this, acceptor)];
    [ends[0].other, ends[1].other] = [ends[1], ends[0]];
    this.ends = ends;
    try {
      this.#enter(ends[0], true);
      this.#enter(ends[1], false);
    } catch (error) {
      this.refusals.push((error as { code: string }).code);
      for (const end of ends) end.end('refused');
    }
  }

  #enter(end: End, dialled: boolean): void {
    const { name: node, incarnation } = (end.other as End).owner.core.self;
    const versions = { protocolMin: PROTOCOL_MIN, protocolMax: PROTOCOL_MAX };
    const hello = { node, site: node, incarnation, ...versions, link: this.name, cost: this.cost };
    end.events = end.owner.core.addLink(end, hello, dialled);
    end.owner.peers.set(end.events.link, node);
  }

  deliver(to: End, cls: TrafficClass, frame: Buffer): void {
    const bytes = this.dark ? null : this.tamper(frame, to.owner.name);
    if (bytes === null) return;
    to.events?.onInbound();
    to.events?.onFrame(cls, bytes, 0, bytes.length);
  }

  ended(): void {
    if (this.ends === null || this.ends.some((end) => end.open)) return;
    this.ends = null;
    this.net.after(this.redialMs, () => this.dial());
  }

  /** Both ends notice at once that the connection is gone. */
  reset(): void {
    for (const end of this.ends ?? []) end.end('reset');
  }

  unplug(): void {
    this.plugged = false;
    this.reset();
  }

  /** The link's index at one of its ends. */
  linkAt(node: string): number {
    return this.ends?.find((end) => end.owner.name === node)?.events?.link ?? -1;
  }
}

interface Happening {
  readonly at: number;
  readonly run: () => void;
}

/** Nodes and cables in virtual time. */
export class VirtualNet {
  now = 0;
  readonly nodes = new Map<string, VirtualNode>();
  readonly cables: Cable[] = [];
  readonly random: SeededRandom;
  readonly clock = { now: () => this.now, wall: () => this.now };
  /** By time, and in the order in which they were asked for. */
  readonly #happenings = new Map<number, Happening[]>();

  constructor(seed = 1) {
    this.random = new SeededRandom(seed);
  }

  /** Starts a node, in the place of the one that had this key; two keys may share a name. */
  node(key: string, incarnation = 65_536, more: Partial<LinkStatePorts> = {}, name = key): VirtualNode {
    if (this.nodes.has(key)) this.kill(key);
    const node = new VirtualNode(this, name, incarnation, more);
    this.nodes.set(key, node);
    return node;
  }

  /** The process is gone; its neighbours see their connections reset. */
  kill(key: string): void {
    const node = this.nodes.get(key) as VirtualNode;
    node.alive = false;
    for (const end of this.cables.flatMap(({ ends }) => ends ?? [])) {
      if (end.owner === node || end.other?.owner === node) end.end('reset');
    }
  }

  cable(from: string, to: string, { cost = 1, name = `${from}-${to}` } = {}): Cable {
    const cable = new Cable(this, from, to, name, cost);
    this.cables.push(cable);
    return cable;
  }

  after(ms: number, run: () => void): void {
    const at = this.now + ms;
    const already = this.#happenings.get(at);
    if (already === undefined) this.#happenings.set(at, [{ at, run }]);
    else already.push({ at, run });
  }

  get #living(): VirtualNode[] {
    return [...this.nodes.values()].filter((node) => node.alive);
  }

  #flush(): void {
    for (const node of this.#living) {
      if (!node.flushDue) continue;
      node.flushDue = false;
      node.core.flush();
      node.tickAt = Math.min(node.tickAt, this.now + 1);
    }
  }

  /** Lets time pass. */
  run(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      this.#flush();
      const next = Math.min(...this.#happenings.keys(), ...this.#living.map((node) => node.tickAt));
      if (next > until) break;
      this.now = Math.max(this.now, next);
      const due = this.#happenings.get(next) ?? [];
      this.#happenings.delete(next);
      for (const { run } of due) run();
      for (const node of this.#living)
        if (node.tickAt <= this.now) node.tickAt = Math.max(node.core.tick(), this.now + 0.5);
    }
    this.now = until;
  }

  /** Milliseconds until `holds`, looked at every 5 ms. @throws when that takes longer than `limitMs` */
  until(holds: () => boolean, limitMs = 10_000): number {
    const from = this.now;
    while (!holds()) {
      if (this.now - from > limitMs) throw new Error(`not within ${limitMs} ms`);
      this.run(5);
    }
    return this.now - from;
  }

  /** True when every living node reaches every other one. */
  get converged(): boolean {
    const living = this.#living;
    return living.every(
      ({ core }) => [...core.routes.nodes()].filter((view) => view.reachable).length === living.length,
    );
  }

  /** The nodes that a frame from `from` passes; ends with `to` when it gets there. */
  walk(from: string, to: string, cls: TrafficClass = 2): string[] {
    const path = [from];
    const origin = nodeIdOf(from);
    for (let at = from; at !== to && path.length <= this.nodes.size + 1; path.push(at)) {
      const node = this.nodes.get(at) as VirtualNode;
      const next = node.peers.get(node.core.routes.nextHop(nodeIdOf(to), origin, cls));
      if (next === undefined) break;
      at = next;
    }
    return path;
  }
}
