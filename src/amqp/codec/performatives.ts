import { CODE, CONDITION, FRAME_BYTES_MIN } from '../constants';
import { AmqpError, DecodeError } from '../errors';
import { described, errorValue } from './delivery-states';
import { encodeValue } from './encoder';
import { codeOf, Fields, listOf } from './fields';
import { sourceOf, sourceValue, symbolsValue, targetOf, targetValue } from './termini';
import type { Attach, Begin, Open, Performative, SaslPerformative } from './types';
import { decodeValue } from './decoder';
import { AmqpDescribed, AmqpTyped, type AmqpValue } from './values';

export { decodeDeliveryState, encodeDeliveryState } from './delivery-states';

const SASL = { mechanisms: 0x40, init: 0x41, challenge: 0x42, response: 0x43, outcome: 0x44 } as const;
const UINT_MAX = 0xffff_ffff;
/** Elements of one performative: each takes far more memory than its bytes do. An unsettled map of a full frame has fewer. */
const ELEMENTS_MAX = 8_192;
const SYMBOLS: ReadonlyMap<string, number> = new Map([
  ['amqp:open:list', CODE.open],
  ['amqp:begin:list', CODE.begin],
  ['amqp:attach:list', CODE.attach],
  ['amqp:detach:list', CODE.detach],
  ['amqp:end:list', CODE.end],
  ['amqp:close:list', CODE.close],
  ['amqp:sasl-mechanisms:list', SASL.mechanisms],
  ['amqp:sasl-init:list', SASL.init],
  ['amqp:sasl-challenge:list', SASL.challenge],
  ['amqp:sasl-response:list', SASL.response],
  ['amqp:sasl-outcome:list', SASL.outcome],
]);

function bodyOf(bytes: Buffer, start: number, end: number): { code: number; items: readonly AmqpValue[] } {
  const { value, end: at } = decodeValue(bytes, start, end, ELEMENTS_MAX);
  if (!(value instanceof AmqpDescribed)) throw new DecodeError('frame body is no described type');
  if (at !== end) throw new DecodeError(`${end - at} bytes follow the performative`);
  return { code: codeOf(value.descriptor, SYMBOLS), items: listOf(value.value, 'performative') };
}

/** Decodes the body of a frame that is no flow, transfer or disposition. @throws DecodeError */
export function decodePerformative(bytes: Buffer, start: number, end: number): Performative {
  const { code, items } = bodyOf(bytes, start, end);
  switch (code) {
    case CODE.open:
      return readOpen(new Fields('open', items, 10));
    case CODE.begin:
      return readBegin(new Fields('begin', items, 8));
    case CODE.attach:
      return readAttach(new Fields('attach', items, 14));
    case CODE.detach: {
      const fields = new Fields('detach', items, 3);
      const handle = fields.required('handle', fields.uint('handle'));
      return { type: 'detach', handle, closed: fields.boolean('closed'), error: fields.error('error') };
    }
    case CODE.end:
      return { type: 'end', error: new Fields('end', items, 1).error('error') };
    case CODE.close:
      return { type: 'close', error: new Fields('close', items, 1).error('error') };
    default:
      throw new AmqpError(CONDITION.notImplemented, `no performative: ${nameOf(code)}`, 'connection');
  }
}

function nameOf(code: number): string {
  return code < 0 ? 'an unknown descriptor' : `descriptor 0x${code.toString(16)}`;
}

function readOpen(fields: Fields): Open {
  const containerId = fields.required('container-id', fields.string('container-id'));
  const hostname = fields.string('hostname');
  const maxFrameSize = fields.uint('max-frame-size') ?? UINT_MAX;
  if (maxFrameSize < FRAME_BYTES_MIN) {
    const text = `max-frame-size ${maxFrameSize}, expected at least ${FRAME_BYTES_MIN}`;
    throw new AmqpError(CONDITION.invalidField, text, 'connection');
  }
  const channelMax = fields.ushort('channel-max') ?? 0xffff;
  const idleTimeOut = fields.uint('idle-time-out') ?? 0;
  fields.symbols('outgoing-locales');
  fields.symbols('incoming-locales');
  const offeredCapabilities = fields.symbols('offered-capabilities');
  const desiredCapabilities = fields.symbols('desired-capabilities');
  const properties = fields.map('properties');
  return {
    type: 'open',
    containerId,
    hostname,
    maxFrameSize,
    channelMax,
    idleTimeOut,
    offeredCapabilities,
    desiredCapabilities,
    properties,
  };
}

function readBegin(fields: Fields): Begin {
  return {
    type: 'begin',
    remoteChannel: fields.ushort('remote-channel'),
    nextOutgoingId: fields.required('next-outgoing-id', fields.uint('next-outgoing-id')),
    incomingWindow: fields.required('incoming-window', fields.uint('incoming-window')),
    outgoingWindow: fields.required('outgoing-window', fields.uint('outgoing-window')),
    handleMax: fields.uint('handle-max') ?? UINT_MAX,
    offeredCapabilities: fields.symbols('offered-capabilities'),
    desiredCapabilities: fields.symbols('desired-capabilities'),
    properties: fields.map('properties'),
  };
}

function readAttach(fields: Fields): Attach {
  const name = fields.required('name', fields.string('name'));
  const handle = fields.required('handle', fields.uint('handle'));
  const role = fields.required('role', fields.booleanOrNull('role')) ? 'receiver' : 'sender';
  const sndSettleMode = (fields.ubyte('snd-settle-mode', 2) ?? 2) as 0 | 1 | 2;
  const rcvSettleMode = (fields.ubyte('rcv-settle-mode', 1) ?? 0) as 0 | 1;
  const source = fields.described('source');
  const target = fields.described('target');
  const unsettled = fields.map('unsettled');
  const incompleteUnsettled = fields.boolean('incomplete-unsettled');
  const count = fields.uint('initial-delivery-count');
  return {
    type: 'attach',
    name,
    handle,
    role,
    sndSettleMode,
    rcvSettleMode,
    source: source === null ? null : sourceOf(source),
    target: target === null ? null : targetOf(target),
    unsettled,
    incompleteUnsettled,
    initialDeliveryCount: role === 'sender' ? fields.required('initial-delivery-count', count) : count,
    maxMessageSize: fields.ulong('max-message-size'),
    offeredCapabilities: fields.symbols('offered-capabilities'),
    desiredCapabilities: fields.symbols('desired-capabilities'),
    properties: fields.map('properties'),
  };
}

function uint(value: number | null): AmqpValue {
  return value === null ? null : new AmqpTyped('uint', value);
}

function ushort(value: number | null): AmqpValue {
  return value === null ? null : new AmqpTyped('ushort', value);
}

/** Encodes a list without the nulls at its end (part 1.4). */
function encodeList(code: number, items: readonly AmqpValue[]): Buffer {
  let length = items.length;
  while (length > 0 && items[length - 1] === null) length--;
  return encodeValue(described(code, items.slice(0, length)));
}

/** Encodes the body of a frame. */
export function encodePerformative(performative: Performative): Buffer {
  switch (performative.type) {
    case 'open':
      return encodeList(CODE.open, [
        performative.containerId,
        performative.hostname,
        uint(performative.maxFrameSize),
        ushort(performative.channelMax),
        performative.idleTimeOut === 0 ? null : uint(performative.idleTimeOut),
        null,
        null,
        symbolsValue(performative.offeredCapabilities),
        symbolsValue(performative.desiredCapabilities),
        performative.properties,
      ]);
    case 'begin':
      return encodeList(CODE.begin, [
        ushort(performative.remoteChannel),
        uint(performative.nextOutgoingId),
        uint(performative.incomingWindow),
        uint(performative.outgoingWindow),
        uint(performative.handleMax),
        symbolsValue(performative.offeredCapabilities),
        symbolsValue(performative.desiredCapabilities),
        performative.properties,
      ]);
    case 'attach':
      return encodeAttach(performative);
    case 'detach':
      return encodeList(CODE.detach, [
        uint(performative.handle),
        performative.closed,
        performative.error === null ? null : errorValue(performative.error),
      ]);
    case 'end':
      return encodeList(CODE.end, [performative.error === null ? null : errorValue(performative.error)]);
    case 'close':
      return encodeList(CODE.close, [performative.error === null ? null : errorValue(performative.error)]);
  }
}

function encodeAttach(attach: Attach): Buffer {
  return encodeList(CODE.attach, [
    attach.name,
    uint(attach.handle),
    attach.role === 'receiver',
    new AmqpTyped('ubyte', attach.sndSettleMode),
    new AmqpTyped('ubyte', attach.rcvSettleMode),
    attach.source === null ? null : sourceValue(attach.source),
    attach.target === null ? null : targetValue(attach.target),
    attach.unsettled,
    attach.incompleteUnsettled ? true : null,
    uint(attach.initialDeliveryCount),
    attach.maxMessageSize === null ? null : new AmqpTyped('ulong', attach.maxMessageSize),
    symbolsValue(attach.offeredCapabilities),
    symbolsValue(attach.desiredCapabilities),
    attach.properties,
  ]);
}

/** Decodes the body of a SASL frame (part 5.3). @throws DecodeError */
export function decodeSasl(bytes: Buffer, start: number, end: number): SaslPerformative {
  const { code, items } = bodyOf(bytes, start, end);
  switch (code) {
    case SASL.mechanisms:
      return { type: 'sasl-mechanisms', mechanisms: new Fields('sasl-mechanisms', items, 1).symbols('mechanisms') };
    case SASL.init: {
      const fields = new Fields('sasl-init', items, 3);
      const mechanism = fields.required('mechanism', fields.symbol('mechanism'));
      const initialResponse = fields.binary('initial-response');
      return { type: 'sasl-init', mechanism, initialResponse, hostname: fields.string('hostname') };
    }
    case SASL.challenge: {
      const fields = new Fields('sasl-challenge', items, 1);
      return { type: 'sasl-challenge', challenge: fields.required('challenge', fields.binary('challenge')) };
    }
    case SASL.response: {
      const fields = new Fields('sasl-response', items, 1);
      return { type: 'sasl-response', response: fields.required('response', fields.binary('response')) };
    }
    case SASL.outcome: {
      const fields = new Fields('sasl-outcome', items, 2);
      const outcome = fields.required('code', fields.ubyte('code', 4)) as 0 | 1 | 2 | 3 | 4;
      return { type: 'sasl-outcome', code: outcome, additionalData: fields.binary('additional-data') };
    }
    default:
      throw new DecodeError('unexpected SASL performative');
  }
}

export function encodeSasl(performative: SaslPerformative): Buffer {
  switch (performative.type) {
    case 'sasl-mechanisms':
      return encodeList(SASL.mechanisms, [symbolsValue(performative.mechanisms)]);
    case 'sasl-init':
      return encodeList(SASL.init, [
        symbolsValue([performative.mechanism]),
        performative.initialResponse,
        performative.hostname,
      ]);
    case 'sasl-challenge':
      return encodeList(SASL.challenge, [performative.challenge]);
    case 'sasl-response':
      return encodeList(SASL.response, [performative.response]);
    case 'sasl-outcome':
      return encodeList(SASL.outcome, [new AmqpTyped('ubyte', performative.code), performative.additionalData]);
  }
}
