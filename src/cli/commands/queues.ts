import type { CountAnswer, MessageRow, MessagesAnswer, QueueRow, QueuesAnswer } from '../../management/queue-rows';
import type { SubscriptionRow, SubscriptionsAnswer } from '../../management/subscription-rows';
import { askApi } from '../api-client';
import type { CliIo } from '../io';
import { table } from '../table';
import { type ApiOptions, print } from './management';

export interface CountOptions extends ApiOptions {
  readonly count?: number;
}

export interface PeekOptions extends CountOptions {
  readonly from?: number;
}

const QUEUES_HEAD = ['QUEUE', 'HOME', 'DEPTH', 'READY', 'DELAYED', 'ACQUIRED', 'CONSUMERS', 'BYTES', 'STATE'];

function queueRow({ name, home, here, forwarding }: QueueRow): string[] {
  const waiting = forwarding === null ? '' : `, ${forwarding.messages} here on their way to it`;
  if (here === null) return [name, home, '-', '-', '-', '-', '-', '-', `elsewhere${waiting}`];
  const { depth, ready, delayed, acquired, consumers, bytes, state, temporary } = here;
  const counts = [depth, ready, delayed, acquired, consumers, bytes].map(String);
  return [name, home, ...counts, temporary ? `${state}, temporary` : state];
}

/** Queues of the mesh; what they hold is told by the node where they live. */
export async function queues(options: ApiOptions, io: CliIo): Promise<number> {
  const answer = await askApi<QueuesAnswer>(options.api, '/api/v1/queues');
  const rows = answer.queues.map(queueRow);
  return print(answer, () => (rows.length > 0 ? table(QUEUES_HEAD, rows) : ['no queues']), options, io);
}

const SUBSCRIPTIONS_HEAD = [
  'SUBSCRIPTION',
  'CLIENT',
  'TO',
  'KIND',
  'HOME',
  'DEPTH',
  'CONSUMERS',
  'BYTES',
  'DROPPED',
  'QUEUE',
];

function subscriptionRow({ name, client, filter, durable, shared, home, here, queue }: SubscriptionRow): string[] {
  const kind = [...(durable ? ['durable'] : []), ...(shared ? ['shared'] : [])].join(', ');
  const counts =
    here === null ? ['-', '-', '-', '-'] : [here.depth, here.consumers, here.bytes, here.dropped].map(String);
  return [name, client ?? '(any)', filter, kind, home, ...counts, queue];
}

/** Durable and shared subscriptions of the mesh; what they hold is told by the node where they live. */
export async function subscriptions(options: ApiOptions, io: CliIo): Promise<number> {
  const answer = await askApi<SubscriptionsAnswer>(options.api, '/api/v1/subscriptions');
  const rows = answer.subscriptions.map(subscriptionRow);
  return print(answer, () => (rows.length > 0 ? table(SUBSCRIPTIONS_HEAD, rows) : ['no subscriptions']), options, io);
}

/** Ends a durable subscription, with all that it holds. */
export async function endSubscription(queue: string, options: ApiOptions, io: CliIo): Promise<number> {
  const path = `/api/v1/subscriptions/${encodeURIComponent(queue)}`;
  const answer = await askApi<SubscriptionRow>(options.api, path, { method: 'DELETE' });
  return print(answer, () => [`subscription ${answer.name} to ${answer.filter} is ended`], options, io);
}

const MESSAGES_HEAD = ['ID', 'STATE', 'PRIORITY', 'DELIVERIES', 'BYTES', 'EXPIRES', 'MESSAGE'];

function messageRow({ id, state, priority, deliveryCount, bytes, expiresAt, message }: MessageRow): string[] {
  const shown = message === null ? '(not shown)' : JSON.stringify(message);
  return [String(id), state, String(priority), String(deliveryCount), String(bytes), expiresAt ?? 'never', shown];
}

/** Looks at messages, which stay where they are. */
export async function peekQueue(name: string, options: PeekOptions, io: CliIo): Promise<number> {
  const { count, from } = options;
  const query = new URLSearchParams();
  if (count !== undefined) query.set('count', String(count));
  if (from !== undefined) query.set('from', String(from));
  const path = query.size > 0 ? `messages?${query.toString()}` : 'messages';
  const answer = await askApi<MessagesAnswer>(options.api, pathOfQueue(name, path));
  const rows = answer.messages.map(messageRow);
  return print(answer, () => (rows.length > 0 ? table(MESSAGES_HEAD, rows) : ['no messages']), options, io);
}

export async function purgeQueue(name: string, options: ApiOptions, io: CliIo): Promise<number> {
  return change(name, 'purge', {}, 'dropped', options, io);
}

export async function moveQueue(name: string, to: string, options: CountOptions, io: CliIo): Promise<number> {
  return change(name, 'move', { to, count: options.count }, 'moved', options, io);
}

/** Dead letters go back to where they came from. */
export async function retryDead(name: string, options: CountOptions, io: CliIo): Promise<number> {
  return change(name, 'retry', { count: options.count }, 'sent back', options, io);
}

async function change(
  name: string,
  what: string,
  body: object,
  done: string,
  options: ApiOptions,
  io: CliIo,
): Promise<number> {
  const answer = await askApi<CountAnswer>(options.api, pathOfQueue(name, what), { method: 'POST', body });
  return print(answer, () => [`${messages(answer.count)} ${done}`], options, io);
}

/** So many messages, in words. */
export function messages(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`;
}

/** A name may be written with its prefix, as clients do. */
export function pathOfQueue(name: string, rest: string): string {
  return `/api/v1/queues/${encodeURIComponent(name.replace(/^queue(?:\/|:\/\/)/, ''))}/${rest}`;
}
