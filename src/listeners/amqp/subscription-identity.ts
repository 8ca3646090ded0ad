import type { Source } from '../../amqp/codec/types';

/** A subscription that is more than its link: it outlives it, or is shared by several. */
export interface SubscriptionIdentity {
  readonly name: string;
  /** Container-id of the client that it belongs to; null when it belongs to none (`global`). */
  readonly client: string | null;
  /** It keeps what its subscriber missed. */
  readonly durable: boolean;
  /** Several links may consume it, each message once. */
  readonly shared: boolean;
}

/** JMS clients name the further links of one subscription with what follows this. */
const SUFFIX = '|';

/** A link's name without what tells it from other links of its subscription. */
export function subscriptionName(linkName: string): string {
  const suffix = linkName.indexOf(SUFFIX);
  return suffix < 0 ? linkName : linkName.slice(0, suffix);
}

/** The subscription that a link to a topic asks for; null for a plain one, which is gone with its link. */
export function subscriptionOf(linkName: string, client: string, source: Source): SubscriptionIdentity | null {
  const capabilities = source.capabilities ?? [];
  const durable = (source.durable ?? 0) > 0 && source.expiryPolicy === 'never';
  const shared = capabilities.includes('shared');
  if (!durable && !shared) return null;
  const owner = capabilities.includes('global') ? null : client;
  return { name: subscriptionName(linkName), client: owner, durable, shared };
}

/**
 * The durable subscription that is looked for by an attach without a source (part 2.6.3): clients find out so whether there is one, and
 * close the link to end it. What it is they say, if at all, by the capabilities that they desire of the link.
 */
export function subscriptionLookedFor(
  linkName: string,
  client: string,
  desiredCapabilities: readonly string[],
): Pick<SubscriptionIdentity, 'name' | 'client'> {
  const owner = desiredCapabilities.includes('global') ? null : client;
  return { name: subscriptionName(linkName), client: owner };
}
