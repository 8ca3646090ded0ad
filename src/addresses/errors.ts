import { FairleadError } from '../common/errors';

const CONDITIONS = {
  /** The name is malformed. Cure: correct it. */
  FL_ADDRESS_NAME: { condition: 'amqp:invalid-field' },
  /** The client's prefix or capability contradicts the rule. Cure: drop the prefix, or change the rule. */
  FL_ADDRESS_KIND: { condition: 'amqp:not-allowed' },
  /** The address's rule has changed its kind. Cure: attach again. */
  FL_ADDRESS_CHANGED: { condition: 'amqp:resource-deleted', retryable: true },
  /** The consumer did not keep up for longer than `blockFor`. Cure: read faster, or choose another `slow` policy. */
  FL_CONSUMER_SLOW: { condition: 'amqp:resource-limit-exceeded', retryable: true },
  /** The home of the queue is out of reach. Cure: bring the node back that is named, then attach again. */
  FL_QUEUE_UNREACHABLE: { condition: 'fairlead:unreachable', retryable: true },
  /** The way to the queue's home broke while deliveries were unsettled; they are delivered again. Cure: attach again. */
  FL_QUEUE_INTERRUPTED: { condition: 'fairlead:interrupted', retryable: true },
  /** The queue lives at another node now. Cure: attach again. */
  FL_QUEUE_MOVED: { condition: 'amqp:resource-deleted', retryable: true },
  /** A temporary queue that has gone with its owner, or never was. */
  FL_QUEUE_GONE: { condition: 'amqp:not-found' },
  /** The name is one of the mesh's own. Cure: choose another. */
  FL_ADDRESS_RESERVED: { condition: 'amqp:not-allowed' },
  /** The node where the subscription lives is out of reach. Cure: bring the node back that is named, then attach again. */
  FL_SUBSCRIPTION_AWAY: { condition: 'fairlead:unreachable', retryable: true },
  /** There is no such subscription, or none any more. */
  FL_SUBSCRIPTION_UNKNOWN: { condition: 'amqp:not-found' },
  /** Somebody consumes it, so that it can be neither ended nor changed. Cure: detach that consumer first. */
  FL_SUBSCRIPTION_IN_USE: { condition: 'amqp:resource-locked' },
  /** It is shared and the consumer is not, or the other way round; or one is durable only. Cure: attach as it was made. */
  FL_SUBSCRIPTION_KIND: { condition: 'amqp:not-allowed' },
  /** There are as many durable subscriptions, of the client or at the node, as there may be. Cure: end some. */
  FL_SUBSCRIPTION_LIMIT: { condition: 'amqp:resource-limit-exceeded', retryable: true },
  /** The message is larger than what a topic may keep. Cure: publish it without `retain`, or make it smaller. */
  FL_RETAINED_SIZE: { condition: 'amqp:link:message-size-exceeded' },
  /** There is no room for more retained messages. Cure: clear some, with an empty retained message. */
  FL_RETAINED_LIMIT: { condition: 'amqp:resource-limit-exceeded', retryable: true },
  /** The node that has the session is out of reach. Cure: bring it back, or wait for it; then connect again. */
  FL_SESSION_UNAVAILABLE: { condition: 'fairlead:unreachable', retryable: true },
  /** Another client of that id has connected later. Cure: give each client an id of its own. */
  FL_SESSION_TAKEN: { condition: 'amqp:connection:forced' },
  /** The session keeps as much as it may, or the mesh as many. Cure: end subscriptions, or sessions. */
  FL_SESSION_LIMIT: { condition: 'amqp:resource-limit-exceeded', retryable: true },
  /** The node that a queue is to move to is unknown, or out of reach. Cure: see `fairlead status`; then again. */
  FL_REHOME_NODE: { condition: 'fairlead:unreachable', retryable: true },
  /** The queue cannot move there, or not now; it stays where it is. Cure: as the message says. */
  FL_REHOME_REFUSED: { condition: 'amqp:illegal-state', retryable: true },
  /** Transactions take no messages to addresses of this kind. Cure: send them outside of one. */
  FL_TRANSACTION_KIND: { condition: 'amqp:not-implemented' },
  /** What is received from a queue of another node cannot be part of a transaction here. Cure: connect to its node. */
  FL_TRANSACTION_REMOTE: { condition: 'amqp:not-implemented' },
  /** Nothing more fits. */
  FL_ADDRESS_LIMIT: { condition: 'amqp:resource-limit-exceeded', retryable: true },
} as const;

/** An address cannot be used as asked. */
export class AddressError extends FairleadError {
  constructor(
    override readonly code: keyof typeof CONDITIONS,
    message: string,
  ) {
    super(code, message, CONDITIONS[code]);
  }
}

/** A client wrote a name of the mesh's own. */
export function reserved(name: string): AddressError {
  return new AddressError('FL_ADDRESS_RESERVED', `'${name}': names that begin so are the mesh's own`);
}
