import type { CoHolder } from '../queues/co-holder';
import type { PutSink, StagedBody } from '../queues/contract';
import { REFUSAL, refusalDetail } from '../queues/refusals';
import { OUTCOME, type LargeBody, type OutcomeDetail } from '../streams/contract';
import { MESSAGE_BYTES_MAX } from '../streams/limits';
import type { AddressEntry } from './address-entry';
import type { ForwarderPorts } from './forwarder';
import { OUTBOX_BYTES_MAX, OUTBOX_MESSAGES_MAX } from './limits';
import { OutboxCompanion } from './outbox-companion';
import { DISK_FULL, LIMIT, NOT_WRITTEN, OutboxDisk } from './outbox-disk';
import { OutboxFeed } from './outbox-feed';
import type { OutboxPorts } from './outbox-ports';
import { viewOf, type OutboxView } from './outbox-view';
import { OutboxWriter, type MessageFacts } from './outbox-writer';
import type { Outgoing } from './outgoing';

/**
 * What is on the disk here when it is accepted, and forwarded to the homes of its queues: custody of the ingress, what transactions
 * put into queues of other nodes, durable publishes. In order, each under its number until it is answered, over restarts of either
 * node. Numbers rise over all destinations, so that one that was forgotten may be made anew.
 */
export class Outbox {
  readonly #disk: OutboxDisk;
  readonly #feed: OutboxFeed;
  readonly #writer: OutboxWriter;
  #refused: { readonly sink: PutSink; readonly token: number; readonly detail: OutcomeDetail }[] = [];

  constructor(
    private readonly shared: ForwarderPorts,
    private readonly ports: OutboxPorts,
  ) {
    this.#disk = new OutboxDisk(shared, ports, {
      onReady: (to) => this.#feed.later(to),
      onForgotten: (to) => this.#feed.forget(to),
    });
    this.#feed = new OutboxFeed(shared, ports, this.#disk);
    this.#writer = new OutboxWriter(this.#disk, () => this.epoch);
  }

  /** Messages under way; they are no reason to wait when the node ends. */
  get underWay(): number {
    return this.#feed.underWay;
  }

  /** Number of the oldest that waits for an address, and of the newest of all. */
  span(name: string): { readonly first: number; readonly last: number } {
    return this.#disk.span(name);
  }

  /** What the last life left goes on. @throws RecordDamagedError when it is not known for whom */
  start(): void {
    this.#disk.start();
  }

  /** Why a message would not be taken now; null when it would. @param messages so many of as many bytes together */
  refusalOf(entries: readonly AddressEntry[], bytes: number, messages = 1): OutcomeDetail | null {
    const { state, lacksRoom } = this.ports.store;
    if (state !== 'ok') return lacksRoom ? DISK_FULL : NOT_WRITTEN;
    for (const { name, policy } of entries) {
      if (messages === 1 && policy.overLimit === 'reject' && policy.maxBytes !== null && bytes > policy.maxBytes)
        return refusalDetail(REFUSAL.largerThanQueue);
      const to = this.#disk.destinations.find(name);
      if (to === undefined) continue;
      if (to.damage !== null) return damageDetail(to);
      if (
        to.messages + to.storing + messages > OUTBOX_MESSAGES_MAX ||
        to.bytes + to.storingBytes + bytes > OUTBOX_BYTES_MAX
      )
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
    const to = this.#destinations(entries);
    this.#writer.write(to, this.#disk.nextKey(), this.#facts(flags, tag), payload, start, end);
    if (sink !== null) this.#disk.answer(sink, token);
  }

  get epoch(): number {
    return this.ports.store.putEpoch;
  }

  #destinations(entries: readonly AddressEntry[]): readonly Outgoing[] {
    return entries.map((entry) => this.#disk.destinations.of(entry));
  }

  #facts(flags: number, tag: number): MessageFacts {
    return { wall: this.ports.wall(), flags, tag };
  }

  /** Its part in a message that goes into an intake here as well. @param length of the message; whether that is taken was asked before */
  companion(entries: readonly AddressEntry[], flags: number, tag: number, length: number): CoHolder {
    return new OutboxCompanion(this.#disk, this.#writer, entries, this.#facts(flags, tag), length);
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
    const key = this.#disk.nextKey();
    const destinations = this.#destinations(entries);
    const facts = this.#facts(flags, tag);
    for (const to of destinations) to.store(key, length);
    const staged = this.ports.host.bodies.stage(body, (failure) => {
      if (failure === null) {
        this.#writer.writeStaged(destinations, key, facts, staged);
        if (sink !== null) this.#disk.answer(sink, token);
        return;
      }
      for (const to of destinations) this.#disk.stored(to, key);
      sink?.onPut(token, OUTCOME.rejected, failure);
    });
    this.shared.scheduleFlush();
  }

  /** Puts a large message whose parts are stored, with what else this turn changes. */
  putStaged(entries: readonly AddressEntry[], flags: number, tag: number, staged: StagedBody): void {
    this.#writer.writeStaged(this.#destinations(entries), this.#disk.nextKey(), this.#facts(flags, tag), staged);
  }

  // --- time --------------------------------------------------------------------------------------------------------------------

  /** What is sent has made room for more. */
  relieved(): void {
    this.#feed.relieved();
  }

  /** What went past the outbox before is answered. */
  wake(to: Outgoing): void {
    if (!to.empty) this.#feed.later(to);
  }

  flush(now: number): void {
    for (const { sink, token, detail } of this.#refused.splice(0)) sink.onPut(token, OUTCOME.rejected, detail);
    this.#feed.flush(now);
  }

  tick(now: number): void {
    this.#feed.tick(now);
  }

  deadline(): number {
    return this.#feed.deadline();
  }

  /** Queues of other nodes that something waits for here. */
  views(): readonly OutboxView[] {
    const waiting = [...this.#disk.destinations.all()].filter(({ empty }) => !empty);
    const now = this.shared.clock.now();
    return waiting.map((to) => viewOf(to, this.ports.homeOf(to.entry), this.ports.store, now));
  }
}

function damageDetail({ entry, damage }: Outgoing): OutcomeDetail {
  const description = `what waits at this node for '${entry.name}' is damaged: ${damage?.message ?? ''}`;
  return { condition: 'amqp:internal-error', description };
}
