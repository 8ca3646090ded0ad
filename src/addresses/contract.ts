import type { FairleadError } from '../common/errors';
import type { LargeBody, Outcome, OutcomeDetail } from '../streams/contract';

export type AddressKind = 'topic' | 'multicast' | 'anycast' | 'queue';

/** What a client's terminus or protocol says about the kind it expects; `topic` fits topic and multicast, `queue` fits queue and anycast. */
export type KindHint = 'topic' | 'queue' | null;

/** What a listener gets for a name once it is resolved; stays valid, cheap to keep. */
export interface AddressRef {
  /** Without kind prefix. */
  readonly name: string;
  readonly kind: AddressKind;
}

/** Bits for {@link Publisher.publish}. */
export const PUBLISH_FLAG = { settled: 1, durable: 2 } as const;

/** What `publish` says at once. PENDING: the outcome follows by `onOutcome` with the same token. */
export const PENDING = -1;
export type Verdict = Outcome | typeof PENDING;

export interface PublisherSpec {
  /** As the client wrote it; null for an anonymous publisher, whose every message names its address. */
  readonly address: string | null;
  readonly hint: KindHint;
  /** Told in health and management, e.g. the client's container-id. */
  readonly client: string;
}

export interface PublisherHandler {
  /** The publisher may send `more` further messages than it was told before. */
  onCredit(more: number): void;
  onOutcome(token: number, outcome: Outcome, detail: OutcomeDetail | null): void;
  /** A large message comes faster than it leaves: the listener takes no more of it until told again. */
  onHold(hold: boolean): void;
  /** The address can no longer be served, e.g. its rule changed: the listener ends the link. */
  onGone(error: FairleadError): void;
}

export interface Publisher {
  /** Null when anonymous. */
  readonly address: AddressRef | null;
  /**
   * Publishes one complete message: an encoded AMQP 1.0 message (all its sections) in [start, end), copied before return.
   * @param to the publisher's own address, or for an anonymous publisher what {@link AddressSpace.resolve} gave
   * @param token given back with `onOutcome`
   */
  publish(to: AddressRef, flags: number, payload: Buffer, start: number, end: number, token: number): Verdict;
  /** A message that comes in parts; only one at a time per publisher. */
  begin(to: AddressRef, flags: number, token: number): void;
  part(payload: Buffer, start: number, end: number): void;
  /** Completes the message; the verdict is as for `publish`. */
  end(): Verdict;
  abort(): void;
  close(): void;
}

export interface ConsumerSpec {
  /** A name, or for topics a filter with `*` and `#`, as the client wrote it. */
  readonly address: string;
  readonly hint: KindHint;
  readonly client: string;
  /** Name of the client's link: what it says it can never take it is not given again, until it is closed. */
  readonly link?: string;
  /** The consumer settles on delivery (AMQP snd-settle-mode settled, MQTT QoS 0). */
  readonly settled: boolean;
  /** Larger messages are not for it: rejected where an outcome is asked for, else dropped and counted. Absent for any size. */
  readonly messageBytesMax?: number;
  /** How a queue is to be consumed; absent for a plain consumer. Other kinds know nothing of it, but for subscriptions. */
  readonly queue?: QueueAttach;
  /** It takes what the subscription holds; `address` is its topic, or filter, and `queue` has its selector and no-local. */
  readonly subscription?: SubscriptionSpec;
}

/** Which subscription: its name, within a client's or (null) of the whole mesh. */
export interface SubscriptionRef {
  readonly name: string;
  readonly client: string | null;
}

/** A subscription to topics that is more than its consumer: it outlives it, or is shared by several. */
export interface SubscriptionSpec extends SubscriptionRef {
  readonly durable: boolean;
  readonly shared: boolean;
}

/** What is known of one. */
export interface SubscriptionView extends SubscriptionSpec {
  readonly filter: string;
  readonly selector: string | null;
  readonly noLocal: boolean;
  /** Name of the node where it lives. */
  readonly home: string;
  /** The queue that it is. */
  readonly queue: string;
}

/** What a consumer of a queue asks for. */
export interface QueueAttach {
  /** It only looks: what it gets stays in the queue. */
  readonly browse: boolean;
  /** A JMS selector. */
  readonly selector: string | null;
  /** Not what its own client has published. */
  readonly noLocal: boolean;
  /** It wants to be the only one. */
  readonly exclusive: boolean;
}

/**
 * What a consumer may have missed, by the name of the node that gave it up: how many messages that was, or null where nobody knows
 * whether there were any. Never changed, so that consumers that missed the same share one.
 */
export type Gap = ReadonlyMap<string, number | null>;

export interface ConsumerHandler {
  /** True while `deliver` may be called: credit is left and the connection's outbound bound is not reached. */
  ready(): boolean;
  /** Deliveries that it takes now, one after the other; 0 when it is not `ready`. */
  credit(): number;
  /**
   * One whole message; copied or written out before return. `token` is settled with {@link Consumer.settle} unless `settled`.
   * @param address that it was published to, also where a subscription has kept it: that is the queue of the subscription only where a
   * former version had kept it
   */
  deliver(token: number, address: AddressRef, settled: boolean, payload: Buffer, start: number, end: number): void;
  /** A large message; the handler retains `body` and releases it when it is written out. `ready()` stays false meanwhile. */
  deliverLarge(token: number, address: AddressRef, settled: boolean, body: LargeBody): void;
  /** It may have missed messages; said before the next one is delivered, only when there is something to say. */
  onGap(gap: Gap): void;
  /** The subscription barrier: every reachable node knows of this consumer, or `unconfirmed` names those that did not answer in time. */
  onConfirmed(unconfirmed: readonly string[]): void;
  /** The outcome of a delivery is in force, of a queue's on the disk; or `error` says why it is not. Told where it was asked for. */
  onSettled(token: number, error: FairleadError | null): void;
  /** {@link Consumer.drain}: all that could be delivered has been, the credit that is left goes back. */
  onDrained(): void;
  /** The consumer was ended by the mesh (slow beyond `blockFor`, address gone). */
  onGone(error: FairleadError): void;
}

export interface Consumer {
  readonly address: AddressRef;
  /** `ready()` has turned true: deliver what waits. */
  pump(): void;
  /** Messages that wait for this consumer here. */
  readonly waiting: number;
  /** @param confirm `onSettled` is wanted, perhaps within the call */
  settle(token: number, outcome: Outcome, detail: OutcomeDetail | null, confirm?: boolean): void;
  /**
   * Credit that cannot be used now is to go back: answered by `onDrained`, perhaps within the call; by a queue once for each call, by
   * others when nothing waits for it.
   */
  drain(): void;
  /**
   * Unsettled deliveries end as their kind says; waiting ones go to others or are dropped, counted.
   * @param failed its client has died, or broke off: a queue counts the unsettled ones as failed attempts; otherwise it takes them back
   * @param closed its link is closed, and not only detached: what it said of messages that it can never take is forgotten
   */
  close(failed?: boolean, closed?: boolean): void;
}

/** A unit of work (AMQP part 4): all that is published and settled in it takes effect at `commit`, or nothing of it does. */
export interface Transaction {
  /**
   * {@link Publisher.publish} within it: the message is kept, and nobody sees it before the commit. The verdict is provisional; accepted
   * means that nothing speaks against it now.
   * @throws AddressError when it cannot be part of a transaction
   */
  publish(
    publisher: Publisher,
    to: AddressRef,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    token: number,
  ): Verdict;
  /**
   * {@link Publisher.begin} within it; the parts and the end go to the publisher. A `settled` one that does not fit makes the commit fail.
   * @throws AddressError when it cannot be part of a transaction
   */
  begin(publisher: Publisher, to: AddressRef, flags: number, token: number): void;
  /**
   * {@link Consumer.settle} within it, in force from the commit on. After a rollback the delivery goes back to its place as a failed
   * attempt: the consumer does not have it any more, and from now on closing the consumer does not touch it.
   * @throws AddressError when that cannot be part of a transaction, e.g. because the queue's home is another node
   */
  settle(consumer: Consumer, token: number, outcome: Outcome, detail: OutcomeDetail | null): void;
  /** @param done told once: null when all of it is in force, on the disk; else why nothing of it is. Nothing is called after that. */
  commit(done: (error: FairleadError | null) => void): void;
  /** Nothing of it takes effect. */
  rollback(): void;
}

/** Where transactions begin. */
export interface TransactionSpace {
  beginTransaction(): Transaction;
}

/** The contract between protocol edges (listeners, bridges) and the mesh. Calls are synchronous and throw typed errors. */
export interface AddressSpace extends TransactionSpace {
  /** @throws AddressError when the name is malformed or contradicts its rule */
  resolve(address: string, hint: KindHint): AddressRef;
  /** A fresh, mesh-wide unique temporary address. */
  temporary(hint: KindHint): AddressRef;
  /** Whoever asked for a temporary address has gone: a queue goes with all that is in it. */
  dropTemporary(address: AddressRef): void;
  openPublisher(spec: PublisherSpec, handler: PublisherHandler): Publisher;
  openConsumer(spec: ConsumerSpec, handler: ConsumerHandler): Consumer;
  findSubscription(ref: SubscriptionRef): SubscriptionView | null;
  /** Ends a subscription that nobody consumes, wherever it lives. @param done told once it is gone, or why it is not */
  unsubscribe(ref: SubscriptionRef, done: (error: FairleadError | null) => void): void;
  /** Every subscription of the mesh. */
  subscriptions(): Iterable<SubscriptionView>;
}
