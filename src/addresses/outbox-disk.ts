import { FairleadError } from '../common/errors';
import type { PutSink } from '../queues/contract';
import { OUTCOME, type OutcomeDetail } from '../streams/contract';
import type { ForwarderPorts } from './forwarder';
import { OutboxBatch, type OutboxPut } from './outbox-batch';
import { OutboxDestinations } from './outbox-destinations';
import { OutboxPayloads, type PayloadName } from './outbox-payloads';
import type { OutboxPorts } from './outbox-ports';
import { numberIn, numberRecord, OUTBOX_SPACE, sizeOf, totalsIn, totalsRecord } from './outbox-records';
import { OutboxRecount } from './outbox-recount';
import type { Outgoing } from './outgoing';

export const LIMIT = 'amqp:resource-limit-exceeded';
export const DISK_FULL: OutcomeDetail = { condition: LIMIT, description: 'the disk of this node is full' };
export const NOT_WRITTEN: OutcomeDetail = {
  condition: 'amqp:internal-error',
  description: 'the message could not be written to disk',
};

/** What is told of the records of the outbox. */
export interface OutboxDiskEvents {
  /** Something of a destination may be forwarded. */
  onReady(to: Outgoing): void;
  /** Nothing of it is remembered any more. */
  onForgotten(to: Outgoing): void;
}

/** The records of the outbox: each turn's are one group of the store, with what queues change in it. */
export class OutboxDisk {
  readonly payloads: OutboxPayloads;
  readonly destinations: OutboxDestinations;
  /** What goes into the group of this turn. */
  #batch: OutboxBatch | null = null;
  /** That, and those on their way to the disk. */
  readonly #open = new Set<OutboxBatch>();
  #lastKey = 0;
  /** The number that the disk knows as the last. */
  #savedKey = -1;

  constructor(
    private readonly shared: ForwarderPorts,
    private readonly ports: OutboxPorts,
    private readonly events: OutboxDiskEvents,
  ) {
    const { store, host } = ports;
    this.payloads = new OutboxPayloads(store, host, () => this.#change(true));
    this.destinations = new OutboxDestinations(
      ports,
      shared.clock,
      (mayWait) => this.#change(mayWait),
      (to) => events.onForgotten(to),
    );
  }

  /** What the last life left goes on. @throws RecordDamagedError when it is not known for whom */
  start(): void {
    const { store } = this.ports;
    const names = this.#scan(OUTBOX_SPACE.names, (value) => value.toString());
    const totals = this.#scan(OUTBOX_SPACE.totals, (value) => totalsIn(value));
    const last = store.get(OUTBOX_SPACE.totals, 0, 0);
    this.#lastKey = last === null ? 0 : numberIn(last);
    // After a salvage.
    const recount = last === null && names.size > 0 ? this.#recount(names.keys()) : null;
    for (const [id, name] of names) {
      const to = this.destinations.add(name, id);
      to.durable = Math.max(0, store.last(OUTBOX_SPACE.messages, id));
      const { messages, bytes } = recount?.totals(id) ?? totals.get(id) ?? { messages: 0, bytes: 0 };
      to.count(messages, bytes);
      this.destinations.review(to);
      this.#lastKey = Math.max(this.#lastKey, to.durable);
      if (recount !== null) this.#change(false).touched.add(to);
      this.events.onReady(to);
    }
  }

  #scan<T>(space: number, read: (value: Buffer) => T): Map<number, T> {
    const found = new Map<number, T>();
    this.ports.store.scan(space, 0, 1, Number.MAX_SAFE_INTEGER, (id, value) => {
      found.set(id, read(value));
      return true;
    });
    return found;
  }

  #recount(destinations: Iterable<number>): OutboxRecount {
    const recount = new OutboxRecount(this.ports.store, destinations);
    recount.payloads((id, record, holders) => this.payloads.counted(id, record, holders));
    this.#lastKey = recount.last;
    return recount;
  }

  /** The number of a message that comes now. */
  nextKey(): number {
    return ++this.#lastKey;
  }

  /** Number of the oldest that waits for an address, and of the newest of all. */
  span(name: string): { readonly first: number; readonly last: number } {
    const to = this.destinations.find(name);
    let first = to?.oldestStoring ?? Number.MAX_SAFE_INTEGER;
    if (to !== undefined && to.messages > 0) {
      // What is behind the newest one on the disk is on its way there.
      first = Math.min(first, to.durable + 1);
      this.ports.store.scan(OUTBOX_SPACE.messages, to.id, 0, first, (key) => {
        first = key;
        return false;
      });
    }
    return { first, last: this.#lastKey };
  }

  /** Writes a message with this turn's group. @param payload that which it came with, when its record only names it */
  enter(to: Outgoing, key: number, record: Buffer, payload: PayloadName | null): void {
    const batch = this.#change(false);
    const bytes = sizeOf(record);
    this.ports.store.put(OUTBOX_SPACE.messages, to.id, key, record);
    batch.puts.push({ to, key, bytes, payload, again: null });
    to.count(1, bytes);
    batch.touched.add(to);
  }

  /** The same of one that is counted and accepted already. */
  enterAgain(to: Outgoing, key: number, record: Buffer): void {
    this.ports.store.put(OUTBOX_SPACE.messages, to.id, key, record);
    this.#change(false).puts.push({ to, key, bytes: sizeOf(record), payload: null, again: record });
  }

  /** Tells somebody once this turn's group is on the disk. */
  answer(sink: PutSink, token: number): void {
    this.#change(false).answers.push({ sink, token });
  }

  /** What had its place before is stored, or never will be: what is newer waits for it no more. */
  stored(to: Outgoing, key: number): void {
    to.stored(key);
    this.destinations.review(to);
    this.events.onReady(to);
  }

  /** Deletes a message, with a group that may wait. */
  erase(to: Outgoing, key: number): void {
    this.#erase(to.id, key);
  }

  /** It may still be read, and is deleted already. */
  isErasing({ id }: Outgoing, key: number): boolean {
    for (const { erased } of this.#open) if (erased.some((each) => each.id === id && each.key === key)) return true;
    return false;
  }

  #erase(id: number, key: number): void {
    this.ports.store.delete(OUTBOX_SPACE.messages, id, key);
    this.#change(true).erased.push({ id, key });
  }

  /** A destination has one message less. */
  uncount(to: Outgoing, bytes: number): void {
    to.count(-1, -bytes);
    this.#change(true).touched.add(to);
    this.destinations.review(to);
  }

  // --- groups ------------------------------------------------------------------------------------------------------------------

  /** @param mayWait nobody waits for the change */
  #change(mayWait: boolean): OutboxBatch {
    const batch = (this.#batch ??= this.#begin());
    this.ports.host.join(batch, mayWait);
    this.shared.scheduleFlush();
    return batch;
  }

  #begin(): OutboxBatch {
    const batch = new OutboxBatch(
      () => this.#closing(batch),
      (error) => this.#done(batch, error),
    );
    this.#open.add(batch);
    return batch;
  }

  #done(batch: OutboxBatch, error: Error | null): void {
    this.#open.delete(batch);
    if (error === null) this.#written(batch);
    else this.#failed(batch, error);
  }

  #closing(batch: OutboxBatch): void {
    const { store } = this.ports;
    this.#batch = null;
    this.payloads.write(batch);
    for (const to of batch.touched)
      if (this.destinations.isKnown(to)) store.put(OUTBOX_SPACE.totals, 0, to.id, totalsRecord(to));
    if (this.#savedKey === this.#lastKey) return;
    store.put(OUTBOX_SPACE.totals, 0, 0, numberRecord(this.#lastKey));
    this.#savedKey = this.#lastKey;
  }

  #written(batch: OutboxBatch): void {
    for (const counts of batch.waiting) counts.done(null);
    for (const { to, key } of batch.puts) {
      to.durable = Math.max(to.durable, key);
      to.stored(key);
      this.events.onReady(to);
    }
    for (const { sink, token } of batch.answers) sink.onPut(token, OUTCOME.accepted, null);
  }

  /** Nothing of it may be on the disk: what would have been written is not forwarded, what would have gone is deleted again. */
  #failed(batch: OutboxBatch, error: Error): void {
    this.#savedKey = -1;
    this.destinations.again(batch);
    for (const { id, key } of batch.erased) this.#erase(id, key);
    for (const put of batch.puts) this.#notWritten(put);
    for (const to of batch.touched) this.#change(true).touched.add(to);
    for (const counts of batch.waiting) counts.done(error);
    const isFull = error instanceof FairleadError && error.condition === LIMIT;
    for (const { sink, token } of batch.answers) sink.onPut(token, OUTCOME.rejected, isFull ? DISK_FULL : NOT_WRITTEN);
  }

  #notWritten({ to, key, bytes, payload, again }: OutboxPut): void {
    if (again !== null) {
      this.enterAgain(to, key, again);
      return;
    }
    this.#erase(to.id, key);
    if (payload !== null) this.payloads.release(payload);
    this.uncount(to, bytes);
    this.stored(to, key);
  }
}
