import { DecodeError } from '../errors';
import { described, deliveryStateOf, deliveryStateValue } from './delivery-states';
import { codeOf, Fields, listOf } from './fields';
import type { Coordinator, ExpiryPolicy, Source, Target, TerminusDurability } from './types';
import { AmqpArray, type AmqpDescribed, AmqpTyped, sym, type AmqpValue } from './values';

const SOURCE = 0x28;
const TARGET = 0x29;
const COORDINATOR = 0x30;
const SYMBOLS: ReadonlyMap<string, number> = new Map([
  ['amqp:source:list', SOURCE],
  ['amqp:target:list', TARGET],
  ['amqp:coordinator:list', COORDINATOR],
]);
const POLICIES: readonly string[] = ['link-detach', 'session-end', 'connection-close', 'never'];

/** Symbols of a field with `multiple="true"`: null, one, or an array. */
export function symbolsValue(names: readonly string[] | undefined): AmqpValue {
  if (names === undefined || names.length === 0) return null;
  return names.length === 1 ? sym(names[0] as string) : new AmqpArray(0xb3, names.map(sym));
}

function terminusFields(fields: Fields) {
  const address = fields.address('address');
  const durable = (fields.uint('durable') ?? 0) as TerminusDurability;
  if (durable > 2) throw new DecodeError(`field durable is ${durable}, expected 0 to 2`);
  const expiryPolicy = (fields.symbol('expiry-policy') ?? 'session-end') as ExpiryPolicy;
  if (!POLICIES.includes(expiryPolicy)) throw new DecodeError(`field expiry-policy is '${expiryPolicy}'`);
  const timeout = fields.uint('timeout') ?? 0;
  const dynamic = fields.boolean('dynamic');
  return {
    address,
    durable,
    expiryPolicy,
    timeout,
    dynamic,
    dynamicNodeProperties: fields.map('dynamic-node-properties'),
  };
}

/** @throws DecodeError */
export function sourceOf(value: AmqpDescribed): Source {
  if (codeOf(value.descriptor, SYMBOLS) !== SOURCE) throw new DecodeError('field source of attach is no source');
  const fields = new Fields('source', listOf(value.value, 'source'), 11);
  const terminus = terminusFields(fields);
  const distributionMode = fields.symbol('distribution-mode');
  const filter = fields.map('filter');
  const defaultOutcome = fields.described('default-outcome');
  return {
    type: 'source',
    ...terminus,
    distributionMode,
    filter,
    defaultOutcome: defaultOutcome === null ? null : deliveryStateOf(defaultOutcome),
    outcomes: fields.symbols('outcomes'),
    capabilities: fields.symbols('capabilities'),
  };
}

/** @throws DecodeError */
export function targetOf(value: AmqpDescribed): Target | Coordinator {
  const code = codeOf(value.descriptor, SYMBOLS);
  if (code === COORDINATOR) {
    const fields = new Fields('coordinator', listOf(value.value, 'coordinator'), 1);
    return { type: 'coordinator', capabilities: fields.symbols('capabilities') };
  }
  if (code !== TARGET) throw new DecodeError('field target of attach is no target');
  const fields = new Fields('target', listOf(value.value, 'target'), 7);
  return { type: 'target', ...terminusFields(fields), capabilities: fields.symbols('capabilities') };
}

function terminusValues(terminus: Source | Target): AmqpValue[] {
  return [
    terminus.address ?? null,
    new AmqpTyped('uint', terminus.durable ?? 0),
    terminus.expiryPolicy === undefined ? null : sym(terminus.expiryPolicy),
    new AmqpTyped('uint', terminus.timeout ?? 0),
    terminus.dynamic ?? false,
    terminus.dynamicNodeProperties ?? null,
  ];
}

export function sourceValue(source: Source): AmqpDescribed {
  return described(SOURCE, [
    ...terminusValues(source),
    source.distributionMode ? sym(source.distributionMode) : null,
    source.filter ?? null,
    source.defaultOutcome ? deliveryStateValue(source.defaultOutcome) : null,
    symbolsValue(source.outcomes),
    symbolsValue(source.capabilities),
  ]);
}

export function targetValue(target: Target | Coordinator): AmqpDescribed {
  if (target.type === 'coordinator') return described(COORDINATOR, [symbolsValue(target.capabilities)]);
  return described(TARGET, [...terminusValues(target), symbolsValue(target.capabilities)]);
}
