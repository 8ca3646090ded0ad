import type { ChunkPool } from '../common/chunk';
import type { AddressEntry } from './address-entry';
import { CreditBook } from './credit';
import { LocalPublisher } from './local-publisher';
import { pool } from './parts.fixture';
import { AddressCounters } from './ports';

const EMPTY = Buffer.alloc(0);
const MIB = 1024 * 1024;

/** A credit book, its publishers and its time. */
export class CreditBench {
  now = 0;
  open = true;
  flushes = 0;
  /** How often it was said that memory is short. */
  short = 0;
  readonly retention: ChunkPool;
  readonly credit: CreditBook;
  readonly given = new Map<LocalPublisher, number>();

  constructor(poolBytes: number, retentionBytes = 64 * MIB) {
    this.retention = pool(retentionBytes);
    this.credit = new CreditBook(
      {
        open: () => this.open,
        retention: this.retention,
        shortOfMemory: () => this.short++,
        scheduleFlush: () => this.flushes++,
      },
      poolBytes,
    );
  }

  /** @param likelyBytes 0 for one that has sent nothing yet */
  publisher(entry: AddressEntry | null, likelyBytes = 1_024): LocalPublisher {
    const { credit } = this;
    const publisher: LocalPublisher = new LocalPublisher(
      { credit, counters: new AddressCounters(), live: (same) => same, hold: () => undefined, closed: () => undefined },
      { address: null, hint: null, client: 'test' },
      {
        onCredit: (more) => this.given.set(publisher, this.#given(publisher) + more),
        onOutcome: () => undefined,
        onHold: () => undefined,
        onGone: () => undefined,
      },
      entry,
    );
    publisher.likelyBytes = likelyBytes;
    entry?.publishers.add(publisher);
    credit.opened(publisher);
    return publisher;
  }

  #given(publisher: LocalPublisher): number {
    return this.given.get(publisher) ?? 0;
  }

  turn(ms = 0): void {
    this.now += ms;
    this.credit.flush(this.now);
  }

  /** Takes the credit that a publisher was given since. */
  take(publisher: LocalPublisher): number {
    const given = this.#given(publisher);
    this.given.set(publisher, 0);
    return given;
  }

  use(publisher: LocalPublisher, count: number): void {
    for (let n = 0; n < count; n++) this.credit.used(publisher);
  }

  /** Sends a message, which nobody holds. */
  publish(publisher: LocalPublisher, bytes: number): void {
    publisher.publish(publisher.entry as AddressEntry, 0, EMPTY, 0, bytes, 0);
  }

  close(publisher: LocalPublisher): void {
    if (publisher.closed) return;
    publisher.closed = true;
    publisher.entry?.publishers.delete(publisher);
    this.credit.closed(publisher);
  }
}
