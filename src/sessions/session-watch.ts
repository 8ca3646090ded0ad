import { SESSION_LOOK_MS, SESSIONS_START_MS } from './limits';
import type { SessionBook } from './session-book';
import type { SessionRecord } from './session-record';
import type { SessionsPorts } from './sessions-ports';

export interface SessionWatchPorts extends Pick<
  SessionsPorts,
  'selfName' | 'life' | 'partitionHoldMs' | 'now' | 'wall' | 'reachable' | 'hasMetAll' | 'isLowest' | 'publish'
> {
  readonly book: SessionBook;
  /** The session is over. */
  end(clientId: string, record: SessionRecord): void;
}

/** When its client has gone: the session as it is from then on. */
export function leftAt(record: SessionRecord, wall: number, will: boolean): SessionRecord {
  const { expiryMs } = record;
  const kept = will ? record.will : null;
  return {
    ...record,
    life: 0,
    endsAt: expiryMs === Infinity ? 0 : Math.floor(wall + expiryMs),
    will: kept,
    willAt: kept === null ? 0 : Math.floor(wall + Math.min(kept.delayMs, expiryMs)),
  };
}

/** Does for sessions what their time has come for: wills are published, and what has expired ends. */
export class SessionWatch {
  /** Since when nodes that have clients with wills are out of reach. */
  readonly #lostSince = new Map<string, number>();
  readonly #startedAt: number;
  #lookAt: number;
  #begun = false;
  willsPublished = 0;

  constructor(private readonly ports: SessionWatchPorts) {
    this.#startedAt = ports.now();
    this.#lookAt = this.#startedAt + SESSION_LOOK_MS;
  }

  back(node: string): void {
    this.#lostSince.delete(node);
  }

  tick(now: number): void {
    if (now < this.#lookAt) return;
    this.#lookAt = now + SESSION_LOOK_MS;
    if (!this.#begun) this.#begun = now >= this.#startedAt + SESSIONS_START_MS || this.ports.hasMetAll();
    // What the last run left is looked at once others could tell what they did meanwhile.
    if (!this.#begun) return;
    const wall = this.ports.wall();
    for (const clientId of [...this.ports.book.watched]) {
      const record = this.ports.book.get(clientId);
      if (record === null) continue;
      if (record.owner === this.ports.selfName) this.#lookAtOwn(clientId, record, wall);
      else this.#lookAtOther(clientId, record, now, wall);
    }
  }

  deadline(): number {
    return this.ports.book.watched.size === 0 ? Infinity : this.#lookAt;
  }

  #lookAtOwn(clientId: string, record: SessionRecord, wall: number): void {
    if (record.isEnding) this.ports.end(clientId, record);
    else if (record.life !== 0) this.left(clientId, record, wall, true);
    else {
      if (record.will !== null && record.willAt <= wall) this.#publish(clientId, record);
      const now = this.ports.book.get(clientId);
      if (now !== null && now.endsAt !== 0 && now.endsAt <= wall) this.ports.end(clientId, now);
    }
  }

  /** Its client has gone. @param will it is to be published, in its time */
  left(clientId: string, record: SessionRecord, wall: number, will: boolean): void {
    const left = leftAt(record, wall, will);
    if (left.will !== null && left.willAt <= wall) this.#publish(clientId, left);
    else this.ports.book.write(clientId, left);
    const now = this.ports.book.get(clientId);
    if (now !== null && record.expiryMs <= 0) this.ports.end(clientId, now);
  }

  /** A node that is gone for longer than partitions are waited for: the lowest of those that are left publishes the wills of its clients. */
  #lookAtOther(clientId: string, record: SessionRecord, now: number, wall: number): void {
    const { owner, will, expiryMs, life, willAt } = record;
    if (will === null || this.ports.reachable(owner) !== undefined) return;
    const lost = this.#lostSince.get(owner) ?? now;
    this.#lostSince.set(owner, lost);
    const givenUpAt = lost + this.ports.partitionHoldMs;
    if (now < givenUpAt || !this.ports.isLowest()) return;
    const isDue = life === 0 ? wall >= willAt : now >= givenUpAt + Math.min(will.delayMs, expiryMs);
    if (isDue) this.#publish(clientId, record);
  }

  /** Published, and known to be: whoever knows that does not do it again. */
  #publish(clientId: string, record: SessionRecord): void {
    this.publishNow(record);
    this.ports.book.write(clientId, { ...record, will: null, willAt: 0 });
  }

  publishNow({ will }: SessionRecord): void {
    if (will === null) return;
    this.willsPublished++;
    this.ports.publish(will);
  }
}
