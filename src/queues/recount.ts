import { QueueState } from './queue-state';
import { chargeOf, expiresAtOf } from './record';
import { LANE_SPAN, laneOf, messageAt, seqOf, SPACE } from './spaces';

/** Where the last sequence is lost, those of messages that are lost as well may have been greater by so many. */
const SEQ_MARGIN = 2 ** 32;

/**
 * What a queue knows of itself, counted anew from the records of its messages: after a salvage, when some of them are gone, or this
 * is. With wrong counts it would not find messages that are there, and with a wrong last sequence write over them.
 */
export class StateRecount {
  readonly #state = new QueueState();
  #before: QueueState | null = null;
  #lastSeq = 0;

  /** Takes a record of the queue, of any space. */
  add(space: number, key: number, value: Buffer): void {
    if (space === SPACE.state) this.#before = QueueState.decode(value);
    else if (space === SPACE.messages) this.#addMessage(key, value);
    else if (space === SPACE.delayed) this.#addDelayed(value);
    else if (space === SPACE.dead) this.#addDead(key, value);
  }

  #addMessage(key: number, record: Buffer): void {
    this.#state.count(laneOf(key), chargeOf(record), expiresAtOf(record) !== 0, 1);
    this.#see(key);
  }

  #addDelayed(value: Buffer): void {
    const record = value.subarray(messageAt(SPACE.delayed));
    this.#state.countDelayed(chargeOf(record), expiresAtOf(record) !== 0, 1);
    this.#see(value.readUInt32BE(0) * 2 ** 32 + value.readUInt32BE(4));
  }

  #addDead(key: number, value: Buffer): void {
    this.#state.countDead(chargeOf(value.subarray(messageAt(SPACE.dead))), 1);
    this.#see(key);
  }

  #see(key: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seqOf(key));
  }

  /** The record that it should have. Where what was delivered is lost, all may have been. */
  result(): QueueState {
    const state = this.#state;
    const before = this.#before;
    state.lastSeq = before
      ? Math.max(before.lastSeq, this.#lastSeq)
      : Math.min(this.#lastSeq + SEQ_MARGIN, LANE_SPAN - 1);
    state.mark = before?.mark ?? state.lastSeq;
    return state;
  }
}
