import type { NodeId } from '../links/contract';
import { TABLE_LOOK_ENTRIES } from './limits';
import { LETTER as RETAINED, type Retained } from './retained';
import { LETTER as SESSION } from './session-book';
import type { SessionRecord } from './session-record';
import type { Sessions } from './sessions';
import type { Table } from './table';
import type { TableEntry } from './table-entry';

/** A session as its owner and the table have it. */
export interface SessionView {
  readonly client: string;
  /** Empty for one of a version that did not say it. */
  readonly protocol: string;
  /** Name of the node where its client is, or was last, and whether that is within reach. */
  readonly node: string;
  readonly reachable: boolean;
  readonly connected: boolean;
  /** How long it outlives its connection; Infinity for ever. */
  readonly expiryMs: number;
  /** When it ends while its client is away: wall-clock ms; null for never. */
  readonly endsAt: number | null;
  readonly subscriptions: readonly { readonly filter: string; readonly durable: boolean }[];
  readonly will: boolean;
  /** Null for one of another node. */
  readonly here: {
    /** Messages that its client has and has not acknowledged; null while that is away. */
    readonly inFlight: number | null;
    readonly stateBytes: number;
  } | null;
}

/** A retained message without its bytes. */
export interface RetainedView {
  readonly topic: string;
  readonly bytes: number;
  /** Wall-clock ms. */
  readonly at: number;
  readonly expiresAt: number | null;
  /** Name of the node where it was published; null where that is not known any more. */
  readonly node: string | null;
}

/** Some of many, in an order that stays; `next` is what the others come behind, null where there are none. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

/** What operators see of what clients have left in the mesh. */
export interface ClientRecords {
  /** @param after as {@link Page.next} said; empty for the beginning */
  sessions(after: string, count: number): Page<SessionView>;
  session(client: string): SessionView | null;
  retainedPage(after: string, count: number): Page<RetainedView>;
  retainedOf(topic: string): (RetainedView & { readonly payload: Buffer }) | null;
}

export interface ClientRecordsPorts {
  readonly table: Table;
  readonly retained: Retained;
  readonly sessions: Sessions;
  nameOf(node: NodeId): string | null;
  isReachable(name: string): boolean;
}

/** Rows of the table, page by page: a page looks at so many entries at most, whatever it finds. */
export class TableRecords implements ClientRecords {
  constructor(private readonly ports: ClientRecordsPorts) {}

  sessions(after: string, count: number): Page<SessionView> {
    return this.#page(SESSION, after, count, ({ key }) => this.session(key.slice(1)));
  }

  retainedPage(after: string, count: number): Page<RetainedView> {
    return this.#page(RETAINED, after, count, (entry) => this.#retained(entry));
  }

  #page<Row>(letter: string, after: string, count: number, rowOf: (entry: TableEntry) => Row | null): Page<Row> {
    const rows: Row[] = [];
    let looks = TABLE_LOOK_ENTRIES;
    let last = after;
    for (const entry of this.ports.table.from(after)) {
      if (rows.length === count || looks-- === 0) return { rows, next: last };
      last = entry.key;
      const row = entry.key.startsWith(letter) && entry.value !== null ? rowOf(entry) : null;
      if (row !== null) rows.push(row);
    }
    return { rows, next: null };
  }

  session(client: string): SessionView | null {
    const record = this.ports.sessions.book.get(client);
    return record === null ? null : this.#viewOf(client, record);
  }

  #viewOf(client: string, record: SessionRecord): SessionView {
    const { owner, protocol, life, expiryMs, endsAt, subscriptions, will } = record;
    return {
      client,
      protocol,
      node: owner,
      reachable: this.ports.isReachable(owner),
      connected: life !== 0,
      expiryMs,
      endsAt: endsAt === 0 ? null : endsAt,
      subscriptions: subscriptions.map(({ filter, durable }) => ({ filter, durable: durable !== null })),
      will: will !== null,
      here: this.ports.sessions.here(client, record),
    };
  }

  #retained(entry: TableEntry): RetainedView | null {
    const message = this.ports.retained.messageOf(entry);
    if (message === null) return null;
    const { address, payload, at, expiresAt } = message;
    const node = this.ports.nameOf(entry.node);
    return { topic: address.name, bytes: payload.length, at, expiresAt, node };
  }

  retainedOf(topic: string): (RetainedView & { readonly payload: Buffer }) | null {
    const entry = this.ports.table.get(RETAINED + topic);
    const message = entry === null ? null : this.ports.retained.messageOf(entry);
    const view = entry === null ? null : this.#retained(entry);
    return message === null || view === null ? null : { ...view, payload: message.payload };
  }
}
