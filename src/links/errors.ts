import { FairleadError } from '../common/errors';

/** Why a link is refused, with the AMQP condition that the peer is told and whether dialling again can help. */
const REFUSALS = {
  /** No mesh protocol version is spoken by both. Cure: upgrade the older node. */
  FL_LINK_PROTOCOL: { condition: 'fairlead:protocol-mismatch', retryable: true },
  /** The node dialled itself. Cure: correct the link's address. */
  FL_LINK_SELF: { condition: 'fairlead:own-name', retryable: false },
  /** Another process bears this node's name. Cure: rename one of them. */
  FL_LINK_DUPLICATE_NAME: { condition: 'fairlead:duplicate-node', retryable: true },
  /** Two names have one 31-bit hash. Cure: rename one of them. */
  FL_LINK_NAME_HASH: { condition: 'fairlead:node-hash-collision', retryable: true },
  /** A name, cost or range in the hello is out of bounds. */
  FL_LINK_HELLO: { condition: 'amqp:invalid-field', retryable: false },
  /** The node is shutting down. */
  FL_LINK_DRAINING: { condition: 'fairlead:draining', retryable: true },
  /** Too many links. */
  FL_LINK_LIMIT: { condition: 'amqp:resource-limit-exceeded', retryable: true },
} as const;

export type LinkRefusalCode = keyof typeof REFUSALS;

/** A neighbour's hello is not accepted; the connection is closed with `condition`. */
export class LinkRefusedError extends FairleadError {
  constructor(
    override readonly code: LinkRefusalCode,
    message: string,
  ) {
    super(code, message, REFUSALS[code]);
  }
}

/** The cost of a link belongs to the side that dialled it. Cure: change it there. */
export class LinkCostError extends FairleadError {
  constructor(message: string) {
    super('FL_LINK_COST', message, { condition: 'amqp:not-allowed' });
  }
}
