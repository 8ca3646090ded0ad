import { CODE } from '../constants';
import { DecodeError } from '../errors';
import { encodeValue } from './encoder';
import { codeOf, Fields, listOf } from './fields';
import type { AmqpErrorFields, DeliveryState, OutcomeState } from './types';
import { decodeValue } from './decoder';
import { AmqpDescribed, AmqpTyped, sym, type AmqpValue } from './values';

const SYMBOLS: ReadonlyMap<string, number> = new Map([
  ['amqp:received:list', CODE.received],
  ['amqp:accepted:list', CODE.accepted],
  ['amqp:rejected:list', CODE.rejected],
  ['amqp:released:list', CODE.released],
  ['amqp:modified:list', CODE.modified],
  ['amqp:declared:list', CODE.declared],
  ['amqp:transactional-state:list', CODE.transactional],
]);

/** A described type with the specification's numeric descriptor. */
export function described(code: number, value: AmqpValue): AmqpDescribed {
  return new AmqpDescribed(new AmqpTyped('ulong', code), value);
}

/** An error as a described list (part 2.8.14). */
export function errorValue(error: AmqpErrorFields): AmqpDescribed {
  return described(0x1d, [sym(error.condition), error.description ?? null, error.info ?? null]);
}

/** Reads a delivery state (part 3.4). @throws DecodeError */
export function deliveryStateOf(value: AmqpDescribed): DeliveryState {
  switch (codeOf(value.descriptor, SYMBOLS)) {
    case CODE.received: {
      const fields = new Fields('received', listOf(value.value, 'received'), 2);
      const sectionNumber = fields.required('section-number', fields.uint('section-number'));
      return {
        type: 'received',
        sectionNumber,
        sectionOffset: fields.required('section-offset', fields.ulong('section-offset')),
      };
    }
    case CODE.accepted:
      return { type: 'accepted' };
    case CODE.rejected:
      return { type: 'rejected', error: new Fields('rejected', listOf(value.value, 'rejected'), 1).error('error') };
    case CODE.released:
      return { type: 'released' };
    case CODE.modified: {
      const fields = new Fields('modified', listOf(value.value, 'modified'), 3);
      const deliveryFailed = fields.boolean('delivery-failed');
      const undeliverableHere = fields.boolean('undeliverable-here');
      return {
        type: 'modified',
        deliveryFailed,
        undeliverableHere,
        messageAnnotations: fields.map('message-annotations'),
      };
    }
    case CODE.declared: {
      const fields = new Fields('declared', listOf(value.value, 'declared'), 1);
      return { type: 'declared', txnId: fields.required('txn-id', fields.binary('txn-id')) };
    }
    case CODE.transactional:
      return transactionalOf(value.value);
    default:
      return { type: 'other', value };
  }
}

function transactionalOf(value: AmqpValue): DeliveryState {
  const fields = new Fields('transactional-state', listOf(value, 'transactional-state'), 2);
  const txnId = fields.required('txn-id', fields.binary('txn-id'));
  const described = fields.described('outcome');
  if (described === null) return { type: 'transactional', txnId, outcome: null };
  const outcome = deliveryStateOf(described);
  if (!isOutcome(outcome)) throw new DecodeError(`field outcome of transactional-state is '${outcome.type}'`);
  return { type: 'transactional', txnId, outcome };
}

/** Whether a state ends a delivery. */
export function isOutcome(state: DeliveryState): state is OutcomeState {
  const { type } = state;
  return type === 'accepted' || type === 'rejected' || type === 'released' || type === 'modified';
}

export function deliveryStateValue(state: DeliveryState): AmqpDescribed {
  switch (state.type) {
    case 'received':
      return described(CODE.received, [
        new AmqpTyped('uint', state.sectionNumber),
        new AmqpTyped('ulong', state.sectionOffset),
      ]);
    case 'accepted':
      return described(CODE.accepted, []);
    case 'rejected':
      return described(CODE.rejected, state.error === null ? [] : [errorValue(state.error)]);
    case 'released':
      return described(CODE.released, []);
    case 'modified':
      return described(CODE.modified, [state.deliveryFailed, state.undeliverableHere, state.messageAnnotations]);
    case 'declared':
      return described(CODE.declared, [state.txnId]);
    case 'transactional':
      return described(CODE.transactional, [
        state.txnId,
        state.outcome === null ? null : deliveryStateValue(state.outcome),
      ]);
    case 'other':
      return state.value;
  }
}

/** @throws DecodeError */
export function decodeDeliveryState(bytes: Buffer, start: number, end: number): DeliveryState {
  const { value } = decodeValue(bytes, start, end);
  if (!(value instanceof AmqpDescribed)) throw new DecodeError('delivery state is no described type');
  return deliveryStateOf(value);
}

export function encodeDeliveryState(state: DeliveryState): Buffer {
  return encodeValue(deliveryStateValue(state));
}
