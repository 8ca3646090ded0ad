import type { SubscriptionSpec } from '../../src/addresses/contract';
import { SimConsumer, SimPublisher, type ConsumerOptions } from './address-clients';
import type { VirtualNode } from './virtual-mesh';

export interface SubscriberOptions extends ConsumerOptions {
  readonly name?: string;
  readonly owner?: string | null;
  readonly durable?: boolean;
  readonly shared?: boolean;
}

/** A consumer of a subscription: durable and unshared, of client `client`, unless told otherwise. */
export function subscriber(node: VirtualNode, filter: string, options: SubscriberOptions = {}): SimConsumer {
  const { name = 'sub', owner = 'client', durable = true, shared = false, ...rest } = options;
  const subscription: SubscriptionSpec = { name, client: owner, durable, shared };
  return new SimConsumer(node, filter, { client: owner ?? 'anybody', ...rest, hint: 'topic', subscription });
}

/** A publisher of AMQP messages to a topic. */
export function topicPublisher(node: VirtualNode, topic: string, client = 'publisher'): SimPublisher {
  return new SimPublisher(node, topic, { hint: 'topic', client, encoded: true });
}
