import { encodeValue } from '../../amqp/codec/encoder';
import { decodeValue } from '../../amqp/codec/decoder';
import { AmqpMap } from '../../amqp/codec/values';
import type { AmqpErrorFields, DeliveryState, OutcomeState } from '../../amqp/codec/types';
import { AMQP_OUTCOME, CONDITION, type AmqpOutcome } from '../../amqp/constants';
import type { FairleadError } from '../../common/errors';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../../streams/contract';

const TO_AMQP: Readonly<Record<Outcome, AmqpOutcome>> = {
  [OUTCOME.accepted]: AMQP_OUTCOME.accepted,
  [OUTCOME.rejected]: AMQP_OUTCOME.rejected,
  [OUTCOME.released]: AMQP_OUTCOME.released,
  [OUTCOME.undelivered]: AMQP_OUTCOME.released,
  [OUTCOME.modified]: AMQP_OUTCOME.modified,
  [OUTCOME.modifiedFailed]: AMQP_OUTCOME.modified,
  [OUTCOME.modifiedHere]: AMQP_OUTCOME.modified,
  [OUTCOME.modifiedFailedHere]: AMQP_OUTCOME.modified,
};

/** What an AMQP client is told of an outcome of the mesh. */
export function toAmqpOutcome(outcome: Outcome): AmqpOutcome {
  return TO_AMQP[outcome];
}

/** The delivery state with fields, or null where the outcome alone says all. */
export function toDeliveryState(outcome: Outcome, detail: OutcomeDetail | null): OutcomeState | null {
  if (outcome === OUTCOME.rejected) return detail === null ? null : { type: 'rejected', error: errorOf(detail) };
  const kind = TO_AMQP[outcome];
  if (kind !== AMQP_OUTCOME.modified || (outcome === OUTCOME.modified && detail === null)) return null;
  return {
    type: 'modified',
    deliveryFailed: outcome === OUTCOME.modifiedFailed || outcome === OUTCOME.modifiedFailedHere,
    undeliverableHere: outcome === OUTCOME.modifiedHere || outcome === OUTCOME.modifiedFailedHere,
    messageAnnotations: detail?.fields === undefined ? null : mapOf(detail.fields),
  };
}

/** An outcome without fields as a state. */
export function bareState(outcome: AmqpOutcome): OutcomeState {
  if (outcome === AMQP_OUTCOME.accepted) return { type: 'accepted' };
  if (outcome === AMQP_OUTCOME.rejected) return { type: 'rejected', error: null };
  if (outcome !== AMQP_OUTCOME.modified) return { type: 'released' };
  return { type: 'modified', deliveryFailed: false, undeliverableHere: false, messageAnnotations: null };
}

/** The outcome that a state is, as its number. */
export function outcomeOf(state: OutcomeState): AmqpOutcome {
  return AMQP_OUTCOME[state.type];
}

function errorOf(detail: OutcomeDetail): AmqpErrorFields {
  return {
    condition: detail.condition ?? CONDITION.internal,
    ...(detail.description === undefined ? {} : { description: detail.description }),
    ...(detail.fields === undefined ? {} : { info: mapOf(detail.fields) }),
  };
}

function mapOf(fields: Buffer): AmqpMap {
  const { value } = decodeValue(fields, 0, fields.length);
  return value instanceof AmqpMap ? value : new AmqpMap();
}

/** The mesh's outcome for what a receiving client said. */
export function fromAmqpOutcome(outcome: AmqpOutcome, state: DeliveryState | null): Outcome {
  if (outcome === AMQP_OUTCOME.accepted) return OUTCOME.accepted;
  if (outcome === AMQP_OUTCOME.rejected) return OUTCOME.rejected;
  if (outcome !== AMQP_OUTCOME.modified) return OUTCOME.released;
  if (state?.type !== 'modified') return OUTCOME.modified;
  if (state.deliveryFailed) return state.undeliverableHere ? OUTCOME.modifiedFailedHere : OUTCOME.modifiedFailed;
  return state.undeliverableHere ? OUTCOME.modifiedHere : OUTCOME.modified;
}

/** The fields of a state that travel with the outcome; null for none. */
export function detailOf(state: DeliveryState | null): OutcomeDetail | null {
  if (state?.type === 'rejected' && state.error !== null) {
    const { condition, description, info } = state.error;
    return {
      condition,
      ...(description === undefined ? {} : { description }),
      ...(info === undefined ? {} : { fields: encodeValue(info) }),
    };
  }
  if (state?.type === 'modified' && state.messageAnnotations !== null)
    return { fields: encodeValue(state.messageAnnotations) };
  return null;
}

/** An error of the mesh as a peer is told it. */
export function toErrorFields(error: FairleadError): AmqpErrorFields {
  return { condition: error.condition ?? CONDITION.internal, description: error.message };
}

/** In place of an outcome that the client's source does not take: the next that says the least untrue thing. Never accepted. */
const INSTEAD: Readonly<Record<string, readonly AmqpOutcome[]>> = {
  [AMQP_OUTCOME.rejected]: [AMQP_OUTCOME.modified, AMQP_OUTCOME.released],
  [AMQP_OUTCOME.released]: [AMQP_OUTCOME.modified, AMQP_OUTCOME.rejected],
  [AMQP_OUTCOME.modified]: [AMQP_OUTCOME.released, AMQP_OUTCOME.rejected],
};
const SYMBOL_OF: Readonly<Record<string, string>> = {
  [AMQP_OUTCOME.accepted]: 'amqp:accepted:list',
  [AMQP_OUTCOME.rejected]: 'amqp:rejected:list',
  [AMQP_OUTCOME.released]: 'amqp:released:list',
  [AMQP_OUTCOME.modified]: 'amqp:modified:list',
};

/** The outcomes that a client's source names (part 3.5.3); one that names none takes all. */
export class OutcomesTaken {
  readonly #taken: ReadonlySet<string> | null;

  constructor(symbols: readonly string[] | undefined) {
    this.#taken = symbols === undefined || symbols.length === 0 ? null : new Set(symbols);
  }

  /** What the client is told in place of an outcome; itself when that is taken, or nothing fitting is. */
  fit(outcome: AmqpOutcome): AmqpOutcome {
    if (this.takes(outcome)) return outcome;
    return INSTEAD[outcome]?.find((other) => this.takes(other)) ?? outcome;
  }

  takes(outcome: AmqpOutcome): boolean {
    return this.#taken === null || this.#taken.has(SYMBOL_OF[outcome] ?? '');
  }
}
