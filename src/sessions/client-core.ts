import type {
  ClientCounts,
  ClientSpace,
  RetainedCursor,
  SessionHandler,
  SessionSpec,
} from '../addresses/client-contract';
import type { AddressRef, AddressSpace } from '../addresses/contract';
import { FairleadError } from '../common/errors';
import type { Clock, Journal } from '../common/ports';
import { WireError, WireReader, WireWriter } from '../common/wire';
import { nodeIdOf, type NodeId } from '../links/contract';
import type { NodeView, Routes } from '../routing/contract';
import { type ClientRecords, TableRecords } from './client-records';
import type { ClientDisk } from './disk-port';
import { KeptRecords, type Told } from './kept-records';
import { TABLE_LOOK_MS } from './limits';
import { Retained } from './retained';
import { SESSION_CONTROL } from './session-messages';
import { Sessions } from './sessions';
import { Table } from './table';
import { readEntry, writeEntry, type TableEntry } from './table-entry';
import { TABLE_CONTROL } from './table-messages';
import { TableSync } from './table-sync';
import { Wills } from './wills';

/** Keys on the disk: entries of the table, and states of sessions that are here. */
const KEPT = { entry: 't', state: 'b' } as const;

/** What all of it is built on. */
export interface ClientPorts {
  readonly self: NodeId;
  readonly selfName: string;
  readonly life: number;
  readonly partitionHoldMs: number;
  /** Names of the nodes that the last run knew. */
  readonly knownNodes: readonly string[];
  readonly clock: Clock;
  readonly journal: Journal;
  readonly routes: Routes;
  readonly addresses: Pick<AddressSpace, 'resolve' | 'openPublisher' | 'unsubscribe'>;
  readonly disk: ClientDisk;
  sendControl(node: NodeId, kind: number, payload: Buffer): void;
  readonly scheduleFlush: () => void;
}

/** What is there, and what was counted, for metrics and management. */
export interface ClientView {
  readonly retained: number;
  readonly retainedBytes: number;
  /** Messages that clients here wanted retained and that were not: too large, or there was no room. */
  readonly retainedRefused: number;
  /** Entries of other nodes that were not kept, for there were too many. */
  readonly entriesDropped: number;
  readonly entriesTaken: number;
  readonly tombstones: number;
  /** Parts of other nodes' tables that are still to be fetched. */
  readonly partsBehind: number;
  /** Changes that wait until other nodes have room for them. */
  readonly keysWaiting: number;
  /** Sessions of the mesh, and those whose client is connected here. */
  readonly sessions: number;
  readonly sessionsHere: number;
  /** Memory of their records. */
  readonly sessionsBytes: number;
  readonly sessionsTaken: number;
  readonly sessionsRefused: number;
  /** Sessions that wait for their node, and those of which something is being ended. */
  readonly sessionsOpening: number;
  readonly sessionsEnding: number;
  readonly willsPublished: number;
  /** Wills that wait for credit. */
  readonly willsWaiting: number;
  readonly willsDropped: number;
}

/** Kinds of control message that are for it. */
export function isClientControl(kind: number): boolean {
  return kind >= TABLE_CONTROL.delta && kind <= TABLE_CONTROL.got;
}

/** What clients leave in the mesh: one table that all nodes keep, and the retained messages and sessions in it. */
export class ClientCore implements ClientSpace {
  readonly records: ClientRecords;
  readonly #table: Table;
  readonly #sync: TableSync;
  readonly #kept: KeptRecords;
  readonly #retained: Retained;
  readonly #sessions: Sessions;
  readonly #wills: Wills;
  #lookAt: number;

  constructor(private readonly ports: ClientPorts) {
    const { clock, scheduleFlush, self, disk, addresses, journal } = ports;
    const now = (): number => clock.now();
    const wall = (): number => clock.wall();
    this.#kept = new KeptRecords(disk, now, scheduleFlush);
    const table = (this.#table = new Table({ self, wall, save: (key, entry) => this.#save(key, entry) }));
    this.#sync = new TableSync({
      table,
      now,
      reachable: () => this.#others(),
      isReachable: (node) => ports.routes.view(node)?.reachable === true,
      send: (...message) => ports.sendControl(...message),
      scheduleFlush,
    });
    const wrote = (entry: TableEntry): void => this.#sync.wrote(entry);
    const whenKept = (told: Told): void => this.#kept.whenKept(told);
    this.#retained = new Retained({ table, wall, wrote, whenKept });
    this.#wills = new Wills({ addresses, journal, scheduleFlush, retain: (...will) => this.#retainWill(...will) });
    this.#sessions = this.#makeSessions(now, wall, wrote, whenKept);
    this.records = new TableRecords({
      table,
      retained: this.#retained,
      sessions: this.#sessions,
      nameOf: (node) => (node === self ? ports.selfName : (ports.routes.view(node)?.name ?? null)),
      isReachable: (name) => name === ports.selfName || this.#reachable(name) !== undefined,
    });
    this.#lookAt = now() + TABLE_LOOK_MS;
    this.#load();
  }

  #makeSessions(
    now: () => number,
    wall: () => number,
    wrote: (entry: TableEntry) => void,
    whenKept: (told: Told) => void,
  ): Sessions {
    const { ports } = this;
    const { self, selfName, life, partitionHoldMs, scheduleFlush } = ports;
    return new Sessions({
      table: this.#table,
      self,
      selfName,
      life,
      partitionHoldMs,
      now,
      wall,
      wrote,
      whenKept,
      saveState: (clientId, state) => this.#kept.save(KEPT.state + clientId, state),
      reachable: (name) => this.#reachable(name),
      hasMetAll: () => this.#hasMetAll(),
      isLowest: () => this.#others().every((node) => node > self),
      send: (...message) => ports.sendControl(...message),
      unsubscribe: (ref, done) => {
        try {
          ports.addresses.unsubscribe(ref, done);
        } catch (error) {
          if (!(error instanceof FairleadError)) throw error;
          done(error);
        }
      },
      publish: (will) => this.#wills.add(will),
      scheduleFlush,
    });
  }

  #reachable(name: string): NodeId | undefined {
    const view = this.ports.routes.view(nodeIdOf(name));
    return view?.reachable === true ? view.id : undefined;
  }

  #hasMetAll(): boolean {
    const { self, knownNodes } = this.ports;
    return knownNodes.every((name) => nodeIdOf(name) === self || this.#sync.hasMet(nodeIdOf(name)));
  }

  #others(): NodeId[] {
    const nodes: NodeId[] = [];
    for (const { id, reachable } of this.ports.routes.nodes()) if (reachable && id !== this.ports.self) nodes.push(id);
    return nodes;
  }

  #save(key: string, entry: TableEntry | null): void {
    this.#kept.save(KEPT.entry + key, () => (entry === null ? null : writeEntry(new WireWriter(), entry).take()));
  }

  #load(): void {
    this.ports.disk.load((key, value) => {
      if (key.startsWith(KEPT.state)) this.#sessions.loadState(key.slice(1), Buffer.from(value));
      else if (key.startsWith(KEPT.entry)) this.#loadEntry(value);
    });
  }

  #loadEntry(value: Buffer): void {
    try {
      this.#table.load(readEntry(new WireReader(value)));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.ports.journal.warn('client-record-damaged', { error: error.message });
    }
  }

  #retainWill(address: AddressRef, payload: Buffer): void {
    this.#retained.retain(address, payload, 0, payload.length, () => undefined);
  }

  // --- what listeners ask ------------------------------------------------------------------------------------------------------

  retain(topic: AddressRef, payload: Buffer, start: number, end: number, done: Told): void {
    this.#retained.retain(topic, payload, start, end, done);
  }

  retained(filter: string): RetainedCursor {
    return this.#retained.retained(filter);
  }

  openSession(spec: SessionSpec, handler: SessionHandler): () => void {
    return this.#sessions.open(spec, handler);
  }

  counts(): ClientCounts {
    return { retained: this.#retained.count, sessionsHere: this.#sessions.book.ownedHere() };
  }

  view(): ClientView {
    const retained = this.#retained;
    const sessions = this.#sessions;
    return {
      retained: retained.count,
      retainedBytes: retained.bytes,
      retainedRefused: retained.refused,
      entriesDropped: retained.dropped + sessions.book.dropped,
      entriesTaken: this.#sync.taken,
      tombstones: this.#table.tombstones,
      partsBehind: this.#sync.behind,
      keysWaiting: this.#sync.waiting,
      sessions: sessions.book.size,
      sessionsHere: sessions.connected,
      sessionsBytes: sessions.book.bytes,
      sessionsTaken: sessions.takenOver,
      sessionsRefused: sessions.openings.refused,
      sessionsOpening: sessions.openings.size,
      sessionsEnding: sessions.ending,
      willsPublished: sessions.watch.willsPublished,
      willsWaiting: this.#wills.waiting,
      willsDropped: this.#wills.dropped,
    };
  }

  // --- what the mesh brings ----------------------------------------------------------------------------------------------------

  /** @throws WireError */
  onControl(origin: NodeId, kind: number, reader: WireReader): void {
    if (kind === SESSION_CONTROL.take || kind === SESSION_CONTROL.taken) this.#sessions.onControl(origin, kind, reader);
    else this.#sync.onControl(origin, kind, reader);
  }

  onReachable({ id, name }: NodeView): void {
    this.#sync.compare(id);
    this.#sessions.onReachable(name);
  }

  onUnreachable({ id, name }: NodeView): void {
    this.#sync.gone(id);
    this.#sessions.onUnreachable(id, name);
  }

  /** It begins a new life: what was on the way to its former one is lost. */
  onIncarnation({ id, name, reachable }: NodeView): void {
    this.#sync.gone(id);
    this.#sessions.onUnreachable(id, name);
    if (reachable) this.#sync.compare(id);
  }

  /** To every other node this one is another from now on. */
  onOwnIncarnation(): void {
    for (const node of this.#others()) this.#sync.compare(node);
  }

  // --- time and the end of a turn ----------------------------------------------------------------------------------------------

  flush(): void {
    this.#sessions.flush();
    this.#wills.flush();
    this.#kept.flush();
    this.#sync.flush();
  }

  tick(now: number): void {
    this.#sessions.tick(now);
    this.#sync.tick(now);
    this.#kept.tick(now);
    if (now < this.#lookAt) return;
    this.#lookAt = now + TABLE_LOOK_MS;
    this.#table.look();
  }

  deadline(): number {
    return Math.min(this.#sessions.deadline(), this.#sync.deadline(), this.#kept.deadline(), this.#lookDeadline);
  }

  get #lookDeadline(): number {
    return this.#table.size === 0 ? Infinity : this.#lookAt;
  }

  /** All that was to be written is on the disk. */
  get settled(): boolean {
    return this.#kept.isIdle;
  }
}
