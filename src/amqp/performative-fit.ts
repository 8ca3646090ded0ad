import { encodePerformative } from './codec/performatives';
import type { AmqpErrorFields, Performative } from './codec/types';
import { CONDITION } from './constants';
import { AmqpError } from './errors';

/**
 * Encodes a performative for a peer whose frames hold `max` bytes (part 2.4.1): one that does not fit goes without what the peer
 * can do without.
 * @throws AmqpError with session scope when it does not fit even so
 */
export function fitPerformative(performative: Performative, max: number): Buffer {
  const body = encodePerformative(performative);
  if (body.length <= max) return body;
  const bare = encodePerformative(withoutExtras(performative));
  if (bare.length <= max) return bare;
  const text = `${performative.type} of ${bare.length} bytes, where the peer's frames hold ${max}`;
  throw new AmqpError(CONDITION.frameTooSmall, text, 'session');
}

function withoutExtras(performative: Performative): Performative {
  switch (performative.type) {
    case 'attach': {
      const { source, target } = performative;
      const bare = { filter: null, dynamicNodeProperties: null, capabilities: [], outcomes: [] };
      return {
        ...performative,
        source: source === null ? null : { ...source, ...bare },
        target: target?.type === 'target' ? { ...target, dynamicNodeProperties: null, capabilities: [] } : target,
        offeredCapabilities: [],
        desiredCapabilities: [],
        properties: null,
      };
    }
    case 'detach':
    case 'end':
    case 'close':
      return { ...performative, error: bareError(performative.error) };
    default:
      return performative;
  }
}

function bareError(error: AmqpErrorFields | null): AmqpErrorFields | null {
  return error === null ? null : { condition: error.condition };
}
