import { WireReader, WireWriter } from '../common/wire';
import type { GroupCompanion, QueueHost } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import { readClaim, writeClaim, type QueueClaim } from './queue-claim';

/**
 * Kind of records: name, stints, what was seen and claim of each subscription that lives here, or has moved away, by number. Those below
 * 32 are of the queues themselves.
 */
const SPACE_SUBSCRIPTIONS = 48;

/** When a subscription was here, by this node's clock of such changes: from, and until, which is 0 while it is. */
export type Stint = readonly [since: number, until: number];

/** A state of another node's facts. */
export interface Seen {
  readonly incarnation: number;
  readonly version: number;
}

/** A subscription that lives here, or did. */
export interface SubscriptionRecord {
  readonly name: string;
  readonly claim: QueueClaim;
  readonly stints: readonly Stint[];
  /** Of one that has moved away: it was where its claim says when that node's facts were so. Null for one that lives here. */
  readonly seen: Seen | null;
}

/** A change that is not on the disk yet. */
interface Change {
  readonly id: number;
  /** Null for one that is gone. */
  readonly value: Buffer | null;
  readonly done: () => void;
}

/** What this node's disk knows of subscriptions: written until it succeeds. */
export class SubscriptionRecords {
  readonly #ids = new Map<string, number>();
  #lastId = 0;
  /** The newest of each number that is not on the disk. */
  readonly #changes = new Map<number, Change>();

  constructor(
    private readonly store: QueueStore,
    private readonly host: () => Pick<QueueHost, 'join'>,
    private readonly scheduleFlush: () => void,
  ) {}

  /** What the last life left. */
  load(): readonly SubscriptionRecord[] {
    const found: SubscriptionRecord[] = [];
    this.store.scan(SPACE_SUBSCRIPTIONS, 0, 0, Number.MAX_SAFE_INTEGER, (id, value) => {
      const reader = new WireReader(value);
      const name = reader.text();
      const stints = readStints(reader);
      const seen = { incarnation: reader.u53(), version: reader.u53() };
      this.#ids.set(name, id);
      this.#lastId = id;
      const claim = readClaim(reader.rest());
      found.push({ name, claim, stints, seen: claim.movedTo === undefined ? null : seen });
      return true;
    });
    return found;
  }

  /** @param done told once it is on the disk, unless it is changed again before */
  set({ name, claim, stints, seen }: SubscriptionRecord, done: () => void): void {
    const id = this.#ids.get(name) ?? ++this.#lastId;
    this.#ids.set(name, id);
    const writer = new WireWriter().text(name).u16(stints.length);
    for (const [since, until] of stints) writer.u53(since).u53(until);
    writer.u53(seen?.incarnation ?? 0).u53(seen?.version ?? 0);
    this.#change({ id, value: writer.raw(writeClaim(claim)).take(), done });
  }

  delete(name: string, done: () => void): void {
    const id = this.#ids.get(name);
    if (id === undefined) {
      done();
      return;
    }
    this.#ids.delete(name);
    this.#change({ id, value: null, done });
  }

  #change(change: Change): void {
    const { id, value } = change;
    if (value === null) this.store.delete(SPACE_SUBSCRIPTIONS, 0, id);
    else this.store.put(SPACE_SUBSCRIPTIONS, 0, id, value);
    this.#changes.set(id, change);
    this.host().join(this.#companion(change), false);
    this.scheduleFlush();
  }

  #companion(change: Change): GroupCompanion {
    return {
      closing: () => undefined,
      done: (error) => {
        if (this.#changes.get(change.id) !== change) return;
        if (error !== null) {
          this.#change(change);
          return;
        }
        this.#changes.delete(change.id);
        change.done();
      },
    };
  }
}

function readStints(reader: WireReader): Stint[] {
  return Array.from({ length: reader.u16() }, (): Stint => [reader.u53(), reader.u53()]);
}
