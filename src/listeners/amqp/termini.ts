import { described } from '../../amqp/codec/delivery-states';
import type { Source, Target } from '../../amqp/codec/types';
import { symbolMap, type AmqpMap } from '../../amqp/codec/values';

const OUTCOMES = ['amqp:accepted:list', 'amqp:rejected:list', 'amqp:released:list', 'amqp:modified:list'];
const DELETE_ON_CLOSE = 0x2b;

/** What this node keeps of a terminus, whatever was asked for: nothing beyond its link (part 3.5.3, 3.5.4). */
function kept(dynamic: boolean) {
  return {
    durable: 0,
    expiryPolicy: 'link-detach',
    timeout: 0,
    dynamicNodeProperties: dynamic ? temporaryNode() : null,
  } as const;
}

function temporaryNode(): AmqpMap {
  return symbolMap({ 'lifetime-policy': described(DELETE_ON_CLOSE, []) });
}

/** The source of a consumer's link as it is. A filter that is not served must not look as if it were, so none is told back. */
export function sourceAnswer(source: Source, address: string): Source {
  return {
    ...source,
    ...kept(source.dynamic === true),
    address,
    filter: null,
    outcomes: OUTCOMES,
    defaultOutcome: source.defaultOutcome ?? { type: 'released' },
  };
}

/** The target of a publisher's link as it is; null for the anonymous relay. */
export function targetAnswer(target: Target | null, address: string | null): Target {
  return { ...(target ?? { type: 'target' }), ...kept(target?.dynamic === true), address };
}
