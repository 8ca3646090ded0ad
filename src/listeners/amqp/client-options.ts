import type { AddressSpace } from '../../addresses/contract';
import type { ServerMechanism } from '../../amqp/sasl/mechanisms';
import type { Journal } from '../../common/ports';
import type { FlushQueue } from '../../transport/flush-queue';
import type { ClientBudget } from './client-budget';
import type { ClientTransactions } from './client-transactions';

/** What an AMQP listener is built on. */
export interface AmqpListenerOptions {
  readonly addresses: AddressSpace;
  /** Told to clients as the container-id. */
  readonly containerId: string;
  readonly queue: FlushQueue;
  readonly journal: Journal;
  readonly mechanisms: readonly ServerMechanism[];
  /** Clients that speak AMQP without SASL are let in. */
  readonly saslOptional: boolean;
  /** Shared by all listeners of the node. */
  readonly budget: ClientBudget;
  readonly messageBytesMax: number;
  readonly idleTimeOutMs: number;
}

/** Counters of one listener, for metrics. */
export class ListenerCounters {
  accepted = 0;
  refused = 0;
  messagesIn = 0;
  messagesOut = 0;
  /** Messages that no address could be found for, or that were none. */
  messagesRejected = 0;
}

/** What the links of one client's connection share. */
export interface ClientContext {
  readonly addresses: AddressSpace;
  readonly transactions: ClientTransactions;
  readonly counters: ListenerCounters;
  readonly budget: ClientBudget;
  readonly messageBytesMax: number;
  /** Container-id of the client, for health and management. */
  readonly client: string;
}
