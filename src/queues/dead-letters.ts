import { AmqpMap, AmqpTyped, sym } from '../amqp/codec/values';
import { encodeValue } from '../amqp/codec/encoder';
import { withoutExpiry } from '../message/without-expiry';
import { OUTCOME, type LargeBody, type Outcome } from '../streams/contract';
import type { Entry } from './entry';
import { FORWARD_RETRY_MS, FORWARDS_MAX } from './limits';
import type { QueueCore } from './queue-core';
import type { MoveTarget } from './queue-home';
import {
  addedOf,
  bodyOf,
  chargeOf,
  deliveriesOf,
  flagsOf,
  messageOf,
  RECORD_FLAG,
  sizeOf,
  topicOf,
  isReference,
} from './record';
import { annotated, decodeAnnotations, patchedBody } from './redelivery';
import { laneOf, SPACE } from './spaces';

export const DEAD_REASON = { expired: 1, maxDeliveries: 2, rejected: 3 } as const;
export type DeadReason = (typeof DEAD_REASON)[keyof typeof DEAD_REASON];
const REASON_NAMES = ['', 'expired', 'maxDeliveries', 'rejected'] as const;

export const ANNOTATION = {
  reason: 'x-opt-fairlead-dead-reason',
  origin: 'x-opt-fairlead-origin',
  deliveries: 'x-opt-fairlead-delivery-count',
  /** What it was published to, where a subscription had it. */
  topic: 'x-opt-fairlead-topic',
} as const;

/** One map with what both have; the second says last. */
export function mergedAnnotations(one: AmqpMap | null, other: AmqpMap): AmqpMap {
  const merged = new AmqpMap();
  for (const [key, value] of one ?? []) merged.set(key, value);
  for (const [key, value] of other) merged.set(key, value);
  return merged;
}

/** Messages that nobody has accepted: to the dead-letter address, if there is one. */
export class DeadLetters {
  /** Keys in `dead` that were sent, or are not on the disk yet, or wait for another try. */
  readonly #busy = new Set<number>();
  /** Those that wait for another try. */
  #waiting: number[] = [];
  #retryAt = 0;
  /** Where the next look begins: each is tried in its turn. */
  #from = 0;
  #sent = 0;

  constructor(private readonly core: QueueCore) {}

  /** After a start, and whenever something may be sent. */
  recover(): void {
    if (this.core.state.dead > 0) this.core.wantsTurn();
  }

  /** The message is dead; it is in no window, and no consumer has it. */
  die(entry: Entry, reason: DeadReason): void {
    const { core } = this;
    const address = core.policy.deadLetter;
    if (reason === DEAD_REASON.expired) core.expired++;
    if (address === null || this.#isOwn(address)) {
      if (reason === DEAD_REASON.rejected) core.drops.rejected++;
      else if (reason === DEAD_REASON.maxDeliveries) core.drops.maxDeliveries++;
      core.remove(entry);
      core.finish(entry);
      return;
    }
    core.deadLettered++;
    const target = core.home.local(address);
    if (target !== null)
      this.moveTo(
        target,
        entry,
        this.#annotationsOf(entry.record, entry.deliveries, reason),
        reason === DEAD_REASON.expired,
      );
    else this.#keep(entry, reason);
  }

  /** Those under way to their address. */
  get sent(): number {
    return this.#sent;
  }

  /** One that was dead in another queue of the host. */
  takeOver(entry: Entry, reason: number): void {
    this.core.state.countDead(entry.bytes, 1);
    this.#write(entry, Buffer.concat([Buffer.from([reason]), entry.record]));
  }

  #isOwn(address: string): boolean {
    return address === this.core.name || address === originOf(this.core.name);
  }

  #annotationsOf(record: Buffer, deliveries: number, reason: number): AmqpMap {
    const topic = topicOf(record);
    return new AmqpMap([
      ...(topic === null ? [] : [[sym(ANNOTATION.topic), topic] as const]),
      [sym(ANNOTATION.reason), REASON_NAMES[reason] ?? 'rejected'],
      [sym(ANNOTATION.origin), originOf(this.core.name)],
      [sym(ANNOTATION.deliveries), new AmqpTyped('uint', deliveries)],
    ]);
  }

  /** To another queue of this host, with the same group. @param isExpired it goes without what says that its time is over */
  moveTo(target: MoveTarget, entry: Entry, annotations: AmqpMap | null, isExpired = false): void {
    const { core } = this;
    const { record, inTransaction } = entry;
    core.exclusions.forget(entry.key);
    if (!entry.isLarge) {
      const message = isExpired ? withoutExpiry(messageOf(record), true) : messageOf(record);
      target.putMoved(annotations === null ? message : annotated(message, true, annotations), inTransaction);
      core.remove(entry);
      core.release(entry);
      return;
    }
    const added = decodeAnnotations(addedOf(record));
    const all = annotations === null ? added : mergedAnnotations(added, annotations);
    const own = record.subarray(0, record.length - addedOf(record).length);
    const moved = Buffer.concat(all === null ? [own] : [own, encodeValue(all)]);
    if (isExpired) moved[0] = flagsOf(moved) | RECORD_FLAG.expired;
    target.putMovedLarge(moved, entry.lane, entry.body, inTransaction);
    entry.body = null;
    core.remove(entry);
  }

  /** It waits on the disk until its address has taken it; one of a queue in memory is sent at once. */
  #keep(entry: Entry, reason: DeadReason): void {
    const { core } = this;
    core.remove(entry);
    if (core.store === null) {
      this.#forwardFromMemory(entry, reason);
      return;
    }
    core.exclusions.forget(entry.key);
    core.state.countDead(entry.bytes, 1);
    this.#write(entry, Buffer.concat([Buffer.from([reason]), entry.stored]));
  }

  #write(entry: Entry, value: Buffer): void {
    const { core } = this;
    const { key, inTransaction } = entry;
    this.#busy.add(key);
    core.store?.put(SPACE.dead, core.id, key, value);
    core.touch();
    core.group.waiting.push({
      done: (error) => {
        if (error === null) {
          this.#busy.delete(key);
          core.wantsTurn();
        } else if (!inTransaction) this.#write(entry, value);
        else {
          core.state.countDead(entry.bytes, -1);
          this.#delete(key);
        }
      },
    });
  }

  #forwardFromMemory(entry: Entry, reason: DeadReason): void {
    const { core } = this;
    this.#send(entry.record, entry.body, reason, (outcome) => {
      if (outcome !== OUTCOME.accepted) core.drops.failed++;
      core.finish(entry);
    });
  }

  #send(record: Buffer, kept: LargeBody | null, reason: number, done: (outcome: Outcome) => void): void {
    const { home, policy } = this.core;
    const whole = this.core.ready.whole(record);
    const annotations = this.#annotationsOf(whole, deliveriesOf(record), reason);
    const address = policy.deadLetter ?? originOf(this.core.name);
    if ((flagsOf(record) & RECORD_FLAG.large) === 0) {
      const message = messageOf(whole);
      const told = reason === DEAD_REASON.expired ? withoutExpiry(message, true) : message;
      home.forward(address, annotated(told, true, annotations), done);
      return;
    }
    kept?.retain();
    const body = kept ?? home.large.open(bodyOf(record), sizeOf(record), (error) => error);
    const all = mergedAnnotations(decodeAnnotations(addedOf(record)), annotations);
    const isExpired = reason === DEAD_REASON.expired || (flagsOf(record) & RECORD_FLAG.expired) !== 0;
    const patched = patchedBody(body, -1, all, isExpired);
    home.forwardLarge(address, patched, (outcome) => {
      patched.release();
      done(outcome);
    });
  }

  /** Sends what waits, as many at once as may be. @throws RecordDamagedError */
  turn(): void {
    const { core } = this;
    if (core.state.dead === 0 || core.store === null || !core.ready.canRead || this.#sent >= FORWARDS_MAX) return;
    const found: [number, Buffer][] = [];
    const before = this.#from;
    this.#collect(before, Number.MAX_SAFE_INTEGER, found);
    if (this.#sent + found.length < FORWARDS_MAX) this.#collect(0, before, found);
    for (const [key, value] of found) this.#sendStored(key, value);
  }

  #collect(from: number, to: number, found: [number, Buffer][]): void {
    const { core } = this;
    core.store?.scan(SPACE.dead, core.id, from, to, (key, value) => {
      this.#from = key + 1;
      if (!this.#busy.has(key)) {
        this.#busy.add(key);
        found.push([key, Buffer.from(value)]);
      }
      return this.#sent + found.length < FORWARDS_MAX;
    });
  }

  #sendStored(key: number, value: Buffer): void {
    this.#sent++;
    const record = value.subarray(1);
    this.#send(record, null, value[0] as number, (outcome) => {
      this.#sent--;
      // The queue is served no more: whoever serves it next sends it again.
      if (this.core.error !== null) return;
      if (outcome === OUTCOME.accepted) this.#sentWell(key, record);
      else {
        if (this.#waiting.length === 0) this.#retryAt = this.core.home.wall() + FORWARD_RETRY_MS;
        this.#waiting.push(key);
        this.core.wakeAt(this.#retryAt);
      }
    });
  }

  /** Takes out what waits here and is on the disk. @param visit told each, which belongs to it from then on @returns how many */
  takeSome(most: number, visit: (lane: number, record: Buffer, reason: number) => void): number {
    const { core } = this;
    const found: [number, Buffer][] = [];
    core.store?.scan(SPACE.dead, core.id, 0, Number.MAX_SAFE_INTEGER, (key, value) => {
      if (!this.#busy.has(key)) found.push([key, Buffer.from(value)]);
      return found.length < most;
    });
    for (const [key, value] of found) {
      this.#busy.add(key);
      core.state.countDead(chargeOf(value.subarray(1)), -1);
      const record = value.subarray(1);
      visit(laneOf(key), core.home.payloads.resolve(SPACE.dead, value).subarray(1), value[0] as number);
      // Parts go along; a payload that others have too was copied.
      if (isReference(record)) core.discard(record);
      this.#delete(key);
    }
    return found.length;
  }

  #sentWell(key: number, record: Buffer): void {
    const { core } = this;
    core.state.countDead(chargeOf(record), -1);
    core.discard(record);
    this.#delete(key);
    core.wantsTurn();
  }

  #delete(key: number): void {
    const { core } = this;
    core.store?.delete(SPACE.dead, core.id, key);
    core.touch();
    core.group.waiting.push({
      done: (error) => {
        if (error === null) this.#busy.delete(key);
        else this.#delete(key);
      },
    });
  }

  /** Another try for those that were not taken. */
  retry(wall: number): void {
    if (this.#waiting.length === 0) return;
    if (wall < this.#retryAt) {
      this.core.wakeAt(this.#retryAt);
      return;
    }
    for (const key of this.#waiting) this.#busy.delete(key);
    this.#waiting = [];
  }
}

/** A queue's name as a client writes it. */
export function originOf(name: string): string {
  return `queue/${name}`;
}
