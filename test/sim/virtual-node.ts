import { SILENT_JOURNAL } from '../../src/common/ports';
import { nodeIdOf, type NodeIdentity } from '../../src/links/contract';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../../src/links/limits';
import type { AddressRule, DurablePort, MeshCounters, MeshNode } from '../../src/mesh/contract';
import { createMeshNode } from '../../src/mesh/mesh-node';
import { ModelStore } from '../../src/queues/model-store.fixture';
import { ModelDisk } from '../../src/sessions/model-disk.fixture';
import type { OriginFacts } from '../../src/routing/contract';
import type { SpoolFile } from '../../src/streams/reassembly';
import { VirtualDisk } from './virtual-disk';
import type { VirtualMesh } from './virtual-mesh';

const FIRST_BOOT = 1_000;
/** How long what clients leave takes to the disk. */
const CLIENT_FLUSH_MS = 3;
const WALL_ZERO = 1_700_000_000_000;

/** One life of a node. */
export interface Life {
  readonly life: number;
  readonly bornAt: number;
  /** What it had counted when it ended; null while it lasts. */
  last: MeshCounters | null;
}

/** A node that can be killed and started again, with or without what it had written. */
export class VirtualNode {
  node: MeshNode | null = null;
  life = 0;
  withdrawn: string | null = null;
  /** It has ended its links on purpose, and ends itself next. */
  leaving = false;
  /** Its loop stands still until that time. */
  stalledUntil = 0;
  /** By how much its wall clock is off. */
  wallOffsetMs = 0;
  /** Mesh protocol versions that it says it speaks. */
  protocol: readonly [min: number, max: number] = [PROTOCOL_MIN, PROTOCOL_MAX];
  knownNodes: readonly string[] = [];
  /** Facts on its disk, by origin. */
  readonly facts = new Map<string, OriginFacts>();
  boots = FIRST_BOOT;
  readonly lives: Life[] = [];
  /** Lives that began with nodes to wait for. */
  startHolds = 0;
  /** Its process has ended, by whomever: also when it withdrew. */
  onDied = (): void => undefined;
  /** What its queues have written, and the disk of its present life. */
  #records = new ModelStore();
  #disk: VirtualDisk | null = null;
  /** What clients have left, and the disk of it in its present life. */
  #clientDisk = new ModelDisk();
  clientLife = new ModelDisk();
  #flushAsked = false;
  #tickAt = Infinity;

  constructor(
    readonly mesh: VirtualMesh,
    readonly name: string,
    public rules: readonly AddressRule[],
  ) {}

  /** What is on the disk of its queues. */
  get records(): ModelStore {
    return this.#records;
  }

  get id(): number {
    return nodeIdOf(this.name);
  }

  get alive(): boolean {
    return this.node !== null;
  }

  /** The running node; the caller knows that it lives. */
  get running(): MeshNode {
    if (this.node === null) throw new Error(`${this.name} is not running`);
    return this.node;
  }

  start(): MeshNode {
    const { time, limits, random } = this.mesh;
    this.life++;
    this.leaving = false;
    // As the application does: above the last boot, and not below the wall clock's seconds.
    this.boots = Math.max(this.boots + 1, FIRST_BOOT + Math.floor((time.now + this.wallOffsetMs) / 1_000));
    if (this.knownNodes.length > 0) this.startHolds++;
    const { life } = this;
    this.lives.push({ life, bornAt: time.now, last: null });
    const incarnation = this.boots * 0x1_0000 + (random.u32() % 0x1_0000);
    this.#disk = new VirtualDisk(time, this.#records, random, () => life === this.life);
    const identity: NodeIdentity = { id: this.id, name: this.name, site: this.name, incarnation };
    this.clientLife = this.#clientDisk.newLife((done) =>
      time.after(CLIENT_FLUSH_MS, () => life === this.life && done()),
    );
    this.node = createMeshNode({
      identity,
      rules: this.rules,
      defaultKind: 'topic',
      limits,
      clock: { now: () => time.now, wall: () => WALL_ZERO + time.now + this.wallOffsetMs },
      random,
      journal: SILENT_JOURNAL,
      spool: { create: () => new MemoryFile() },
      durable: { saveKnownNodes: (names) => (this.knownNodes = names), saveFacts: this.#saveFacts },
      lastRun: { knownNodes: this.knownNodes, facts: [...this.facts.values()] },
      queueStore: this.#disk,
      clientDisk: this.clientLife,
      scheduleFlush: () => this.#askFlush(life),
      onWithdrawn: (reason) => {
        this.withdrawn = reason;
        time.after(0, () => life === this.life && this.kill());
      },
    });
    this.#arm(life, time.now);
    this.mesh.redial();
    return this.node;
  }

  readonly #saveFacts: DurablePort['saveFacts'] = (origin, stamp, changes) => {
    const entries = new Map(this.facts.get(origin)?.entries);
    for (const [key, value] of changes) {
      if (value === null) entries.delete(key);
      else entries.set(key, Buffer.from(value));
    }
    this.facts.set(origin, { origin, stamp, entries });
  };

  #askFlush(life: number): void {
    if (this.#flushAsked || life !== this.life) return;
    this.#flushAsked = true;
    this.mesh.time.at(Math.max(this.mesh.time.now, this.stalledUntil), () => {
      if (life !== this.life || this.node === null) return;
      this.#flushAsked = false;
      this.#arm(life, this.node.flush());
    });
  }

  #arm(life: number, deadline: number): void {
    const { time } = this.mesh;
    const at = Math.max(deadline, time.now + 1, this.stalledUntil);
    if (at >= this.#tickAt || deadline === Infinity) return;
    this.#tickAt = at;
    time.at(at, () => {
      if (life !== this.life || this.node === null || this.#tickAt !== at) return;
      this.#tickAt = Infinity;
      if (time.now < this.stalledUntil) this.#arm(life, this.stalledUntil);
      else this.#arm(life, this.node.tick());
    });
  }

  /** What each of its lives has counted. */
  counters(): readonly { readonly life: number; readonly counters: MeshCounters }[] {
    return this.lives.map(({ life, last }) => ({ life, counters: last ?? this.running.counters() }));
  }

  /** Stops its loop for a while (SIGSTOP, or a turn that takes long); its sockets stay open. */
  stall(ms: number): void {
    this.stalledUntil = Math.max(this.stalledUntil, this.mesh.time.now + ms);
  }

  /** The disk of its queues fails, or is full, until it is mended or the process ends. */
  breakDisk(state: 'full' | 'failed'): void {
    if (this.alive) this.#disk?.break(state);
  }

  mendDisk(): void {
    if (this.alive) this.#disk?.mend();
  }

  /** Ends the process at once; what it has not written is gone, and the sockets are reset. */
  kill(options: { readonly loseDisk?: boolean } = {}): void {
    if (this.node === null) return;
    const counters = this.node.counters();
    (this.lives.at(-1) as Life).last = { ...counters, dropped: new Map(counters.dropped) };
    this.node = null;
    this.life++;
    this.stalledUntil = 0;
    this.#flushAsked = false;
    this.#tickAt = Infinity;
    this.#records = this.#disk?.crash() ?? this.#records;
    if (options.loseDisk === true) {
      this.#records = new ModelStore();
      this.#clientDisk = new ModelDisk();
      this.#records.putEpoch = 1 + this.life;
      this.knownNodes = [];
      this.facts.clear();
      this.boots = FIRST_BOOT;
    }
    this.mesh.closeWiresOf(this);
    this.onDied();
  }
}

class MemoryFile implements SpoolFile {
  readonly #parts: Buffer[] = [];
  #whole: Buffer | null = null;

  append(bytes: Buffer): void {
    this.#parts.push(Buffer.from(bytes));
    this.#whole = null;
  }

  read(offset: number, target: Buffer): number {
    this.#whole ??= Buffer.concat(this.#parts);
    return this.#whole.copy(target, 0, offset, offset + target.length);
  }

  close(): void {
    this.#parts.length = 0;
    this.#whole = null;
  }
}
