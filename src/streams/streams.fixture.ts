import { ChunkPool, type Chunk } from '../common/chunk';
import { SILENT_JOURNAL } from '../common/ports';
import type { WireReader } from '../common/wire';
import { FRAME, STREAM_CLASS, nodeIdOf, type NodeId, type StreamClass } from '../links/contract';
import type { NodeView, Routes } from '../routing/contract';
import {
  MESSAGE_FLAG,
  OUTCOME,
  type LargeBody,
  type OutcomeDetail,
  type Outcome,
  type Receipt,
  type StreamsUpper,
  type TargetState,
} from './contract';
import { StreamCore } from './stream-core';

export const NORMAL = STREAM_CLASS.normal;

export interface Frame {
  readonly to: string;
  readonly bytes: Buffer;
}

/** A line of nodes whose frames a test may lose, repeat or hold back. */
export class Network {
  now = 0;
  readonly nodes = new Map<string, Host>();
  readonly frames: Frame[] = [];

  constructor(readonly names: readonly string[]) {
    for (const name of names) this.nodes.set(name, new Host(this, name, 1));
    for (const host of this.nodes.values()) for (const view of host.views()) host.core.onReachable(view);
  }

  host(name: string): Host {
    return this.nodes.get(name) as Host;
  }

  flush(): void {
    for (const host of this.nodes.values()) host.core.flush();
  }

  deliver(frame: Frame): void {
    const host = this.host(frame.to);
    if (frame.bytes[0] === FRAME.batch) host.core.onBatch(frame.bytes, 0, frame.bytes.length);
    else host.core.onDatagram(frame.bytes, 0, frame.bytes.length);
  }

  /** Delivers everything in order, advancing time when nothing is under way, until all is quiet or `limitMs` has passed. */
  settle(limitMs = 60_000, fate: () => 'pass' | 'lose' | 'twice' = () => 'pass'): void {
    const until = this.now + limitMs;
    while (this.now < until) {
      this.flush();
      const frame = this.frames.shift();
      if (frame !== undefined) {
        const what = fate();
        if (what !== 'lose') this.deliver(frame);
        if (what === 'twice') this.deliver(frame);
        continue;
      }
      const next = Math.min(...[...this.nodes.values()].map((host) => host.core.deadline()));
      if (next === Infinity) return;
      this.now = Math.max(this.now + 0.1, next);
      for (const host of this.nodes.values()) host.core.tick();
    }
  }
}

export class Host implements StreamsUpper<string>, Routes {
  readonly core: StreamCore<string>;
  readonly got: string[] = [];
  readonly notTaken: string[] = [];
  readonly larges: { address: string; bytes: Buffer }[] = [];
  readonly outcomes: [number, Outcome, OutcomeDetail | null][] = [];
  readonly lost: [number, boolean, string][] = [];
  readonly dropped: [string, number, string][] = [];
  readonly gaps: [NodeId, ReadonlyMap<string, number>][] = [];
  readonly controls: [NodeId, number, string][] = [];
  readonly full: boolean[] = [];
  readonly givenUp: NodeId[] = [];
  readonly targets = new Map<NodeId, TargetState>();
  readonly pools = { retention: new ChunkPool('retention', 1 << 24), receive: new ChunkPool('receive', 1 << 24) };
  readonly self: NodeView;
  answer: Outcome | null = OUTCOME.accepted;
  generation = 0;
  isDiskFull = false;
  cut = new Set<string>();
  /** Incarnations that routing here knows, where they are not the present ones. */
  readonly known = new Map<string, number>();

  constructor(
    readonly network: Network,
    readonly name: string,
    readonly incarnation: number,
  ) {
    this.self = { id: nodeIdOf(name), name, site: name, incarnation, reachable: true, cost: 0 };
    this.core = new StreamCore<string>({
      clock: { now: () => network.now, wall: () => network.now },
      routes: this,
      frames: { enqueue: (link, _cls, head, body) => this.send(link, head, body) },
      upper: this,
      spool: { create: () => this.#spool() },
      journal: SILENT_JOURNAL,
      ...this.pools,
      transit: new ChunkPool('transit', 1 << 24),
      partitionHoldMs: 120_000,
      scheduleFlush: () => undefined,
    });
  }

  #spool(): MemorySpool {
    if (this.isDiskFull) throw new Error('ENOSPC: no space left on device, write');
    return new MemorySpool();
  }

  send(link: number, head: Buffer, body: Chunk | null): void {
    const to = this.network.names[link] as string;
    const bytes = body === null ? head : Buffer.concat([head, body.bytes]);
    if (!this.cut.has(to)) this.network.frames.push({ to, bytes: Buffer.from(bytes) });
  }

  views(): NodeView[] {
    return this.network.names.filter((name) => name !== this.name).map((name) => this.network.host(name).self);
  }

  view(id: NodeId): NodeView | undefined {
    const view = [this.self, ...this.views()].find((one) => one.id === id);
    const incarnation = view === undefined ? undefined : this.known.get(view.name);
    return view === undefined || incarnation === undefined ? view : { ...view, incarnation };
  }

  nodes(): Iterable<NodeView> {
    return [this.self, ...this.views()];
  }

  /** Links are numbered by the position of the neighbour in the line. */
  nextHop(destination: NodeId): number {
    const { names } = this.network;
    const here = names.indexOf(this.name);
    const there = names.findIndex((name) => nodeIdOf(name) === destination);
    return there > here ? here + 1 : here - 1;
  }

  pathGeneration(): number {
    return this.generation;
  }

  resolveWire(address: string): string {
    return address;
  }

  onMessage(
    receipt: Receipt,
    seq: number,
    address: string,
    flags: number,
    chunk: Chunk,
    start: number,
    end: number,
  ): void {
    this.got.push(`${address}:${chunk.bytes.toString('utf8', start, end)}`);
    if ((flags & MESSAGE_FLAG.tracked) !== 0 && this.answer !== null) {
      this.core.outcome(receipt.origin, receipt, seq, this.answer, null);
    }
  }

  onNotTaken(_origin: NodeId, address: string): void {
    this.notTaken.push(address);
  }

  onLarge(receipt: Receipt, seq: number, address: string, flags: number, body: LargeBody): void {
    const bytes = Buffer.alloc(body.length);
    body.read(0, bytes);
    this.larges.push({ address, bytes });
    if ((flags & MESSAGE_FLAG.tracked) !== 0) this.core.outcome(receipt.origin, receipt, seq, OUTCOME.accepted, null);
  }

  onControl(origin: NodeId, kind: number, payload: WireReader): void {
    this.controls.push([origin, kind, payload.rest().toString()]);
  }

  onOutcome(slot: number, _target: NodeId, outcome: Outcome, detail: OutcomeDetail | null): void {
    this.outcomes.push([slot, outcome, detail]);
  }

  onLost(slot: number, _target: NodeId, sent: boolean, reason: string): void {
    this.lost.push([slot, sent, reason]);
  }

  onDropped(_target: NodeId, address: string, count: number, reason: string): void {
    this.dropped.push([address, count, reason]);
  }

  onFull(_target: NodeId, _cls: StreamClass, full: boolean): void {
    this.full.push(full);
  }

  onGap(origin: NodeId, missed: ReadonlyMap<string, number>): void {
    this.gaps.push([origin, missed]);
  }

  onGivenUp(origin: NodeId): void {
    this.givenUp.push(origin);
  }

  onTargetState(target: NodeId, state: TargetState): void {
    this.targets.set(target, state);
  }

  publish(to: readonly string[], address: string, body: string | Buffer, slot = -1): void {
    const bytes = Buffer.from(body);
    const set = this.core.targetSet(to.map(nodeIdOf));
    this.core.append(set, NORMAL, address, slot < 0 ? 0 : MESSAGE_FLAG.tracked, bytes, 0, bytes.length, slot);
  }
}

class MemorySpool {
  bytes = Buffer.alloc(0);
  append(bytes: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }
  read(offset: number, target: Buffer): number {
    return this.bytes.copy(target, 0, offset, offset + target.length);
  }
  close(): void {
    this.bytes = Buffer.alloc(0);
  }
}
