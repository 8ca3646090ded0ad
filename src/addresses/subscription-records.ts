import { WireReader, WireWriter } from '../common/wire';
import type { GroupCompanion, QueueHost } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import { readClaim, writeClaim, type QueueClaim } from './queue-claim';

/** Kind of records: name and claim of each subscription that lives here, by number. Those below 32 are of the queues themselves. */
const SPACE_SUBSCRIPTIONS = 48;

/** A change that is not on the disk yet. */
interface Change {
  readonly id: number;
  /** Null for one that is gone. */
  readonly value: Buffer | null;
  readonly done: () => void;
}

/** What this node's disk knows of the subscriptions that live here: written until it succeeds. */
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
  load(): [name: string, claim: QueueClaim][] {
    const found: [string, QueueClaim][] = [];
    this.store.scan(SPACE_SUBSCRIPTIONS, 0, 0, Number.MAX_SAFE_INTEGER, (id, value) => {
      const reader = new WireReader(value);
      const name = reader.text();
      this.#ids.set(name, id);
      this.#lastId = id;
      found.push([name, readClaim(reader.rest())]);
      return true;
    });
    return found;
  }

  /** @param done told once it is on the disk, unless it is changed again before */
  set(name: string, claim: QueueClaim, done: () => void): void {
    const id = this.#ids.get(name) ?? ++this.#lastId;
    this.#ids.set(name, id);
    this.#change({ id, value: new WireWriter().text(name).raw(writeClaim(claim)).take(), done });
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
