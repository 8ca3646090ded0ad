import { decodeDeliveryState } from './codec/performatives';
import type { DeliveryState } from './codec/types';
import { AMQP_OUTCOME, CODE, type AmqpOutcome } from './constants';

/** Reads delivery states in place: what nearly all are, an outcome without fields, makes no object (part 3.4). */
export class DeliveryStateReader {
  outcome: AmqpOutcome = AMQP_OUTCOME.accepted;
  /** Null for an outcome without fields. */
  detail: DeliveryState | null = null;

  /** @throws DecodeError */
  read(bytes: Buffer, start: number, end: number): void {
    this.detail = null;
    const code = bytes[start] === 0 && bytes[start + 1] === 0x53 ? (bytes[start + 2] as number) : -1;
    if (code === CODE.accepted) this.outcome = AMQP_OUTCOME.accepted;
    else if (code === CODE.released) this.outcome = AMQP_OUTCOME.released;
    else if (bytes[start + 3] === 0x45 && code === CODE.rejected) this.outcome = AMQP_OUTCOME.rejected;
    else if (bytes[start + 3] === 0x45 && code === CODE.modified) this.outcome = AMQP_OUTCOME.modified;
    else this.#decode(bytes, start, end);
  }

  #decode(bytes: Buffer, start: number, end: number): void {
    this.set(decodeDeliveryState(bytes, start, end));
  }

  /** Takes a state that was decoded elsewhere. */
  set(state: DeliveryState): void {
    this.outcome = OUTCOME_OF[state.type];
    const bare = state.type === 'accepted' || state.type === 'released' || state.type === 'received';
    this.detail = bare ? null : state;
  }
}

const OUTCOME_OF: Readonly<Record<DeliveryState['type'], AmqpOutcome>> = {
  accepted: AMQP_OUTCOME.accepted,
  rejected: AMQP_OUTCOME.rejected,
  released: AMQP_OUTCOME.released,
  modified: AMQP_OUTCOME.modified,
  received: AMQP_OUTCOME.received,
  transactional: AMQP_OUTCOME.transactional,
  declared: AMQP_OUTCOME.other,
  other: AMQP_OUTCOME.other,
};
