import type { Clock } from '../common/ports';
import { SILENT_JOURNAL } from '../common/ports';
import { ChunkPool } from '../common/chunk';
import { WireReader } from '../common/wire';
import { nodeIdOf, type NodeId } from '../links/contract';
import type { NodeView, Replicas, Routes, Space } from '../routing/contract';
import { OUTCOME, type OutcomeDetail, type Placement, type TargetSet } from '../streams/contract';
import type { SpoolFile, SpoolPort } from '../streams/reassembly';
import { AddressEntry } from './address-entry';
import type { AddressKind, ConsumerHandler, Gap, Verdict } from './contract';
import type { Forwarder } from './forwarder';
import type { LargePublish } from './large-publish';
import type { AddressStreams } from './ports';
import { defaultPolicy, type AddressPolicy } from './rules';

/** Time that only moves when told to. */
export class TestClock implements Clock {
  at = 1_000;
  now(): number {
    return this.at;
  }
  wall(): number {
    return this.at;
  }
}

/** Own maps without a mesh: what is told, in order, and versions that a test takes by hand. */
export class TestReplicas implements Replicas {
  readonly own = new Map<string, Buffer>();
  /** Every change in order, `-key` for a deletion. */
  readonly changes: string[] = [];
  onChange: () => void = () => undefined;
  current = 0;
  #pending = 0;

  set(_space: Space, key: string, value: Buffer): void {
    if (this.own.get(key)?.equals(value) === true) return;
    this.own.set(key, value);
    this.#note(key);
  }

  delete(_space: Space, key: string): void {
    if (this.own.delete(key)) this.#note(`-${key}`);
  }

  #note(change: string): void {
    this.changes.push(change);
    this.#pending = 1;
    this.onChange();
  }

  /** The end of a turn: what was changed becomes a version. */
  flush(): void {
    this.current += this.#pending;
    this.#pending = 0;
  }

  pendingVersion(): number {
    return this.current + this.#pending;
  }

  version(): number {
    return 7;
  }

  stamp(): null {
    return null;
  }

  entries(): ReadonlyMap<string, Buffer> {
    return this.own;
  }

  origins(): Iterable<NodeId> {
    return [];
  }
}

/** Nodes by name; those that are not named are unknown. */
export class TestRoutes implements Routes {
  readonly views = new Map<NodeId, NodeView & { reachable: boolean; cost: number }>();
  readonly self: NodeView;

  constructor(self: string, ...others: readonly string[]) {
    for (const name of [self, ...others]) {
      const id = nodeIdOf(name);
      this.views.set(id, { id, name, site: `site-${name}`, incarnation: 1, reachable: true, cost: 10 });
    }
    this.self = this.views.get(nodeIdOf(self)) as NodeView;
  }

  of(name: string): NodeView & { reachable: boolean; cost: number } {
    return this.views.get(nodeIdOf(name)) as NodeView & { reachable: boolean; cost: number };
  }

  view(id: NodeId): NodeView | undefined {
    return this.views.get(id);
  }

  nodes(): Iterable<NodeView> {
    return this.views.values();
  }

  nextHop(): number {
    return 0;
  }

  pathGeneration(): number {
    return 0;
  }
}

/** Streams that note what they are given. */
export class TestStreams implements AddressStreams {
  readonly controls: { readonly to: NodeId; readonly kind: number; readonly reader: WireReader }[] = [];
  readonly outcomes: { readonly seq: number; readonly outcome: number; readonly detail: OutcomeDetail | null }[] = [];
  readonly full = new Set<NodeId>();
  seals = 0;
  readonly #sets = new Map<string, TargetSet>();

  targetSet(targets: readonly NodeId[]): TargetSet {
    const sorted = [...targets].sort((a, b) => a - b);
    const key = sorted.join(',');
    const set = this.#sets.get(key) ?? { key, targets: sorted };
    this.#sets.set(key, set);
    return set;
  }

  append(): Placement {
    throw new Error('nothing is appended here');
  }

  beginLarge(): number {
    throw new Error('nothing is begun here');
  }

  appendSegment(): void {
    throw new Error('nothing is begun here');
  }

  endLarge(): void {
    throw new Error('nothing is begun here');
  }

  isFull(target: NodeId): boolean {
    return this.full.has(target);
  }

  sendControl(to: NodeId, kind: number, payload: Buffer): void {
    this.controls.push({ to, kind, reader: new WireReader(payload, 0, payload.length) });
  }

  outcome(_origin: NodeId, _receipt: unknown, seq: number, outcome: number, detail: OutcomeDetail | null): void {
    this.outcomes.push({ seq, outcome, detail });
  }

  sealBatches(): void {
    this.seals++;
  }

  sendOutcomes(): void {
    // They are noted as they are told.
  }
}

/** A forwarder that a test scripts. */
export class TestForwarder implements Forwarder {
  allowed = Infinity;
  isCongested = false;
  readonly outcomes: (readonly [slot: number, node: NodeId, outcome: number])[] = [];

  publish(): Verdict {
    return OUTCOME.accepted;
  }

  begin(): LargePublish {
    throw new Error('nothing is begun here');
  }

  arrive(): void {
    throw new Error('nothing arrives here');
  }

  arriveLarge(): void {
    throw new Error('nothing arrives here');
  }

  onOutcome(slot: number, node: NodeId, outcome: number): void {
    this.outcomes.push([slot, node, outcome]);
  }

  onLost(): void {
    throw new Error('nothing is lost here');
  }

  allowance(): number {
    return this.allowed;
  }

  congested(): boolean {
    return this.isCongested;
  }

  pump(): void {
    throw new Error('nothing waits here');
  }

  left(): void {
    // Whoever had something waiting has it no more.
  }
}

export function policy(kind: AddressKind, more: Partial<AddressPolicy> = {}): AddressPolicy {
  return { ...defaultPolicy(kind), ...more };
}

export function entryOf(
  kind: AddressKind,
  name: string,
  more: Partial<AddressPolicy> = {},
  forwarder: Forwarder = new TestForwarder(),
): AddressEntry {
  return new AddressEntry(kind, name, policy(kind, more), forwarder);
}

/** A disk in memory that may be told to fail. */
export class TestSpool implements SpoolPort {
  readonly files = new Set<TestFile>();
  failing = false;

  create(): SpoolFile {
    const file = new TestFile(this);
    this.files.add(file);
    return file;
  }

  get bytes(): number {
    return [...this.files].reduce((sum, { length }) => sum + length, 0);
  }
}

class TestFile implements SpoolFile {
  #bytes = Buffer.alloc(0);

  constructor(private readonly spool: TestSpool) {}

  get length(): number {
    return this.#bytes.length;
  }

  append(bytes: Buffer): void {
    if (this.spool.failing) throw new Error('ENOSPC');
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  read(offset: number, target: Buffer): number {
    return this.#bytes.copy(target, 0, offset, offset + target.length);
  }

  close(): void {
    if (!this.spool.files.delete(this)) throw new Error('closed twice');
  }
}

export const JOURNAL = SILENT_JOURNAL;
export const POOL_BYTES = 1024 * 1024;

export function pool(capacity = POOL_BYTES): ChunkPool {
  return new ChunkPool('test', capacity);
}

/** A consumer's client that takes what its credit allows. */
export class TestClient implements ConsumerHandler {
  allowed = Infinity;
  readonly got: string[] = [];
  readonly tokens: number[] = [];
  /** What it was told to have missed, and the number of the message that it came with. */
  readonly gaps: (readonly [number, Readonly<Record<string, number | null>>])[] = [];
  gone: string | null = null;

  ready(): boolean {
    return this.allowed > 0;
  }

  credit(): number {
    return this.allowed;
  }

  deliver(token: number, _address: unknown, _settled: boolean, payload: Buffer, start: number, end: number): void {
    this.allowed--;
    this.tokens.push(token);
    this.got.push(payload.toString('utf8', start, end));
  }

  deliverLarge(token: number, _address: unknown, _settled: boolean, body: { length: number }): void {
    this.allowed--;
    this.tokens.push(token);
    this.got.push(`large of ${body.length}`);
  }

  onGap(gap: Gap): void {
    this.gaps.push([this.got.length, Object.fromEntries(gap)]);
  }

  onConfirmed(): void {
    // Nobody asks here.
  }

  onSettled(): void {
    // Nobody asks here.
  }

  onDrained(): void {
    // Nobody asks here.
  }

  onGone(error: { code: string }): void {
    this.gone = error.code;
  }
}
