import { addressOfDestination } from '../../message/mapping/stomp-destination';
import type { AddressRef, AddressSpace, KindHint, QueueAttach, SubscriptionSpec } from '../../addresses/contract';
import { parseAddress } from '../../addresses/names';
import { compileMessageFilter, type MessageFilter } from '../../queues/message-filter';
import { hintOf } from './destinations';
import { StompError, shown } from './errors';
import type { FrameHead } from './frame';
import { PREFETCH_DEFAULT, PREFETCH_MAX } from './limits';

export type AckMode = 'auto' | 'client' | 'client-individual';

/** What a SUBSCRIBE asks for. */
export interface SubscribeRequest {
  readonly id: string;
  /** As the client wrote it. */
  readonly destination: string;
  readonly address: string;
  /** What its messages are told to come from, where that is not their address. */
  readonly alias: string | null;
  readonly hint: KindHint;
  readonly ack: AckMode;
  readonly prefetch: number;
  readonly selector: MessageFilter | null;
  readonly queue: QueueAttach;
  /** Null for a plain consumer. */
  readonly subscription: SubscriptionSpec | null;
}

/** Whose subscriptions a client's are. */
export interface Subscriber {
  readonly clientId: string | null;
  readonly addresses: AddressSpace;
}

/** A plain subscription, to which messages count as received when they are sent. */
export function plainRequest(destination: string, address: string): SubscribeRequest {
  return {
    id: destination,
    destination,
    address,
    alias: destination,
    hint: null,
    ack: 'auto',
    prefetch: PREFETCH_MAX,
    selector: null,
    queue: { browse: false, selector: null, noLocal: false, exclusive: false },
    subscription: null,
  };
}

/** Names of the header that names a durable subscription: those of Artemis, and of ActiveMQ before it. */
const NAMES = ['durable-subscription-name', 'durable-subscriber-name', 'activemq.subscriptionName'] as const;
/** RabbitMQ's headers of one that outlives its connection; its name is the subscription's id. */
const DURABLE = ['durable', 'persistent'] as const;

/** @throws StompError, FairleadError when it asks for what cannot be */
export function subscribeRequest(
  head: FrameHead,
  { clientId, addresses }: Subscriber,
  temporary: AddressRef | null,
): SubscribeRequest {
  const destination = head.requiredId('destination');
  const id = subscriptionId(head, destination);
  const address = temporary?.name ?? addressOfDestination(destination);
  const hint = hintOf(head.get('subscription-type'));
  const ref = durableRef(head, clientId);
  const text = head.get('selector');
  const selector = text === undefined || text.trim() === '' ? null : compileMessageFilter(text);
  const subscription = ref === null || !isOfTopics(addresses, address, hint) ? null : ref;
  return {
    id,
    destination,
    address,
    alias: temporary === null ? null : destination,
    hint,
    ack: ackMode(head),
    prefetch: prefetchOf(head),
    selector,
    queue: {
      browse: subscription === null && (head.flag('browser') || head.flag('browse')),
      selector: selector?.text ?? null,
      noLocal: head.flag('no-local') || head.flag('activemq.noLocal'),
      exclusive: subscription === null && (head.flag('exclusive') || head.flag('activemq.exclusive')),
    },
    subscription,
  };
}

/** STOMP 1.0 can do without an id: then the destination is it. */
export function subscriptionId(head: FrameHead, destination?: string): string {
  return head.id('id') ?? destination ?? head.requiredId('id');
}

/**
 * The durable subscription that a SUBSCRIBE or UNSUBSCRIBE names; null for none. With a `client-id` it is that client's own, otherwise all
 * that name it share it.
 */
export function durableRef(head: FrameHead, clientId: string | null): SubscriptionSpec | null {
  const named = NAMES.map((name) => head.id(name)).find((name) => name !== undefined && name !== '');
  const lasting = DURABLE.some((name) => head.flag(name)) ? head.id('id') : undefined;
  const name = named ?? lasting;
  if (name === undefined) return null;
  if (Buffer.byteLength(name) > NAME_BYTES_MAX || Buffer.byteLength(clientId ?? '') > NAME_BYTES_MAX)
    throw new StompError(
      'FL_STOMP_LIMIT',
      `name of a subscription, or client-id, of more than ${NAME_BYTES_MAX} bytes`,
    );
  return { name, client: clientId, durable: true, shared: clientId === null };
}

/** Percent-encoded both are part of a queue's name, which has 4,096 bytes. */
const NAME_BYTES_MAX = 512;

function ackMode(head: FrameHead): AckMode {
  const ack = head.get('ack') ?? 'auto';
  if (ack === 'auto' || ack === 'client' || ack === 'client-individual') return ack;
  throw new StompError(
    'FL_STOMP_HEADER',
    `header 'ack' is '${shown(ack)}', expected auto, client or client-individual`,
  );
}

function prefetchOf(head: FrameHead): number {
  const asked =
    head.number('prefetch-count', 0, Number.MAX_SAFE_INTEGER) ??
    head.number('activemq.prefetchSize', 0, Number.MAX_SAFE_INTEGER);
  // 0 is RabbitMQ's word for no bound.
  return asked === undefined ? PREFETCH_DEFAULT : asked === 0 ? PREFETCH_MAX : Math.min(asked, PREFETCH_MAX);
}

/** What queues keep they keep for all: a durable subscription to one is a plain consumer. */
function isOfTopics(addresses: AddressSpace, address: string, hint: KindHint): boolean {
  if (parseAddress(address).wild) return true;
  const { kind } = addresses.resolve(address, hint);
  return kind === 'topic' || kind === 'multicast';
}
