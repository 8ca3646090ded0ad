import { FairleadError } from '../common/errors';
import type { Journal } from '../common/ports';
import type { PutSink, QueueHost, StagedBody } from '../queues/contract';
import { RecordDamagedError, type QueueStore } from '../queues/store-port';
import { DROP_REASON, OUTCOME, type LargeBody, type Outcome, type OutcomeDetail } from '../streams/contract';
import { MESSAGE_BYTES_MAX } from '../streams/limits';
import type { AddressEntry } from './address-entry';
import type { PublisherHandler } from './contract';
import type { ForwarderPorts } from './forwarder';
import {
  OUTBOX_AHEAD_BYTES,
  OUTBOX_AHEAD_SHARE,
  OUTBOX_BYTES_MAX,
  OUTBOX_IDLE_MAX,
  OUTBOX_MESSAGES_MAX,
  OUTBOX_RETRY_MS,
  OUTBOX_SHARED_BYTES_LEAST,
  OUTBOX_STUCK_MS,
} from './limits';
import type { LocalPublisher } from './local-publisher';
import { Outgoing } from './outgoing';
import { OutboxBatch, type OutboxPut } from './outbox-batch';
import { OutboxPayloads, type OpenPayload } from './outbox-payloads';
import {
  bodyRecord,
  epochOf,
  flagsOf,
  inEpoch,
  MESSAGE_HEAD,
  messageRecord,
  numberIn,
  numberRecord,
  OUTBOX_SPACE,
  payloadOf,
  payloadRecord,
  referenceRecord,
  sizeOf,
  tagOf,
  totalsIn,
  totalsRecord,
  wallOf,
  type Totals,
} from './outbox-records';
import { OutboxRecount } from './outbox-recount';

interface Forwarded {
  readonly from: Outgoing;
  readonly key: number;
  readonly record: Buffer;
  readonly payload: OpenPayload | null;
}

/** What an outbox asks of the queues around it. */
export interface OutboxPorts {
  readonly store: QueueStore;
  readonly host: Pick<QueueHost, 'join' | 'bodies'>;
  readonly journal: Journal;
  wall(): number;
  entryOf(name: string): AddressEntry;
  /** Something waits for an address for the first time, or (null) nothing has for long. */
  uses(entry: AddressEntry, outgoing: Outgoing | null): void;
  openPublisher(handler: PublisherHandler): LocalPublisher;
  /** Name of the node where a queue lives. */
  homeOf(entry: AddressEntry): string;
  /** Puts that came before, and past the outbox, are not answered yet. */
  isBehind(entry: AddressEntry): boolean;
  /** Bytes that wait to be sent to the home of a queue. */
  unsentBytes(entry: AddressEntry): number;
  /** Puts a message into its queue, under a number that it keeps. */
  put(entry: AddressEntry, slot: number, tag: number, bytes: Buffer, start: number, epoch: number, seq: number): void;
  putLarge(entry: AddressEntry, slot: number, tag: number, body: LargeBody, epoch: number, seq: number): void;
  deadLetter(address: string, payload: Buffer | LargeBody, done: (outcome: Outcome) => void): void;
}

/** What waits for one queue of another node, for operators. */
export interface OutboxView extends Totals {
  readonly queue: string;
  /** Name of the node where that lives. */
  readonly home: string;
  /** Wall-clock ms when the oldest came; null when nothing waits. */
  readonly oldestAt: number | null;
  /** `stuck`: its home has taken none for long. */
  readonly state: 'ok' | 'stuck' | 'damaged';
  /** What the home says to what it does not take for now. */
  readonly refusal: string | null;
}

/** Marks pending messages that come from here. */
export const FROM_OUTBOX = 64;

const LIMIT = 'amqp:resource-limit-exceeded';
/** Refusals that another try does not change. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  // A temporary queue that has gone.
  'amqp:not-found',
  'amqp:decode-error',
  'amqp:invalid-field',
  'amqp:link:message-size-exceeded',
]);
const DISK_FULL: OutcomeDetail = { condition: LIMIT, description: 'the disk of this node is full' };
const NOT_WRITTEN: OutcomeDetail = {
  condition: 'amqp:internal-error',
  description: 'the message could not be written to disk',
};

/**
 * What is on the disk here when it is accepted, and forwarded to the homes of its queues: custody of the ingress, what transactions
 * put into queues of other nodes, durable publishes. In order, each under its number until it is answered, over restarts of either
 * node. Numbers rise over all destinations, so that one that was forgotten may be made anew.
 */
export class Outbox {
  readonly #payloads: OutboxPayloads;
  readonly #byName = new Map<string, Outgoing>();
  /** Those that are empty, the longest ones first. */
  readonly #idle = new Set<Outgoing>();
  readonly #hungry = new Set<Outgoing>();
  readonly #forwarded = new Map<number, Forwarded>();
  /** What goes into the group of this turn. */
  #batch: OutboxBatch | null = null;
  #refused: { readonly sink: PutSink; readonly token: number; readonly detail: OutcomeDetail }[] = [];
  #publisher: LocalPublisher | null = null;
  #lastId = 0;
  #lastKey = 0;
  /** The number that the disk knows as the last. */
  #savedKey = -1;
  #lastToken = 0;
  #retryAt = Infinity;

  constructor(
    private readonly shared: ForwarderPorts,
    private readonly ports: OutboxPorts,
  ) {
    this.#payloads = new OutboxPayloads(ports.store, ports.host.bodies, () => this.#change(true));
  }

  /** Messages under way; they are no reason to wait when the node ends. */
  get underWay(): number {
    return this.#forwarded.size;
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
      this.#lastId = Math.max(this.#lastId, id);
      const to = this.#add(name, id);
      to.durable = Math.max(0, store.last(OUTBOX_SPACE.messages, id));
      const { messages, bytes } = recount?.totals(id) ?? totals.get(id) ?? { messages: 0, bytes: 0 };
      to.count(messages, bytes);
      if (to.empty) this.#idle.add(to);
      this.#lastKey = Math.max(this.#lastKey, to.durable);
      if (recount !== null) this.#change(false).touched.add(to);
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
    recount.payloads((id, record, holders) => this.#payloads.counted(id, record, holders));
    this.#lastKey = recount.last;
    return recount;
  }

  #add(name: string, id: number): Outgoing {
    const entry = this.ports.entryOf(name);
    const to = new Outgoing(id, entry);
    // It stays in the table: its lane must not be forgotten.
    entry.attached++;
    this.ports.uses(entry, to);
    this.#byName.set(name, to);
    to.movedAt = this.shared.clock.now();
    this.#feedLater(to);
    return to;
  }

  #of({ name }: AddressEntry): Outgoing {
    const known = this.#byName.get(name);
    if (known !== undefined) {
      if (known.empty) known.movedAt = this.shared.clock.now();
      this.#idle.delete(known);
      return known;
    }
    this.#forgetIdle();
    const to = this.#add(name, ++this.#lastId);
    this.#name(to);
    return to;
  }

  #name(to: Outgoing): void {
    this.ports.store.put(OUTBOX_SPACE.names, 0, to.id, Buffer.from(to.entry.name));
    this.#change(false).named.push(to);
  }

  #forgetIdle(): void {
    if (this.#idle.size < OUTBOX_IDLE_MAX) return;
    for (const to of this.#idle) {
      this.#idle.delete(to);
      this.#hungry.delete(to);
      this.#byName.delete(to.entry.name);
      to.entry.attached--;
      this.ports.uses(to.entry, null);
      this.#forget(to.id);
      return;
    }
  }

  #forget(id: number): void {
    const { store } = this.ports;
    store.delete(OUTBOX_SPACE.names, 0, id);
    store.delete(OUTBOX_SPACE.totals, 0, id);
    this.#change(true).forgotten.push(id);
  }

  // --- what comes in -----------------------------------------------------------------------------------------------------------

  /** Why a message would not be taken now; null when it would. @param messages so many of as many bytes together */
  refusalOf(entries: readonly AddressEntry[], bytes: number, messages = 1): OutcomeDetail | null {
    const { state, lacksRoom } = this.ports.store;
    if (state !== 'ok') return lacksRoom ? DISK_FULL : NOT_WRITTEN;
    for (const { name } of entries) {
      const to = this.#byName.get(name);
      if (to === undefined) continue;
      if (to.damage !== null) return damageDetail(to);
      if (to.messages + messages > OUTBOX_MESSAGES_MAX || to.bytes + to.storingBytes + bytes > OUTBOX_BYTES_MAX)
        return { condition: LIMIT, description: `as much as may waits at this node for '${name}'` };
    }
    return null;
  }

  /** Messages that publishers of an address may have credit for. */
  room(to: Outgoing | null): number {
    if (to === null || to.messages === 0) return OUTBOX_MESSAGES_MAX;
    const bytes = OUTBOX_BYTES_MAX - to.bytes - to.storingBytes;
    const mean = Math.ceil(to.bytes / to.messages);
    return Math.max(0, Math.min(OUTBOX_MESSAGES_MAX - to.messages, Math.floor(bytes / mean)));
  }

  /**
   * Writes a message for each of the addresses, which are queues that live elsewhere, with what else this turn changes on the disk.
   * @param sink told once all of it is on the disk, or certainly not; never within the call. Null where nobody asks, or the group tells
   */
  put(
    entries: readonly AddressEntry[],
    sink: PutSink | null,
    token: number,
    flags: number,
    tag: number,
    payload: Buffer,
    start: number,
    end: number,
  ): void {
    const length = end - start;
    const refusal = this.refusalOf(entries, length);
    if (refusal !== null) {
      this.#refuse(sink, token, refusal);
      return;
    }
    const { epoch } = this;
    const wall = this.ports.wall();
    if (entries.length > 1 && length >= OUTBOX_SHARED_BYTES_LEAST) {
      this.#putShared(entries, flags, tag, payloadRecord(payload, start, end), length);
    } else {
      const key = ++this.#lastKey;
      const record = messageRecord(epoch, wall, tag, flags & ~FROM_OUTBOX, payload, start, end);
      for (const entry of entries) this.#enter(this.#of(entry), key, record, null);
    }
    this.#answer(sink, token);
  }

  get epoch(): number {
    return this.ports.store.putEpoch;
  }

  #putShared(
    entries: readonly AddressEntry[],
    flags: number,
    tag: number,
    payload: Buffer,
    length: number,
    key = ++this.#lastKey,
  ): void {
    this.#payloads.add(key, payload, entries.length);
    const record = referenceRecord(this.epoch, this.ports.wall(), tag, flags & ~FROM_OUTBOX, key, length);
    for (const entry of entries) this.#enter(this.#of(entry), key, record, null);
  }

  /** @param again of a message that is counted and accepted already */
  #enter(to: Outgoing, key: number, record: Buffer, again: Buffer | null): void {
    const batch = this.#change(false);
    const bytes = sizeOf(record);
    this.ports.store.put(OUTBOX_SPACE.messages, to.id, key, record);
    batch.puts.push({ to, key, bytes, payload: payloadOf(record), again });
    if (again !== null) return;
    to.count(1, bytes);
    batch.touched.add(to);
  }

  #answer(sink: PutSink | null, token: number): void {
    if (sink !== null) this.#change(false).answers.push({ sink, token });
  }

  #refuse(sink: PutSink | null, token: number, detail: OutcomeDetail): void {
    if (sink === null) return;
    this.#refused.push({ sink, token, detail });
    this.shared.scheduleFlush();
  }

  /** The same of a large message, which is retained until it is stored; what comes after it is not forwarded before it. */
  putLarge(
    entries: readonly AddressEntry[],
    sink: PutSink | null,
    token: number,
    flags: number,
    tag: number,
    body: LargeBody,
  ): void {
    const { length } = body;
    if (length <= MESSAGE_BYTES_MAX) {
      const message = Buffer.allocUnsafe(length);
      for (let at = 0; at < length;) at += body.read(at, message.subarray(at));
      this.put(entries, sink, token, flags, tag, message, 0, length);
      return;
    }
    const refusal = this.refusalOf(entries, length);
    if (refusal !== null) {
      this.#refuse(sink, token, refusal);
      return;
    }
    const key = ++this.#lastKey;
    const destinations = entries.map((entry) => this.#of(entry));
    for (const to of destinations) to.store(key, length);
    const staged = this.ports.host.bodies.stage(body, (failure) => {
      if (failure === null) {
        this.#adopt(entries, flags, tag, staged, key);
        this.#answer(sink, token);
        return;
      }
      for (const to of destinations) this.#stored(to, key, length);
      sink?.onPut(token, OUTCOME.rejected, failure);
    });
    this.shared.scheduleFlush();
  }

  #adopt(entries: readonly AddressEntry[], flags: number, tag: number, staged: StagedBody, key?: number): void {
    staged.adopt();
    this.#putShared(entries, flags, tag, bodyRecord(staged), staged.length, key);
  }

  #stored(to: Outgoing, key: number, bytes: number): void {
    to.stored(key, bytes);
    if (to.empty) this.#idle.add(to);
    this.#feedLater(to);
  }

  /** Puts a large message whose parts are stored, with what else this turn changes. */
  putStaged(entries: readonly AddressEntry[], flags: number, tag: number, staged: StagedBody): void {
    this.#adopt(entries, flags, tag, staged);
  }

  // --- the disk ----------------------------------------------------------------------------------------------------------------

  /** @param mayWait nobody waits for the change */
  #change(mayWait: boolean): OutboxBatch {
    this.#batch ??= new OutboxBatch(
      (batch) => this.#closing(batch),
      (batch, error) => (error === null ? this.#written(batch) : this.#failed(batch, error)),
    );
    this.ports.host.join(this.#batch, mayWait);
    this.shared.scheduleFlush();
    return this.#batch;
  }

  #closing({ touched }: OutboxBatch): void {
    const { store } = this.ports;
    this.#batch = null;
    for (const to of touched) if (this.#isKnown(to)) store.put(OUTBOX_SPACE.totals, 0, to.id, totalsRecord(to));
    if (this.#savedKey === this.#lastKey) return;
    store.put(OUTBOX_SPACE.totals, 0, 0, numberRecord(this.#lastKey));
    this.#savedKey = this.#lastKey;
  }

  #isKnown(to: Outgoing): boolean {
    return this.#byName.get(to.entry.name) === to;
  }

  #written(batch: OutboxBatch): void {
    this.#payloads.done(batch, true);
    for (const { to, key, bytes } of batch.puts) {
      to.durable = Math.max(to.durable, key);
      to.stored(key, bytes);
      this.#feedLater(to);
    }
    for (const { sink, token } of batch.answers) sink.onPut(token, OUTCOME.accepted, null);
  }

  /** Nothing of it may be on the disk: what would have been written is not forwarded, what would have gone is deleted again. */
  #failed(batch: OutboxBatch, error: Error): void {
    this.#savedKey = -1;
    for (const to of batch.named) if (this.#isKnown(to)) this.#name(to);
    for (const id of batch.forgotten) this.#forget(id);
    for (const { id, key } of batch.erased) this.#erase(id, key);
    for (const put of batch.puts) this.#notWritten(put);
    for (const to of batch.touched) this.#change(true).touched.add(to);
    this.#payloads.done(batch, false);
    const isFull = error instanceof FairleadError && error.condition === LIMIT;
    for (const { sink, token } of batch.answers) sink.onPut(token, OUTCOME.rejected, isFull ? DISK_FULL : NOT_WRITTEN);
  }

  #notWritten({ to, key, bytes, payload, again }: OutboxPut): void {
    if (again !== null) {
      this.#enter(to, key, again, again);
      return;
    }
    this.#erase(to.id, key);
    if (payload > 0) this.#payloads.release(payload);
    this.#counted(to, bytes);
    this.#stored(to, key, bytes);
  }

  #erase(id: number, key: number): void {
    this.ports.store.delete(OUTBOX_SPACE.messages, id, key);
    this.#change(true).erased.push({ id, key });
  }

  #counted(to: Outgoing, bytes: number): void {
    to.count(-1, -bytes);
    this.#change(true).touched.add(to);
    if (to.empty) this.#idle.add(to);
  }

  // --- forwarding --------------------------------------------------------------------------------------------------------------

  #feedLater(to: Outgoing): void {
    if (this.#hungry.size === 0) this.shared.scheduleFlush();
    this.#hungry.add(to);
  }

  /** Bytes of one destination that may wait in memory: all of them, with homes that stay away, take a share of the pool at the most. */
  get #ahead(): number {
    const busy = Math.max(1, this.#byName.size - this.#idle.size);
    return Math.min(OUTBOX_AHEAD_BYTES, (this.shared.retention.capacity * OUTBOX_AHEAD_SHARE) / busy);
  }

  /** Gives to the way what it takes, in order. */
  #feed(to: Outgoing, now: number): void {
    if (now < to.pausedUntil) return;
    this.#hungry.delete(to);
    const { entry, limit } = to;
    if (to.cursor > limit || to.damage !== null) return;
    if (this.ports.isBehind(entry) || this.ports.unsentBytes(entry) >= this.#ahead) return;
    try {
      for (const [key, record] of this.#read(to, limit)) {
        const epoch = epochOf(record);
        // The home remembers the two newest lives: one is done before the next begins.
        if (to.underWay > 0 && epoch !== to.epoch) return;
        to.epoch = epoch;
        to.cursor = key + 1;
        this.#forward(to, key, record);
      }
    } catch (error) {
      if (!(error instanceof RecordDamagedError)) throw error;
      to.damage = error;
      this.ports.journal.warn('outbox-damaged', { address: entry.name, error: error.message });
    }
  }

  /** @throws RecordDamagedError */
  #read(to: Outgoing, limit: number): readonly (readonly [key: number, record: Buffer])[] {
    const found: [key: number, record: Buffer][] = [];
    const ahead = this.#ahead;
    let bytes = 0;
    this.ports.store.scan(OUTBOX_SPACE.messages, to.id, to.cursor, limit + 1, (key, record) => {
      found.push([key, record]);
      bytes += sizeOf(record);
      return bytes < ahead;
    });
    if (found.length === 0) to.cursor = limit + 1;
    return found;
  }

  #forward(from: Outgoing, key: number, record: Buffer): void {
    const number = payloadOf(record);
    const payload = number === 0 ? null : this.#payloads.open(number);
    if (number > 0 && payload === null) {
      this.#lost(from, key, record);
      return;
    }
    const publisher = (this.#publisher ??= this.ports.openPublisher(this.#handler));
    const token = ++this.#lastToken;
    this.#forwarded.set(token, { from, key, record, payload });
    from.underWay++;
    const { entry, epoch } = from;
    const slot = this.shared.pending.add(publisher, entry, token, flagsOf(record) | FROM_OUTBOX);
    const tag = tagOf(record);
    if (payload === null) this.ports.put(entry, slot, tag, record, MESSAGE_HEAD, epoch, key);
    else if (payload.body === null) this.ports.put(entry, slot, tag, payload.bytes, payload.start, epoch, key);
    else this.ports.putLarge(entry, slot, tag, payload.body, epoch, key);
  }

  /** A salvage could not save what the message had. */
  #lost(from: Outgoing, key: number, record: Buffer): void {
    this.ports.journal.warn('outbox-message-lost', { address: from.entry.name, message: key });
    this.shared.counters.drop(DROP_REASON.damaged, 1);
    this.#erase(from.id, key);
    this.#counted(from, sizeOf(record));
  }

  readonly #handler: PublisherHandler = {
    // What is under way is bounded by the way itself.
    onCredit: () => undefined,
    onHold: () => undefined,
    onGone: () => undefined,
    onOutcome: (token, outcome, detail) => this.#answered(token, outcome, detail),
  };

  #answered(token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    const forwarded = this.#forwarded.get(token);
    if (forwarded === undefined) return;
    this.#forwarded.delete(token);
    const { from } = forwarded;
    const now = this.shared.clock.now();
    from.underWay--;
    this.#feedLater(from);
    if (outcome === OUTCOME.accepted) {
      from.movedAt = now;
      from.refusal = null;
      this.#remove(forwarded);
    } else if (FOR_GOOD.has(detail?.condition ?? '')) this.#bury(forwarded);
    else this.#again(forwarded, detail?.description ?? 'it was given back', now);
  }

  #remove({ from, key, record, payload }: Forwarded): void {
    const number = payloadOf(record);
    this.#erase(from.id, key);
    this.#counted(from, sizeOf(record));
    if (number === 0) return;
    payload?.body?.release();
    this.#payloads.release(number);
    this.#payloads.close(number);
  }

  /** Refused under this number for ever: it is put again under a new one, behind what has come meanwhile. */
  #again({ from, key, record, payload }: Forwarded, refusal: string, now: number): void {
    from.refusal = refusal;
    from.pausedUntil = now + OUTBOX_RETRY_MS;
    this.#retryAt = Math.min(this.#retryAt, from.pausedUntil);
    const again = inEpoch(record, this.epoch);
    this.#enter(from, ++this.#lastKey, again, again);
    this.#erase(from.id, key);
    if (payload === null) return;
    payload.body?.release();
    this.#payloads.close(payloadOf(record));
  }

  /** The queue will never take it. */
  #bury(forwarded: Forwarded): void {
    const { from, record, payload } = forwarded;
    const { deadLetter } = from.entry.policy;
    if (deadLetter === null) {
      this.shared.counters.drop(DROP_REASON.noRoom, 1);
      this.#remove(forwarded);
      return;
    }
    const message = payload?.body ?? payload?.bytes.subarray(payload.start) ?? record.subarray(MESSAGE_HEAD);
    this.ports.deadLetter(deadLetter, message, (outcome) => {
      if (outcome !== OUTCOME.accepted) this.shared.counters.drop(DROP_REASON.noRoom, 1);
      this.#remove(forwarded);
    });
  }

  // --- time --------------------------------------------------------------------------------------------------------------------

  /** What is sent has made room for more. */
  relieved(): void {
    for (const to of this.#byName.values()) if (to.cursor <= to.limit) this.#feedLater(to);
  }

  /** What went past the outbox before is answered. */
  wake(to: Outgoing): void {
    if (!to.empty) this.#feedLater(to);
  }

  flush(now: number): void {
    for (const { sink, token, detail } of this.#refused.splice(0)) sink.onPut(token, OUTCOME.rejected, detail);
    if (this.ports.store.state !== 'failed') for (const to of this.#hungry) this.#feed(to, now);
  }

  tick(now: number): void {
    if (now < this.#retryAt) return;
    this.#retryAt = Infinity;
    for (const { pausedUntil } of this.#hungry)
      if (pausedUntil > now) this.#retryAt = Math.min(this.#retryAt, pausedUntil);
    this.shared.scheduleFlush();
  }

  deadline(): number {
    return this.#retryAt;
  }

  // --- for operators -----------------------------------------------------------------------------------------------------------

  /** Queues of other nodes that something waits for here. */
  views(): readonly OutboxView[] {
    const waiting = [...this.#byName.values()].filter(({ empty }) => !empty);
    return waiting.map((to) => this.#view(to));
  }

  #view(to: Outgoing): OutboxView {
    const { messages, bytes, refusal, damage } = to;
    const isStuck = this.shared.clock.now() - to.movedAt > OUTBOX_STUCK_MS;
    const state = damage !== null ? 'damaged' : isStuck ? 'stuck' : 'ok';
    const { entry } = to;
    const home = this.ports.homeOf(entry);
    return { queue: entry.name, home, messages, bytes, oldestAt: this.#oldestOf(to), state, refusal };
  }

  #oldestOf(to: Outgoing): number | null {
    let oldest: number | null = null;
    if (this.ports.store.state === 'failed' || to.damage !== null) return null;
    this.ports.store.scan(OUTBOX_SPACE.messages, to.id, 0, to.durable + 1, (_key, record) => {
      oldest = wallOf(record);
      return false;
    });
    return oldest;
  }
}

function damageDetail({ entry, damage }: Outgoing): OutcomeDetail {
  const description = `what waits at this node for '${entry.name}' is damaged: ${damage?.message ?? ''}`;
  return { condition: 'amqp:internal-error', description };
}
