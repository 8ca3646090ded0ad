import { CODE } from '../constants';
import { DecodeError } from '../errors';
import { encodeValue } from './encoder';
import { codeOf, Fields, listOf } from './fields';
import type { AmqpErrorFields, DeliveryState } from './types';
import { decodeValue } from './decoder';
import { AmqpDescribed, AmqpTyped, sym, type AmqpValue } from './values';

const SYMBOLS: ReadonlyMap<string, number> = new Map([
  ['amqp:received:list', CODE.received],
  ['amqp:accepted:list', CODE.accepted],
  ['amqp:rejected:list', CODE.rejected],
  ['amqp:released:list', CODE.released],
  ['amqp:modified:list', CODE.modified],
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
    default:
      return { type: 'other', value };
  }
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
