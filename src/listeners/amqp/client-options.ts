import type { AddressSpace } from '../../addresses/contract';
import type { ServerMechanism } from '../../amqp/sasl/mechanisms';
import type { FlushQueue } from '../../transport/flush-queue';
import type { ClientBudget } from '../edge/client-budget';
import type { ListenerCounters } from '../edge/listener-counters';
import type { ClientTransactions } from './client-transactions';

/** What AMQP for clients is built on. */
export interface AmqpEdgeOptions {
  readonly addresses: AddressSpace;
  /** Told to clients as the container-id. */
  readonly containerId: string;
  readonly queue: FlushQueue;
  readonly mechanisms: readonly ServerMechanism[];
  /** Clients that speak AMQP without SASL are let in. */
  readonly saslOptional: boolean;
  /** Shared by all listeners of the node. */
  readonly budget: ClientBudget;
  readonly messageBytesMax: number;
  readonly idleTimeOutMs: number;
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
