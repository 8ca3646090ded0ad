import { z } from 'zod';
import type { Problem } from '../common/problem';
import type { ConfigStatus } from '../config/live-config';
import type { LinkRow } from '../runtime/link-rows';
import type { ListenerRow } from '../runtime/listener-manager';
import type { AddressesAnswer, ConfigAnswer, RuleAnswer, StatusAnswer } from './answers';
import type { NodeRow } from './node-rows';
import type { DrainAnswer } from './drain.controller';
import type { EvacuationRow } from './evacuation';
import type { CountAnswer, MessageRow, MessagesAnswer, MoveAnswer, QueueRow, QueuesAnswer } from './queue-rows';
import { bodyOf, howManyOf } from './request-schemas';
import type { ServicesAnswer } from './service-rows';
import type { SubscriptionRow, SubscriptionsAnswer } from './subscription-rows';

/** The answers of the management API, for its description; tests hold real answers against them. */

const time = () => z.iso.datetime();
const count = () => z.int().min(0);
const cost = () => z.int().min(1);
const peer = z.strictObject({ node: z.string(), site: z.string() });

export const LINK = z.strictObject({
  name: z.string(),
  state: z.enum(['connecting', 'synchronising', 'up', 'draining', 'down']),
  configured: z.boolean().describe('Dialled by this node because its document says so; others were accepted.'),
  peer: peer.nullable(),
  cost: cost(),
  roundTripMs: z.number().nullable(),
  since: time(),
  whyDown: z.string().nullable(),
  bytesIn: count(),
  bytesOut: count(),
  queuedBytes: count(),
}) satisfies z.ZodType<LinkRow>;

export const LISTENER = z.strictObject({
  name: z.string(),
  protocol: z.string(),
  host: z.string(),
  port: count(),
  connections: count(),
}) satisfies z.ZodType<ListenerRow>;

export const NODE = z.strictObject({
  node: z.string(),
  site: z.string(),
  reachable: z.boolean(),
  cost: z.number().nullable().describe('Sum of link costs of the cheapest path; null while unreachable.'),
}) satisfies z.ZodType<NodeRow>;

const RULE = z.strictObject({
  match: z.string(),
  kind: z.enum(['topic', 'multicast', 'anycast', 'queue']),
  trafficClass: z.enum(['high', 'normal']),
  ack: z.enum(['ingress', 'any', 'all']),
  ackTimeoutMs: count(),
  slow: z.enum(['block', 'dropOldest', 'dropNewest', 'spill']),
  blockForMs: count(),
  noSubscriber: z.enum(['accept', 'release']),
  overflowAt: z.int().nullable(),
  home: z.string().describe('Node or site where queues live; empty for other kinds.'),
  custody: z.enum(['home', 'ingress']),
  maxDepth: count().nullable(),
  maxBytes: count().nullable(),
  overLimit: z.enum(['reject', 'block', 'dropOldest']),
  ttlMs: count().nullable(),
  maxDeliveries: count().nullable(),
  retryMs: count(),
  deadLetter: z.string().nullable(),
  duplicateWindowMs: count().nullable(),
  exclusive: z.boolean(),
  locality: z.enum(['none', 'prefer']),
  saidBy: z.array(z.string()).describe('The nodes whose documents say just that.'),
}) satisfies z.ZodType<RuleAnswer>;

const PROBLEM_OF_DOCUMENT = z.strictObject({
  path: z.string(),
  expected: z.string(),
  found: z.string(),
  hint: z.string().optional(),
  line: z.int().optional(),
  column: z.int().optional(),
});

const CONFIG_STATUS = z.strictObject({
  file: z.string(),
  state: z.enum(['inForce', 'degraded']),
  newest: z
    .enum(['applied', 'partlyApplied', 'refused'])
    .describe('Of a refused document nothing holds, of one partly applied all but its problems.'),
  hash: z.string(),
  since: time(),
  problems: z.array(PROBLEM_OF_DOCUMENT),
  restartNeeded: z.array(z.string()),
}) satisfies z.ZodType<ConfigStatus>;

export const STATUS = z.strictObject({
  node: z.string(),
  site: z.string(),
  incarnation: z.number().describe('One life of the process; a later one is larger.'),
  version: z.string(),
  phase: z.enum(['starting', 'ready', 'draining', 'stopped']),
  since: time(),
  links: z.strictObject({ up: count(), total: count() }),
  nodes: z.strictObject({
    reachable: count(),
    total: count(),
    names: z.array(z.string()).describe('Of those within reach.'),
    unreachable: z.array(z.string()).describe('Names of those that are known and have no way to them.'),
  }),
  connections: count(),
  messages: z.strictObject({
    published: count(),
    delivered: count(),
    dropped: z.record(z.string(), count()).describe('By reason.'),
  }),
  config: z.enum(['inForce', 'degraded']),
  restartNeeded: z.array(z.string()).describe('Changed keys that wait for the next start.'),
}) satisfies z.ZodType<StatusAnswer>;

export const LINKS = z.strictObject({ links: z.array(LINK) });
export const LISTENERS = z.strictObject({ listeners: z.array(LISTENER) });
export const NODES = z.strictObject({ nodes: z.array(NODE) });

export const ADDRESSES = z.strictObject({
  defaultKind: z.enum(['topic', 'multicast', 'anycast', 'queue']),
  rules: z.array(RULE),
  conflicts: z.array(z.string()),
}) satisfies z.ZodType<AddressesAnswer>;

export const CONFIG = z.strictObject({
  status: CONFIG_STATUS,
  site: z.custom<ConfigAnswer['site']>((value) => typeof value === 'object').describe('The document, compiled.'),
});

const QUEUE_HERE = z.strictObject({
  state: z.enum(['open', 'damaged']),
  temporary: z.boolean(),
  depth: count().describe('All messages.'),
  bytes: count(),
  ready: count(),
  delayed: count(),
  acquired: count().describe('With a consumer, not settled.'),
  consumers: count(),
  put: count().describe('This and the following: since the node started.'),
  removed: count(),
  expired: count(),
  deadLettered: count(),
  dropped: count().describe('The sum of drops.'),
  drops: z
    .strictObject({ limit: count(), maxDeliveries: count(), rejected: count(), failed: count() })
    .describe('Messages that are lost for good and were not accepted, by reason; expired ones aside.'),
  duplicates: count(),
});

const FORWARDING = z.strictObject({
  messages: count(),
  bytes: count(),
  oldest: time().nullable().describe('When the oldest came.'),
  state: z.enum(['ok', 'stuck', 'damaged']).describe('Stuck: its home has taken none for long.'),
  refusal: z.string().nullable().describe('What the home says to what it does not take for now.'),
});

export const QUEUE = z.strictObject({
  name: z.string(),
  home: z.string().describe('The node where it lives.'),
  here: QUEUE_HERE.nullable().describe('Null for a queue of another node.'),
  forwarding: FORWARDING.nullable().describe('What waits at this node to be forwarded to it; null for nothing.'),
}) satisfies z.ZodType<QueueRow>;

export const QUEUES = z.strictObject({ queues: z.array(QUEUE) }) satisfies z.ZodType<QueuesAnswer>;

export const SUBSCRIPTION = z.strictObject({
  name: z.string(),
  client: z.string().nullable().describe('Container-id of the client that it belongs to; null for none.'),
  durable: z.boolean().describe('It keeps what its subscriber misses; others go with their last consumer.'),
  shared: z.boolean().describe('Several may consume it, each message once.'),
  filter: z.string().describe('What it subscribes to.'),
  selector: z.string().nullable(),
  noLocal: z.boolean().describe('It takes nothing of its own client.'),
  home: z.string().describe('The node where it lives.'),
  queue: z.string().describe('The queue that it is: names it here, and what it holds in /api/v1/queues.'),
  here: QUEUE_HERE.nullable().describe('Null for one of another node.'),
}) satisfies z.ZodType<SubscriptionRow>;

export const SUBSCRIPTIONS = z.strictObject({
  subscriptions: z.array(SUBSCRIPTION),
}) satisfies z.ZodType<SubscriptionsAnswer>;

export const SERVICES = z.strictObject({
  services: z.array(
    z.strictObject({
      address: z.string(),
      sites: z
        .array(
          z.strictObject({
            node: z.string(),
            site: z.string(),
            cost: count().nullable().describe('0 for this node; null while it is out of reach.'),
            open: count().describe('Connections from here to it.'),
            failing: z.boolean().describe('It refused lately, and is asked after all others.'),
          }),
        )
        .describe('In the order in which they would be asked now.'),
      here: z
        .array(
          z.strictObject({
            connect: z.string(),
            open: count(),
            connectionsMax: count(),
            failures: count().describe('Connections to it that could not be made.'),
            whyDown: z.string().nullable().describe('What the last one said; null when it could be made.'),
          }),
        )
        .describe("What this node's document says of it."),
    }),
  ),
  tunnels: z.strictObject({
    outgoing: count().describe('Connections of clients here.'),
    incoming: count().describe('Connections to services here.'),
  }),
}) satisfies z.ZodType<ServicesAnswer>;

const MESSAGE = z.strictObject({
  id: count(),
  state: z.enum(['ready', 'delayed', 'acquired']),
  priority: count(),
  deliveryCount: count().describe('Deliveries that failed.'),
  bytes: count(),
  expiresAt: time().nullable(),
  message: z.json().describe('Its sections; null when it is too large to be shown.'),
}) satisfies z.ZodType<MessageRow>;

export const MESSAGES = z.strictObject({ messages: z.array(MESSAGE) }) satisfies z.ZodType<MessagesAnswer>;
export const MOVE = z.strictObject({
  queue: z.string(),
  to: z.string(),
  state: z.enum(['moving', 'moved']).describe('Ask again while it is moving: what went wrong is told once.'),
  messages: count(),
  bytes: count().describe('Sent so far.'),
}) satisfies z.ZodType<MoveAnswer>;
const EVACUATION = z.strictObject({
  queue: z.string(),
  to: z.string().nullable(),
  state: z.enum(['waiting', 'moving', 'moved', 'failed']),
  why: z.string().nullable().describe('Why it stays.'),
}) satisfies z.ZodType<EvacuationRow>;
export const DRAINING = z.strictObject({
  state: z.enum(['evacuating', 'ending']).describe('Ask again while it is evacuating.'),
  queues: z.array(EVACUATION),
}) satisfies z.ZodType<DrainAnswer>;
export const COUNT = z.strictObject({ count: count() }) satisfies z.ZodType<CountAnswer>;

const HOW_MANY = 'a whole number from 1 on';
const howMany = () => z.int({ error: HOW_MANY }).min(1, { error: HOW_MANY }).optional();
const ID = 'the id of a message';

export const PEEK = bodyOf(
  {
    count: howManyOf(20),
    from: z.coerce.number({ error: ID }).int({ error: ID }).min(0, { error: ID }).default(0),
  },
  'count and from',
);
export const QUEUE_PURGE = bodyOf({}, 'of an empty object');
export const QUEUE_MOVE = bodyOf(
  { to: z.string({ error: 'an address' }).min(1, { error: 'an address' }), count: howMany() },
  'to and count',
);
const NODE_NAME = 'the name of a node';
const nodeName = () => z.string({ error: NODE_NAME }).min(1, { error: NODE_NAME });
export const QUEUE_REHOME = bodyOf({ node: nodeName() }, 'node');
export const DRAIN = bodyOf(
  { evacuate: z.boolean({ error: 'true or false' }).optional(), to: nodeName().optional() },
  'evacuate and to',
).refine(({ evacuate, to }) => to === undefined || evacuate === true, {
  path: ['to'],
  error: 'evacuate as well: only then anything goes to a node',
});
export const QUEUE_RETRY = bodyOf({ count: howMany() }, 'count');

const COST = 'a whole number from 1 to 1000000';

export const LINK_CHANGE = z.strictObject(
  { cost: z.int({ error: COST }).min(1, { error: COST }).max(1_000_000, { error: COST }) },
  { error: (issue) => (issue.code === 'invalid_type' ? 'a JSON object' : 'only the key cost') },
);

export const PROBLEM = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('Stable; see docs/reference/errors.md.'),
  detail: z.string(),
  instance: z.string().optional(),
}) satisfies z.ZodType<Problem>;
