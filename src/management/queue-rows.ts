import type { OutboxView } from '../addresses/outbox-view';
import type { Json } from '../message/render-message';
import type { PeekedMessage, QueueView } from '../queues/contract';
import { sectionsOf } from './message-sections';

/** A queue of the mesh: all of it where it lives, else only where that is. */
export interface QueueRow {
  readonly name: string;
  /** Name of the node where it lives. */
  readonly home: string;
  /** Null for a queue of another node. */
  readonly here: Omit<QueueView, 'name'> | null;
  /** What waits at this node to be forwarded to it; null for nothing. */
  readonly forwarding: ForwardingRow | null;
}

export interface ForwardingRow {
  readonly messages: number;
  readonly bytes: number;
  /** When the oldest came. */
  readonly oldest: string | null;
  readonly state: OutboxView['state'];
  /** What the home says to what it does not take for now. */
  readonly refusal: string | null;
}

export interface QueuesAnswer {
  readonly queues: readonly QueueRow[];
}

/** A message that is looked at and stays. */
export interface MessageRow {
  readonly id: number;
  readonly state: PeekedMessage['state'];
  readonly priority: number;
  readonly deliveryCount: number;
  readonly bytes: number;
  readonly expiresAt: string | null;
  /** Its sections; null when it is too large to be shown, or is no AMQP message. */
  readonly message: Json;
}

export interface MessagesAnswer {
  readonly messages: readonly MessageRow[];
}

/** Messages that something was done to. */
export interface CountAnswer {
  readonly count: number;
}

/** A queue on its way to another node, or there. */
export interface MoveAnswer {
  readonly queue: string;
  readonly to: string;
  readonly state: 'moving' | 'moved';
  /** Messages that it had when its service here ended; 0 before. */
  readonly messages: number;
  /** Bytes of it that were sent. */
  readonly bytes: number;
}

/** All queues of the mesh, by name. */
export function queueRows(
  self: string,
  views: readonly QueueView[],
  homes: Iterable<readonly [name: string, node: string]>,
  outbox: readonly OutboxView[],
): QueueRow[] {
  const rows = new Map<string, QueueRow>();
  for (const [name, home] of homes) rows.set(name, { name, home, here: null, forwarding: null });
  for (const { name, ...here } of views)
    rows.set(name, { name, home: rows.get(name)?.home ?? self, here, forwarding: null });
  for (const view of outbox) {
    const { home, here } = rows.get(view.queue) ?? { home: view.home, here: null };
    rows.set(view.queue, { name: view.queue, home, here, forwarding: forwardingRow(view) });
  }
  return [...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function forwardingRow({ messages, bytes, oldestAt, state, refusal }: OutboxView): ForwardingRow {
  return { messages, bytes, oldest: oldestAt === null ? null : new Date(oldestAt).toISOString(), state, refusal };
}

export function messageRow({ payload, expiresAt, ...row }: PeekedMessage): MessageRow {
  const { id, state, priority, deliveryCount, bytes } = row;
  return {
    id,
    state,
    priority,
    deliveryCount,
    bytes,
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    message: payload.length < bytes ? null : sectionsOf(payload),
  };
}
