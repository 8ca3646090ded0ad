import type { AddressKind, AddressSpace, ConsumerSpec, SubscriptionSpec } from '../../../addresses/contract';
import { parseAddress } from '../../../addresses/names';
import { compileMessageFilter, type MessageFilter } from '../../../queues/message-filter';
import { HttpError } from '../errors';
import { NAME_BYTES_MAX } from '../limits';
import { flagOf, type Target } from '../target';

/** What a request to consume asks for. */
export interface ConsumeWish {
  readonly address: string;
  readonly kind: AddressKind;
  /** JMS selector. */
  readonly selector: MessageFilter | null;
  readonly subscription: SubscriptionSpec | null;
  /** Name of the client, that its subscription belongs to; null for none. */
  readonly client: string | null;
  readonly browse: boolean;
}

/** @throws FairleadError */
export function consumeWish(addresses: AddressSpace, { address, query }: Target): ConsumeWish {
  const kind = parseAddress(address).wild ? 'topic' : addresses.resolve(address, null).kind;
  const selector = query.get('selector');
  const client = nameOf(query.get('client'), 'client');
  const durable = nameOf(query.get('durable'), 'durable');
  const shared = flagOf(query, 'shared');
  const browse = flagOf(query, 'browse');
  const isTopic = kind === 'topic' || kind === 'multicast';
  if (durable !== null && !isTopic)
    throw new HttpError('FL_HTTP_REQUEST', 'durable: a queue keeps its messages for all, without it');
  if (shared && durable === null) throw new HttpError('FL_HTTP_REQUEST', 'shared: expected beside durable');
  if (browse && kind !== 'queue') throw new HttpError('FL_HTTP_REQUEST', 'browse: expected with a queue');
  return {
    address,
    kind,
    selector: selector === null || selector === '' ? null : compileMessageFilter(selector),
    subscription: durable === null ? null : { name: durable, client, durable: true, shared },
    client,
    browse,
  };
}

function nameOf(text: string | null, parameter: string): string | null {
  if (text === null) return null;
  if (text === '' || Buffer.byteLength(text) > NAME_BYTES_MAX)
    throw new HttpError('FL_HTTP_REQUEST', `${parameter}: expected 1 to ${NAME_BYTES_MAX} bytes`);
  return text;
}

/** @param client told in health and management */
export function consumerSpec(wish: ConsumeWish, client: string, settled: boolean): ConsumerSpec {
  const { address, selector, subscription, browse } = wish;
  const queue = { browse, selector: selector?.text ?? null, noLocal: false, exclusive: false };
  const plain = { address, hint: null, client, settled, queue };
  return subscription === null ? plain : { ...plain, subscription };
}

/** The selector that is to be applied here: that of a queue, or of a subscription, is applied there. */
export function selectorHere({ kind, selector, subscription }: ConsumeWish): MessageFilter | null {
  return subscription === null && (kind === 'topic' || kind === 'multicast') ? selector : null;
}
