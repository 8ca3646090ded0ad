import { z } from 'zod';
import type { RetainedAnswer, RetainedMessageRow, RetainedRow, SessionRow, SessionsAnswer } from './client-rows';
import { bodyOf, howManyOf } from './request-schemas';

const count = () => z.int().min(0);
const time = () => z.iso.datetime();
const next = () => z.string().nullable().describe('`after` of the next page; null where there is none.');

export const SESSION = z.strictObject({
  client: z.string().describe('Its id: one session of that name in the whole mesh.'),
  protocol: z.string(),
  node: z.string().describe('Where its client is, or was last.'),
  reachable: z.boolean().describe('That node is within reach; else all of this is as it was last known.'),
  connected: z.boolean(),
  expirySeconds: z.number().min(0).nullable().describe('How long it outlives its connection; null for ever.'),
  endsAt: time().nullable().describe('When it ends while its client is away; null for never.'),
  subscriptions: z.array(z.strictObject({ filter: z.string(), durable: z.boolean() })),
  will: z.boolean().describe('A message is published when its client goes without a word.'),
  here: z
    .strictObject({
      inFlight: count().nullable().describe('Messages that its client has not acknowledged; null while it is away.'),
      stateBytes: count().describe('What is kept of its deliveries.'),
    })
    .nullable()
    .describe('Null for one of another node.'),
}) satisfies z.ZodType<SessionRow>;

export const SESSIONS = z.strictObject({
  sessions: z.array(SESSION),
  next: next(),
}) satisfies z.ZodType<SessionsAnswer>;

export const RETAINED_ROW = z.strictObject({
  topic: z.string(),
  bytes: count(),
  at: time().describe('When it was published.'),
  expiresAt: time().nullable(),
  node: z.string().nullable().describe('Where it was published; null where that is not known any more.'),
}) satisfies z.ZodType<RetainedRow>;

export const RETAINED = z.strictObject({
  retained: z.array(RETAINED_ROW),
  next: next(),
}) satisfies z.ZodType<RetainedAnswer>;

export const RETAINED_MESSAGE = RETAINED_ROW.extend({
  message: z.json().describe('Its sections; null when it is no AMQP message.'),
}) satisfies z.ZodType<RetainedMessageRow>;

const AFTER = '`next` of the page before';
export const PAGE = bodyOf(
  { count: howManyOf(100), after: z.string({ error: AFTER }).max(2_048, { error: AFTER }).default('') },
  'count and after',
);
