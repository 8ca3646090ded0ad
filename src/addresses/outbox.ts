import type { QueueStore, StoreCompletion } from '../queues/store-port';
import { DROP_REASON, OUTCOME, type Outcome, type OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { PublisherHandler } from './contract';
import type { ForwarderPorts } from './forwarder';
import { OUTBOX_AHEAD_BYTES, OUTBOX_RETRY_MS } from './limits';
import type { LocalPublisher } from './local-publisher';

/** Kinds of records: names of queues by id, messages of each by sequence. Those below 32 are of the queues themselves. */
const SPACE = { names: 32, messages: 33 } as const;
/** Before each message: u53 epoch, u32 publisher, u8 flags. */
const HEAD_BYTES = 13;

/** What waits here for a queue of another node. */
interface Outgoing {
  readonly id: number;
  readonly entry: AddressEntry;
  /** The newest that was put, and the newest that is on the disk. */
  last: number;
  durable: number;
  /** What comes next to be forwarded. */
  cursor: number;
  /** Epoch of those under way to the home, and how many they are. */
  epoch: number;
  underWay: number;
  /** Not before that time. */
  pausedUntil: number;
}

/** A message that is written in this group. */
interface Put {
  readonly to: Outgoing;
  readonly key: number;
  /** Of its publisher; -1 for one that was written before under another key. */
  readonly slot: number;
}

interface Forwarded {
  readonly from: Outgoing;
  readonly key: number;
  readonly record: Buffer;
}

/** What an outbox asks of the queues around it. */
export interface OutboxPorts {
  readonly store: QueueStore;
  /** One life of this node's numbering. */
  readonly epoch: number;
  entryOf(name: string): AddressEntry;
  openPublisher(handler: PublisherHandler): LocalPublisher;
  /** A publisher here has its message on the disk, or certainly not. */
  answered(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void;
  /** Bytes that wait to be sent to the home of a queue. */
  unsentBytes(entry: AddressEntry): number;
  /** Puts a message into its queue, under a number that it keeps. */
  put(entry: AddressEntry, slot: number, tag: number, record: Buffer, start: number, epoch: number, seq: number): void;
  deadLetter(address: string, payload: Buffer, done: (outcome: Outcome) => void): void;
}

/** Marks pending messages that come from here. */
export const FROM_OUTBOX = 64;

/** Refusals that another try does not change. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  'amqp:decode-error',
  'amqp:invalid-field',
  'amqp:link:message-size-exceeded',
]);

/**
 * Custody of the ingress: messages for queues of other nodes are on the disk here when they are accepted, and forwarded in order, each
 * under the number of its record until it is answered, over restarts of either node.
 */
export class Outbox {
  readonly #byName = new Map<string, Outgoing>();
  readonly #forwarded = new Map<number, Forwarded>();
  readonly #hungry = new Set<Outgoing>();
  #puts: Put[] = [];
  /** Records to be deleted, until that is on the disk. */
  #removals: { readonly id: number; readonly key: number }[] = [];
  #dirty = false;
  #publisher: LocalPublisher | null = null;
  #lastId = 0;
  #lastToken = 0;
  #retryAt = Infinity;

  constructor(
    private readonly shared: ForwarderPorts,
    private readonly ports: OutboxPorts,
  ) {}

  /** Messages under way; they are no reason to wait when the node ends. */
  get underWay(): number {
    return this.#forwarded.size;
  }

  /** What the last life left goes on. */
  start(): void {
    const { store } = this.ports;
    const names: [id: number, name: string][] = [];
    store.scan(SPACE.names, 0, 0, Number.MAX_SAFE_INTEGER, (id, value) => {
      names.push([id, value.toString()]);
      return true;
    });
    for (const [id, name] of names) {
      this.#lastId = Math.max(this.#lastId, id);
      this.#add(name, id, Math.max(0, store.last(SPACE.messages, id)));
    }
  }

  #add(name: string, id: number, last: number): Outgoing {
    const entry = this.ports.entryOf(name);
    const to = { id, entry, last, durable: last, cursor: 0, epoch: 0, underWay: 0, pausedUntil: 0 };
    // It stays in the table: its lane must not be forgotten.
    entry.attached++;
    this.#byName.set(name, to);
    this.#feedLater(to);
    return to;
  }

  #of(name: string): Outgoing {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const id = ++this.#lastId;
    this.ports.store.put(SPACE.names, 0, id, Buffer.from(name));
    // Sequences begin with 1.
    return this.#add(name, id, 0);
  }

  /** Writes a message; its publisher is answered once it is on the disk. */
  put(
    entry: AddressEntry,
    slot: number,
    flags: number,
    tag: number,
    payload: Buffer,
    start: number,
    end: number,
  ): void {
    if (this.ports.store.state !== 'ok') {
      this.ports.answered(slot, OUTCOME.rejected, this.#refusal());
      return;
    }
    const record = Buffer.allocUnsafe(HEAD_BYTES + end - start);
    record.writeUInt32BE(tag, 8);
    record[12] = flags & ~FROM_OUTBOX;
    payload.copy(record, HEAD_BYTES, start, end);
    this.#write(this.#of(entry.name), record, slot);
  }

  #refusal(): OutcomeDetail {
    return this.ports.store.state === 'full'
      ? { condition: 'amqp:resource-limit-exceeded', description: 'the disk of this node is full' }
      : { condition: 'amqp:internal-error', description: 'the message could not be written to disk' };
  }

  #write(to: Outgoing, record: Buffer, slot: number): void {
    const { epoch, store } = this.ports;
    record.writeUInt32BE(Math.floor(epoch / 0x1_0000_0000), 0);
    record.writeUInt32BE(epoch % 0x1_0000_0000, 4);
    const key = ++to.last;
    store.put(SPACE.messages, to.id, key, record);
    this.#puts.push({ to, key, slot });
    this.#change();
  }

  #remove(id: number, key: number): void {
    this.#removals.push({ id, key });
    this.ports.store.delete(SPACE.messages, id, key);
    this.#change();
  }

  #change(): void {
    this.#dirty = true;
    this.shared.scheduleFlush();
  }

  // --- the disk ----------------------------------------------------------------------------------------------------------------

  #commit(): void {
    this.#dirty = false;
    const puts = this.#puts;
    const removals = this.#removals;
    this.#puts = [];
    this.#removals = [];
    const completion: StoreCompletion = {
      done: (error) => {
        if (error === null) this.#written(puts);
        else this.#failed(puts, removals);
      },
    };
    this.ports.store.commit(completion);
  }

  #written(puts: readonly Put[]): void {
    for (const { to, key, slot } of puts) {
      to.durable = Math.max(to.durable, key);
      this.#feedLater(to);
      if (slot >= 0) this.ports.answered(slot, OUTCOME.accepted, null);
    }
  }

  /** Nothing of it may be on the disk: what would have been written is not forwarded, what would have gone is deleted again. */
  #failed(puts: readonly Put[], removals: readonly { readonly id: number; readonly key: number }[]): void {
    for (const [name, { id }] of this.#byName) this.ports.store.put(SPACE.names, 0, id, Buffer.from(name));
    for (const { id, key } of removals) this.#remove(id, key);
    for (const { to, key, slot } of puts) {
      this.#remove(to.id, key);
      if (slot >= 0) this.ports.answered(slot, OUTCOME.rejected, this.#refusal());
    }
  }

  // --- forwarding --------------------------------------------------------------------------------------------------------------

  #feedLater(to: Outgoing): void {
    if (this.#hungry.size === 0) this.shared.scheduleFlush();
    this.#hungry.add(to);
  }

  /** Gives to the way what it takes, in order. */
  #feed(to: Outgoing, now: number): void {
    if (now < to.pausedUntil) return;
    this.#hungry.delete(to);
    if (to.cursor > to.durable || this.ports.unsentBytes(to.entry) >= OUTBOX_AHEAD_BYTES) return;
    const batch: [key: number, record: Buffer][] = [];
    let bytes = 0;
    this.ports.store.scan(SPACE.messages, to.id, to.cursor, to.durable + 1, (key, value) => {
      batch.push([key, value]);
      bytes += value.length;
      return bytes < OUTBOX_AHEAD_BYTES;
    });
    if (batch.length === 0) to.cursor = to.durable + 1;
    for (const [key, record] of batch) {
      const epoch = record.readUInt32BE(0) * 0x1_0000_0000 + record.readUInt32BE(4);
      // The home remembers the two newest lives: one is done before the next begins.
      if (to.underWay > 0 && epoch !== to.epoch) return;
      to.epoch = epoch;
      to.cursor = key + 1;
      this.#forward(to, key, record);
    }
  }

  #forward(from: Outgoing, key: number, record: Buffer): void {
    const publisher = (this.#publisher ??= this.ports.openPublisher(this.#handler));
    const token = ++this.#lastToken;
    this.#forwarded.set(token, { from, key, record });
    from.underWay++;
    const slot = this.shared.pending.add(publisher, from.entry, token, (record[12] as number) | FROM_OUTBOX);
    this.ports.put(from.entry, slot, record.readUInt32BE(8), record, HEAD_BYTES, from.epoch, key);
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
    const { from, key, record } = forwarded;
    from.underWay--;
    this.#feedLater(from);
    if (outcome === OUTCOME.accepted) this.#remove(from.id, key);
    else if (FOR_GOOD.has(detail?.condition ?? '')) this.#bury(forwarded);
    else {
      // Refused under this number for ever: it is put again under a new one, behind what has come meanwhile.
      from.pausedUntil = this.shared.clock.now() + OUTBOX_RETRY_MS;
      this.#retryAt = Math.min(this.#retryAt, from.pausedUntil);
      this.#write(from, Buffer.from(record), -1);
      this.#remove(from.id, key);
    }
  }

  /** The queue will never take it. */
  #bury({ from, key, record }: Forwarded): void {
    const { deadLetter } = from.entry.policy;
    if (deadLetter === null) {
      this.shared.counters.drop(DROP_REASON.noRoom, 1);
      this.#remove(from.id, key);
      return;
    }
    this.ports.deadLetter(deadLetter, record.subarray(HEAD_BYTES), (outcome) => {
      if (outcome !== OUTCOME.accepted) this.shared.counters.drop(DROP_REASON.noRoom, 1);
      this.#remove(from.id, key);
    });
  }

  // --- time --------------------------------------------------------------------------------------------------------------------

  /** What is sent has made room for more. */
  relieved(): void {
    for (const to of this.#byName.values()) if (to.cursor <= to.durable) this.#feedLater(to);
  }

  flush(now: number): void {
    if (this.ports.store.state !== 'failed') for (const to of this.#hungry) this.#feed(to, now);
    if (this.#dirty && this.ports.store.state !== 'failed') this.#commit();
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
}
