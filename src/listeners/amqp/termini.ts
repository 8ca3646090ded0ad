import type { AddressKind, SubscriptionSpec } from '../../addresses/contract';
import { described } from '../../amqp/codec/delivery-states';
import type { Source, Target } from '../../amqp/codec/types';
import { symbolMap, type AmqpMap } from '../../amqp/codec/values';
import { GLOBAL, SHARED } from './subscription-identity';

export const SOURCE_OUTCOMES = ['amqp:accepted:list', 'amqp:rejected:list', 'amqp:released:list', 'amqp:modified:list'];
const DELETE_ON_CLOSE = 0x2b;
/** Capability, and property of a link, of a consumer that is to be the only one of its queue. */
export const EXCLUSIVE = 'exclusive';
/** Capabilities of a source that ask for no more than what its address is. */
const KINDS: readonly string[] = ['topic', 'queue', 'temporary-topic', 'temporary-queue'];

/** What this node keeps of a terminus that is no durable subscription: nothing beyond its link (part 3.5.3, 3.5.4). */
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

/** What of a source is served. */
export interface ServedSource {
  readonly address: string;
  readonly kind: AddressKind;
  readonly browse: boolean;
  readonly exclusive: boolean;
  /** What it is beyond its link; null for a plain one. */
  readonly subscription: SubscriptionSpec | null;
  /** The filters that are applied. */
  readonly filter: AmqpMap | null;
}

/** The source of a consumer's link as it is. What is not served must not look as if it were, so it is not told back. */
export function sourceAnswer(source: Source, served: ServedSource): Source {
  const { address, kind, browse, subscription, filter } = served;
  const copies = browse || kind === 'topic' || kind === 'multicast';
  return {
    ...source,
    ...kept(source.dynamic === true),
    ...(subscription?.durable === true && { durable: source.durable, expiryPolicy: 'never' as const }),
    address,
    filter,
    distributionMode: source.distributionMode ? (copies ? 'copy' : 'move') : null,
    capabilities: (source.capabilities ?? []).filter((name) => KINDS.includes(name) || isServed(name, served)),
    outcomes: SOURCE_OUTCOMES,
    defaultOutcome: source.defaultOutcome ?? { type: 'released' },
  };
}

function isServed(capability: string, { exclusive, subscription }: ServedSource): boolean {
  if (capability === EXCLUSIVE) return exclusive;
  if (capability === SHARED) return subscription?.shared === true;
  return capability === GLOBAL && subscription?.client === null;
}

/** The target of a publisher's link as it is; null for the anonymous relay. */
export function targetAnswer(target: Target | null, address: string | null): Target {
  return { ...(target ?? { type: 'target' }), ...kept(target?.dynamic === true), address };
}
