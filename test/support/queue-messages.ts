import { message, type Message } from 'rhea';
import type { ClientReceiver, ClientSender, Delivery } from './clients/client';
import { dataMessage } from './clients/message';

interface Decoded {
  readonly body: { readonly content: Buffer };
  readonly delivery_count?: number;
  readonly message_annotations?: Readonly<Record<string, unknown>>;
}

function decoded({ payload }: Delivery): Decoded {
  return message.decode(payload) as unknown as Decoded;
}

/** The text of a message's data section. */
export function bodyOf(delivery: Delivery): string {
  return String(decoded(delivery).body.content);
}

/** How often it was tried before, by its header. */
export function deliveryCountOf(delivery: Delivery): number {
  return decoded(delivery).delivery_count ?? 0;
}

export function annotationsOf(delivery: Delivery): Readonly<Record<string, unknown>> {
  return decoded(delivery).message_annotations ?? {};
}

/** Sends durable messages of these texts, all accepted. */
export async function put(sender: ClientSender, bodies: readonly string[], more: Message | object = {}): Promise<void> {
  const messages = bodies.map((body) => dataMessage(body, { durable: true, ...more }));
  const outcomes = await Promise.all(messages.map((payload) => sender.send(payload)));
  const states = outcomes.map(({ state }) => state);
  if (states.some((state) => state !== 'accepted')) throw new Error(`expected accepted, heard ${states.join(', ')}`);
}

/** The next messages of a queue, which come when they are there. */
export function take(receiver: ClientReceiver, count: number): Promise<Delivery[]> {
  receiver.flow(count);
  return receiver.inbox.take(count);
}

/**
 * What the queue has for a consumer now by credit that comes back. Answers given just before may come behind the drain: proton writes its flow first.
 */
export async function takeAll(receiver: ClientReceiver): Promise<Delivery[]> {
  const before = receiver.inbox.count;
  receiver.flow(1_000);
  await receiver.drain();
  return receiver.inbox.take(receiver.inbox.count - before);
}
