import type { SessionSubscription } from '../../addresses/client-contract';
import type { SubscriptionSpec } from '../../addresses/contract';
import type { MqttTarget } from '../../message/mapping/mqtt-topic';
import type { SubscriptionRequest } from './subscribe-packet';
import { isSystemName } from './system-topics';

/** What a session keeps of one of its subscriptions beside its filter. */
export interface KeptOptions {
  readonly request: SubscriptionRequest;
  readonly subscriptionId: number;
}

const BYTES = 6;
const NO_LOCAL = 4;
const AS_PUBLISHED = 8;
const HANDLING_SHIFT = 4;

export function encodeOptions({ request, subscriptionId }: KeptOptions): Buffer {
  const { qos, noLocal, retainAsPublished, retainHandling } = request;
  const bytes = Buffer.allocUnsafe(BYTES);
  bytes[0] = 1;
  bytes[1] =
    qos | (noLocal ? NO_LOCAL : 0) | (retainAsPublished ? AS_PUBLISHED : 0) | (retainHandling << HANDLING_SHIFT);
  bytes.writeUInt32BE(subscriptionId, 2);
  return bytes;
}

/** Null when another version wrote it in a form that is not known here. */
export function decodeOptions({ filter, options }: SessionSubscription): KeptOptions | null {
  if (options.length !== BYTES || options[0] !== 1) return null;
  const flags = options[1] as number;
  const request = {
    filter,
    qos: flags & 3,
    noLocal: (flags & NO_LOCAL) !== 0,
    retainAsPublished: (flags & AS_PUBLISHED) !== 0,
    retainHandling: (flags >>> HANDLING_SHIFT) & 3,
  };
  return { request, subscriptionId: options.readUInt32BE(2) };
}

/**
 * What the mesh keeps for a filter: messages of a session that outlives its connection for its client alone; those of a group, for whoever
 * of it is connected, whatever the filter is beside it.
 */
export function subscriptionOf(
  target: MqttTarget,
  filter: string,
  client: string,
  persistent: boolean,
): SubscriptionSpec | null {
  if (target.kind !== 'topic' || isSystemName(target.name)) return null;
  if (target.share !== null)
    return { name: filter.slice('$share/'.length), client: null, durable: false, shared: true };
  return persistent ? { name: filter, client, durable: true, shared: false } : null;
}
