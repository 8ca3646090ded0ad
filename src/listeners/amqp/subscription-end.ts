import type { AddressSpace, SubscriptionRef, SubscriptionSpec } from '../../addresses/contract';
import type { SenderLink } from '../../amqp/sender-link';
import type { FairleadError } from '../../common/errors';
import { toErrorFields } from './outcomes';

/**
 * A client that closes its link to a durable subscription ends it, and hears when it is gone. One that detaches, or whose connection
 * ends, finds it again.
 */
export function answerEnd(link: SenderLink, addresses: AddressSpace, subscription: SubscriptionSpec): void {
  // Others that share it go on: whoever closes last ends it.
  unsubscribe(
    link,
    addresses,
    subscription,
    (error) => !(subscription.shared && error.code === 'FL_SUBSCRIPTION_IN_USE'),
  );
}

/** The same of a link that has looked it up to end it: that others consume it is a refusal. */
export function answerLookupEnd(link: SenderLink, addresses: AddressSpace, ref: SubscriptionRef): void {
  unsubscribe(link, addresses, ref, () => true);
}

function unsubscribe(
  link: SenderLink,
  addresses: AddressSpace,
  ref: SubscriptionRef,
  isTold: (error: FairleadError) => boolean,
): void {
  if (link.state !== 'closing') return;
  addresses.unsubscribe(ref, (error) => {
    // That it has gone already is what was asked for.
    const told = error !== null && error.code !== 'FL_SUBSCRIPTION_UNKNOWN' && isTold(error) ? error : null;
    link.closed(told === null ? null : toErrorFields(told));
  });
}
