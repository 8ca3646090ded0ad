import { described } from '../../amqp/codec/delivery-states';
import { AmqpDescribed, AmqpMap, AmqpSymbol, AmqpTyped, symbolMap, type AmqpValue } from '../../amqp/codec/values';
import { CONDITION } from '../../amqp/constants';
import { FairleadError } from '../../common/errors';
import { compileMessageFilter, type MessageFilter } from '../../queues/message-filter';

/** Descriptors of the filters of Apache's registry that JMS clients send, by number and by name. */
const SELECTOR = { code: 0x0000468c00000004, name: 'apache.org:selector-filter:string' };
const NO_LOCAL = { code: 0x0000468c00000003, name: 'apache.org:no-local-filter:list' };

/** What of a source's filter-set (part 3.5.8) can be served; the rest of it is not known here. */
export interface SourceFilters {
  readonly selector: MessageFilter | null;
  readonly noLocal: boolean;
}

/** Which of its filters a source applies. */
export interface ServedFilters {
  readonly selector: boolean;
  readonly noLocal: boolean;
}

function is(value: AmqpValue, filter: typeof SELECTOR): value is AmqpDescribed {
  if (!(value instanceof AmqpDescribed)) return false;
  const { descriptor } = value;
  return descriptor instanceof AmqpTyped
    ? descriptor.type === 'ulong' && descriptor.value === filter.code
    : descriptor instanceof AmqpSymbol && descriptor.value === filter.name;
}

/**
 * Filters are known by their descriptors, whatever keys a client gives them.
 * @throws FairleadError when one that is known is malformed
 */
export function sourceFilters(filters: AmqpMap | null | undefined): SourceFilters {
  let selector: MessageFilter | null = null;
  let noLocal = false;
  for (const [, filter] of filters ?? []) {
    noLocal ||= is(filter, NO_LOCAL);
    if (!is(filter, SELECTOR)) continue;
    if (selector !== null) throw new FilterError('two selectors');
    if (typeof filter.value !== 'string') throw new FilterError('a selector that is no string');
    selector = compileMessageFilter(filter.value);
  }
  return { selector, noLocal };
}

/** The part of a filter-set that a source applies, as the client wrote it: told back, so that it sees what is not applied. */
export function servedFilters(filters: AmqpMap | null | undefined, served: ServedFilters): AmqpMap | null {
  const told = new AmqpMap();
  for (const [key, filter] of filters ?? [])
    if ((served.selector && is(filter, SELECTOR)) || (served.noLocal && is(filter, NO_LOCAL))) told.set(key, filter);
  return told.size === 0 ? null : told;
}

/** The filter-set of a subscription, for a client that does not know it. */
export function filtersOf(selector: string | null, noLocal: boolean): AmqpMap {
  return symbolMap({
    ...(selector !== null && { 'jms-selector': described(SELECTOR.code, selector) }),
    ...(noLocal && { 'no-local': described(NO_LOCAL.code, []) }),
  });
}

/** A filter that means something here is malformed. */
class FilterError extends FairleadError {
  constructor(found: string) {
    super('FL_FILTER_INVALID', `the source has ${found} among its filters`, { condition: CONDITION.invalidField });
  }
}
