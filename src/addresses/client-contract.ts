import type { FairleadError } from '../common/errors';
import type { AddressRef, SubscriptionRef } from './contract';

/** The message that a topic keeps for those who subscribe later. */
export interface RetainedMessage {
  readonly address: AddressRef;
  /** An encoded AMQP 1.0 message, as it was published. */
  readonly payload: Buffer;
  /** When it was published: wall-clock ms. */
  readonly at: number;
  /** When its time is over: wall-clock ms; null for never. */
  readonly expiresAt: number | null;
}

/** Goes through retained messages, one at a time, as its user has room for them. What is retained meanwhile may be left out. */
export interface RetainedCursor {
  /** Null behind the last one. */
  next(): RetainedMessage | null;
}

/** What is retained in all of the mesh, as far as this node knows: the last writer wins, at every node the same. */
export interface RetainedMessages {
  /**
   * Keeps the message in [start, end), copied before return, for its topic, in place of the one before; it is not published by that. An empty
   * range clears the topic. Its expiry is that of the message.
   * @param done told once, perhaps within the call: null when it is on this node's disk, else why it is not
   * @throws AddressError FL_RETAINED_SIZE, FL_RETAINED_LIMIT, FL_ADDRESS_KIND where the address is no topic
   */
  retain(
    topic: AddressRef,
    payload: Buffer,
    start: number,
    end: number,
    done: (error: FairleadError | null) => void,
  ): void;
  /**
   * Those of topics that a filter matches, with `*` and `#` as in {@link ConsumerSpec}; without expired ones, in no order.
   * @throws AddressError when it is no filter
   */
  retained(filter: string): RetainedCursor;
}

/** A subscription as a session keeps it. */
export interface SessionSubscription {
  /** As the client wrote it: the key in its session. */
  readonly filter: string;
  /** The durable subscription that holds its messages and ends with the session; null where nothing has to be ended. */
  readonly durable: SubscriptionRef | null;
  /** What its listener has to know of it. */
  readonly options: Buffer;
}

/** What is published for a client that went without a word. */
export interface SessionWill {
  /** As {@link AddressSpace.resolve} takes it. */
  readonly address: string;
  /** An encoded AMQP 1.0 message. */
  readonly payload: Buffer;
  readonly durable: boolean;
  readonly retain: boolean;
  /** From when the client is gone, or until its session ends, which comes first. */
  readonly delayMs: number;
}

export interface SessionSpec {
  /** One owner in the mesh: whoever opens it last. */
  readonly clientId: string;
  /** Told in management: what its listener calls its protocol. */
  readonly protocol: string;
  /** What there is of an earlier one ends first, with its durable subscriptions. */
  readonly clean: boolean;
  /** How long it outlives its connection: 0 for not at all, Infinity for ever. */
  readonly expiryMs: number;
  readonly will: SessionWill | null;
}

export interface SessionHandler {
  /** The session is this connection's from now on; nothing is lost that was kept in it. */
  onOpened(session: ClientSession): void;
  /** It cannot be opened: FL_SESSION_UNAVAILABLE, FL_SESSION_LIMIT, FL_SESSION_TAKEN when another one came meanwhile. */
  onRefused(error: FairleadError): void;
  /**
   * Another connection, here or elsewhere, has it from the end of this call on (FL_SESSION_TAKEN): within it the listener saves what it has to,
   * closes its consumers and ends its connection. The session must not be used after that.
   */
  onTaken(error: FairleadError): void;
  /** Messages that the client has and has not acknowledged, for management. */
  inFlight(): number;
}

/** A session that is this connection's. */
export interface ClientSession {
  /** There was one to go on with. */
  readonly present: boolean;
  readonly subscriptions: readonly SessionSubscription[];
  /** What was saved last; empty for nothing. */
  readonly state: Buffer;
  /**
   * All of them, in place of those before; told to the mesh once a turn. What it no longer has is not ended by that.
   * @param done told once it is on this node's disk
   * @throws AddressError FL_SESSION_LIMIT
   */
  setSubscriptions(subscriptions: readonly SessionSubscription[], done?: (error: FairleadError | null) => void): void;
  /**
   * State of the protocol, in place of the one before: it follows the client when it comes back elsewhere.
   * @param done told once it is on this node's disk
   * @throws AddressError FL_SESSION_LIMIT
   */
  saveState(state: Buffer, done?: (error: FairleadError | null) => void): void;
  /** State that was learned after `close`: kept unless the session is another connection's by now, or has ended. */
  saveLate(state: Buffer): void;
  /**
   * Its connection has ended. But for `saveLate` the session must not be used after that.
   * @param will false where the client said farewell and wants none
   * @param expiryMs in place of what it was opened with
   */
  close(will: boolean, expiryMs?: number): void;
}

/** What there is of it. */
export interface ClientCounts {
  /** Topics of the mesh that keep a message. */
  readonly retained: number;
  /** Sessions of this node, their clients connected or not. */
  readonly sessionsHere: number;
}

/** What a protocol with sessions needs beyond {@link AddressSpace}. */
export interface ClientSpace extends RetainedMessages {
  /**
   * Opens the session of a client id: answered by `onOpened` or `onRefused`, perhaps within the call.
   * @returns gives it up: nothing is told any more; what was opened is closed, without a will
   * @throws AddressError FL_SESSION_LIMIT
   */
  openSession(spec: SessionSpec, handler: SessionHandler): () => void;
  counts(): ClientCounts;
}
