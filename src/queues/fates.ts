import { encodeValue } from '../amqp/codec/encoder';
import { DecodeError } from '../amqp/errors';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../streams/contract';
import { DEAD_REASON, type DeadLetters, mergedAnnotations } from './dead-letters';
import type { DelayedMessages } from './delayed';
import { Entry } from './entry';
import { type QueueCore, renewHead, storedOf } from './queue-core';
import { addedOf, messageOf, messageStart } from './record';
import { annotated, decodeAnnotations } from './redelivery';

/** What becomes of messages that were out of their place. */
export class Fates {
  constructor(
    private readonly core: QueueCore,
    private readonly delayed: DelayedMessages,
    private readonly dead: DeadLetters,
  ) {}

  /** A consumer has said its outcome. */
  settle(entry: Entry, outcome: Outcome, detail: OutcomeDetail | null, endpoint: number): void {
    switch (outcome) {
      case OUTCOME.accepted:
        this.accept(entry);
        break;
      case OUTCOME.rejected:
        entry.deliveries++;
        renewHead(entry);
        this.dead.die(entry, DEAD_REASON.rejected);
        break;
      case OUTCOME.modifiedFailedHere:
      case OUTCOME.modifiedHere:
        this.core.exclusions.add(entry.key, endpoint);
        this.requeue(entry, outcome === OUTCOME.modifiedFailedHere, detail);
        break;
      case OUTCOME.modifiedFailed:
      case OUTCOME.modified:
        this.requeue(entry, outcome === OUTCOME.modifiedFailed, detail);
        break;
      case OUTCOME.released:
      case OUTCOME.undelivered:
        this.requeue(entry, false, null);
        break;
    }
  }

  accept(entry: Entry): void {
    this.core.removed++;
    this.core.remove(entry);
    this.core.finish(entry);
  }

  expire(entry: Entry): void {
    this.dead.die(entry, DEAD_REASON.expired);
  }

  /** Back to its place. @param failed a delivery that counts */
  requeue(entry: Entry, failed: boolean, detail: OutcomeDetail | null): void {
    const { maxDeliveries, retryMs } = this.core.policy;
    if (failed) {
      entry.deliveries++;
      if (maxDeliveries !== null && entry.deliveries >= maxDeliveries) {
        renewHead(entry);
        this.dead.die(entry, DEAD_REASON.maxDeliveries);
        return;
      }
    }
    const record = this.#changedRecord(entry, detail);
    if (failed && retryMs > 0) {
      this.#delay(entry, record, this.core.home.wall() + retryMs);
      return;
    }
    // It is there again, whatever becomes of the transaction that had it.
    entry.inTransaction = false;
    if (failed || record !== null) this.core.rewrite(entry, record);
    this.core.ready.returned(entry);
  }

  /** The record with annotations that a consumer wants it to have; null where it has said none. */
  #changedRecord(entry: Entry, detail: OutcomeDetail | null): Buffer | null {
    if (detail?.fields === undefined) return null;
    try {
      const annotations = decodeAnnotations(detail.fields);
      if (annotations === null) return null;
      const { record } = entry;
      if (!entry.isLarge)
        return Buffer.concat([
          record.subarray(0, messageStart(record)),
          annotated(messageOf(record), true, annotations),
        ]);
      const added = addedOf(record);
      const all = encodeValue(mergedAnnotations(decodeAnnotations(added), annotations));
      return Buffer.concat([record.subarray(0, record.length - added.length), all]);
    } catch (error) {
      // What a client says that cannot be read changes nothing.
      if (error instanceof DecodeError) return null;
      throw error;
    }
  }

  #delay(entry: Entry, changed: Buffer | null, due: number): void {
    const { core } = this;
    const { reference } = entry;
    const isShared = reference !== null && changed === null;
    const later = isShared
      ? new Entry(entry.owner, entry.key, entry.lane, entry.record, storedOf(entry, reference, true))
      : new Entry(entry.owner, entry.key, entry.lane, storedOf(entry, changed ?? entry.record, false));
    later.isMoved = true;
    later.inTransaction = entry.inTransaction;
    later.seen = true;
    later.body = entry.body;
    entry.body = null;
    core.remove(entry);
    if (!isShared) core.release(entry);
    this.delayed.add(later, due);
  }

  /** Drops the oldest message of the lowest priority that no consumer has. @returns false when there is none */
  dropOldest(): boolean {
    const { core } = this;
    for (let at = core.ready.lanes.length - 1; at >= 0; at--) {
      const lane = core.ready.lanes[at];
      const entry = lane === undefined ? undefined : core.ready.first(lane);
      if (lane === undefined || entry === undefined) continue;
      lane.shift();
      core.remove(entry);
      core.finish(entry);
      core.drops.limit++;
      return true;
    }
    return false;
  }
}
