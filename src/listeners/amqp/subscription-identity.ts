import type { SubscriptionRef, SubscriptionSpec } from '../../addresses/contract';
import type { Source } from '../../amqp/codec/types';
import { CONDITION } from '../../amqp/constants';
import { FairleadError } from '../../common/errors';
import { SUBSCRIPTION_PART_BYTES_MAX } from './limits';

/** Capabilities of a source: several links may consume it, each message once; and it belongs to no client. */
export const SHARED = 'shared';
export const GLOBAL = 'global';

/** JMS clients name the further links of one subscription with what follows this. */
const SUFFIX = '|';

/** A link's name without what tells it from other links of its subscription. */
export function subscriptionName(linkName: string): string {
  const suffix = linkName.indexOf(SUFFIX);
  return suffix < 0 ? linkName : linkName.slice(0, suffix);
}

/**
 * The subscription that a link to a topic asks for; null for a plain one, which is gone with its link.
 * @throws FairleadError when its name cannot be one
 */
export function subscriptionOf(linkName: string, client: string, source: Source): SubscriptionSpec | null {
  const capabilities = source.capabilities ?? [];
  const durable = (source.durable ?? 0) > 0 && source.expiryPolicy === 'never';
  const shared = capabilities.includes(SHARED);
  if (!durable && !shared) return null;
  return { ...checked(linkName, capabilities.includes(GLOBAL) ? null : client), durable, shared };
}

/**
 * The durable subscription that is looked for by an attach without a source (part 2.6.3): clients find out so whether there is one, and
 * close the link to end it. What it is they say, if at all, by the capabilities that they desire of the link.
 * @throws FairleadError when its name cannot be one
 */
export function subscriptionLookedFor(
  linkName: string,
  client: string,
  desiredCapabilities: readonly string[],
): SubscriptionRef {
  return checked(linkName, desiredCapabilities.includes(GLOBAL) ? null : client);
}

function checked(linkName: string, client: string | null): SubscriptionRef {
  const name = subscriptionName(linkName);
  if (name === '') throw new SubscriptionNameError(`the name of link '${linkName}' leaves none for its subscription`);
  if (client === '')
    throw new SubscriptionNameError(`a subscription belongs to a container-id, or to none by capability '${GLOBAL}'`);
  for (const [what, part] of [
    ['subscription name', name],
    ['container-id', client ?? ''],
  ] as const)
    if (Buffer.byteLength(part) > SUBSCRIPTION_PART_BYTES_MAX)
      throw new SubscriptionNameError(`${what} of more than ${SUBSCRIPTION_PART_BYTES_MAX} bytes`);
  return { name, client };
}

/** What a client calls its subscription cannot be a name of one. */
class SubscriptionNameError extends FairleadError {
  constructor(why: string) {
    super('FL_SUBSCRIPTION_NAME', why, { condition: CONDITION.invalidField });
  }
}
