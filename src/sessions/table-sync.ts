import type { WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import { ASK_MS, BUCKETS, COMPARE_MS } from './limits';
import type { Table } from './table';
import type { TableEntry } from './table-entry';
import { TableNews } from './table-news';
import { readDigest, readEntries, TABLE_CONTROL, writeAsk, writeDigest, writePage } from './table-messages';

/** What keeps the tables of the nodes in step. */
export interface TableSyncPorts {
  readonly table: Table;
  now(): number;
  /** Those within reach, without this one. */
  reachable(): readonly NodeId[];
  isReachable(node: NodeId): boolean;
  /** Reliable and in order, while neither end is given up by the other. */
  send(node: NodeId, kind: number, payload: Buffer): void;
  scheduleFlush(): void;
}

/** A part of the table that another node is asked for, page by page. */
interface Asking {
  readonly node: NodeId;
  readonly bucket: number;
  deadline: number;
}

/**
 * What is new here is told to all within reach. What two nodes may have missed of each other is found by comparing digests whenever one
 * becomes reachable, or begins a new life: each asks the other for the parts that differ, one page at a time, so that nobody is flooded.
 */
export class TableSync {
  readonly #news: TableNews;
  /** Digests that were told and not looked at yet. */
  readonly #told = new Map<NodeId, Uint32Array>();
  /** Nodes that are to be told this one's digest at the end of the turn. */
  readonly #toTell = new Set<NodeId>();
  #asking: Asking | null = null;
  #compareAt: number;
  /** Entries of others that were taken. */
  taken = 0;

  /** Nodes that were compared in this life, and have nothing that this one lacks. */
  readonly #met = new Set<NodeId>();

  constructor(private readonly ports: TableSyncPorts) {
    this.#news = new TableNews({ ...ports, compare: (node) => this.compare(node) });
    this.#compareAt = ports.now() + COMPARE_MS;
  }

  /** This node has written an entry. */
  wrote(entry: TableEntry): void {
    this.#news.wrote(entry);
  }

  /** A node is within reach, or has begun a new life: it may have missed something, and this one something of it. */
  compare(node: NodeId): void {
    this.#toTell.add(node);
    this.ports.scheduleFlush();
  }

  gone(node: NodeId): void {
    this.#toTell.delete(node);
    this.#told.delete(node);
    this.#news.gone(node);
    if (this.#asking?.node !== node) return;
    this.#asking = null;
    this.ports.scheduleFlush();
  }

  /** @throws WireError */
  onControl(origin: NodeId, kind: number, reader: WireReader): void {
    if (kind === TABLE_CONTROL.delta) {
      const number = reader.u53();
      this.#take(readEntries(reader));
      this.#news.took(origin, number);
    } else if (kind === TABLE_CONTROL.got) this.#news.onGot(origin, reader.u53());
    else if (kind === TABLE_CONTROL.digest) {
      this.#told.set(origin, readDigest(reader));
      this.ports.scheduleFlush();
    } else if (kind === TABLE_CONTROL.ask) {
      const bucket = reader.u8();
      this.ports.send(origin, TABLE_CONTROL.page, writePage(bucket, this.ports.table.bucket(bucket, reader.text())));
    } else if (kind === TABLE_CONTROL.page) this.#onPage(origin, reader);
  }

  #take(entries: readonly TableEntry[]): void {
    for (const entry of entries) if (this.ports.table.apply(entry)) this.taken++;
  }

  #onPage(origin: NodeId, reader: WireReader): void {
    const bucket = reader.u8();
    const isLast = reader.u8() === 1;
    const entries = readEntries(reader);
    this.#take(entries);
    if (this.#asking?.node !== origin || this.#asking.bucket !== bucket) return;
    const last = entries.at(-1);
    if (isLast || last === undefined) {
      this.#asking = null;
      this.#askNext();
    } else this.#ask(origin, bucket, last.key);
  }

  #ask(node: NodeId, bucket: number, after: string): void {
    this.#asking = { node, bucket, deadline: this.ports.now() + ASK_MS };
    this.ports.send(node, TABLE_CONTROL.ask, writeAsk(bucket, after));
  }

  /** One part of one node at a time: what that one had is not asked of the next. */
  #askNext(): void {
    const own = this.ports.table.digest();
    for (const [node, digest] of this.#told) {
      const bucket = digest.findIndex((told, index) => told !== own[index] && told !== 0);
      if (bucket >= 0) {
        // Looked at once: what still differs then has changed since, or is not kept here.
        digest[bucket] = own[bucket] as number;
        this.#ask(node, bucket, '');
        return;
      }
      this.#told.delete(node);
      this.#met.add(node);
    }
  }

  /** Whether a node was compared in this life, and this one has all that it had then. */
  hasMet(node: NodeId): boolean {
    return this.#met.has(node);
  }

  /** Keys that nodes which are slow are still to be told of. */
  get waiting(): number {
    return this.#news.waiting;
  }

  flush(): void {
    const { ports } = this;
    this.#news.flush();
    if (this.#toTell.size > 0) {
      // Nobody can have missed anything of an empty table: a mesh whose clients leave nothing says nothing about it.
      if (ports.table.size > 0) {
        const digest = writeDigest(ports.table.digest());
        for (const node of this.#toTell) if (ports.isReachable(node)) ports.send(node, TABLE_CONTROL.digest, digest);
      }
      this.#toTell.clear();
    }
    if (this.#asking === null && this.#told.size > 0) this.#askNext();
  }

  tick(now: number): void {
    if (this.#asking !== null && now >= this.#asking.deadline) {
      this.#told.delete(this.#asking.node);
      this.#asking = null;
      this.ports.scheduleFlush();
    }
    if (now < this.#compareAt) return;
    this.#compareAt = now + COMPARE_MS;
    for (const node of this.ports.reachable()) this.compare(node);
  }

  deadline(): number {
    return Math.min(this.#compareAt, this.#asking?.deadline ?? Infinity);
  }

  /** Parts of other nodes' tables that are still to be asked for. */
  get behind(): number {
    const own = this.ports.table.digest();
    let parts = this.#asking === null ? 0 : 1;
    for (const digest of this.#told.values())
      for (let at = 0; at < BUCKETS; at++) if (digest[at] !== own[at] && digest[at] !== 0) parts++;
    return parts;
  }
}
