import type { FairleadError } from '../../common/errors';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../../streams/contract';
import { REASON } from './constants';
import { MqttError } from './errors';

/** Error codes of the mesh as reasons of MQTT; all others are `implementation specific`. */
const BY_CODE: Readonly<Record<string, number>> = {
  FL_ADDRESS_NAME: REASON.topic,
  FL_ADDRESS_KIND: REASON.topic,
  FL_ADDRESS_RESERVED: REASON.notAuthorized,
  FL_ADDRESS_LIMIT: REASON.quota,
  FL_SUBSCRIPTION_LIMIT: REASON.quota,
  FL_SUBSCRIPTION_AWAY: REASON.serverUnavailable,
  FL_SESSION_UNAVAILABLE: REASON.serverUnavailable,
  FL_SESSION_LIMIT: REASON.quota,
  FL_SESSION_TAKEN: REASON.taken,
  FL_RETAINED_SIZE: REASON.quota,
  FL_RETAINED_LIMIT: REASON.quota,
  FL_MESSAGE_FIELD: REASON.implementation,
};

/** Conditions of outcomes likewise. */
const BY_CONDITION: Readonly<Record<string, number>> = {
  'amqp:resource-limit-exceeded': REASON.quota,
  'amqp:unauthorized-access': REASON.notAuthorized,
  'amqp:not-found': REASON.topic,
  'amqp:invalid-field': REASON.topic,
};

export function reasonOfError(error: FairleadError): number {
  return error instanceof MqttError ? error.reason : (BY_CODE[error.code] ?? REASON.implementation);
}

/** The mesh tells what a name is by its own words for kinds; who speaks MQTT writes them otherwise. */
export function wordsOfError({ code, message }: FairleadError): string {
  if (code !== 'FL_ADDRESS_KIND') return message;
  return `${message}; a queue is $queue/NAME in MQTT, an anycast address $anycast/NAME`;
}

/** What a publisher is told of a message that was not accepted. */
export function reasonOfOutcome(detail: OutcomeDetail | null): number {
  return BY_CONDITION[detail?.condition ?? ''] ?? REASON.implementation;
}

export function wordsOfOutcome(outcome: Outcome, detail: OutcomeDetail | null): string {
  return detail?.description ?? detail?.condition ?? (outcome === OUTCOME.rejected ? 'rejected' : 'released');
}

/** What became of a delivery that a client has acknowledged: a reason that is an error refuses the message. */
export function outcomeOfReason(reason: number): Outcome {
  return reason >= REASON.unspecified ? OUTCOME.rejected : OUTCOME.accepted;
}

/** A DISCONNECT has no word for a server that is away, once it has let its client in (table 3-10). */
export function reasonOfFarewell(reason: number): number {
  return reason === REASON.serverUnavailable ? REASON.serverBusy : reason;
}
