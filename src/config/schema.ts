import type { z } from 'zod';
import {
  ADDRESS_PATTERN,
  DNS_LABEL,
  MATCH_PATTERN,
  choice,
  connectUrl,
  duration,
  flag,
  integer,
  labelOr,
  later,
  list,
  section,
  serviceAddress,
  size,
  tcpAddress,
  text,
} from './fields';

/**
 * The site document. Everything has a default but `site`; an absent key is filled here, and nowhere else.
 * Descriptions become docs/reference/site-document.md and the JSON schema. Changes need a line in CHANGELOG.md.
 */

const DAY_MS = 86_400_000;
const TEN_YEARS_MS = 3_652 * DAY_MS;
const MIB = 1024 * 1024;

const label = (what: string) => text(DNS_LABEL, `${what}: lower-case letters, digits and inner hyphens, at most 63`);
const name = (what: string) => text(/^[\w.:[\]-]{1,63}$/, `${what}: letters, digits and ._:- , at most 63`);
const host = () => text(/^[\w.:-]+$/, 'a host name or IP address');
const hostName = () => text(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/, 'a host name in lower case, without port');
const origin = () =>
  text(/^https?:\/\/[a-z0-9.:[\]-]+$/, "an origin in lower case without a path, such as 'https://app.example.com'");
const port = () => integer(0, 65_535);

const http = section({
  host: host().default('127.0.0.1').describe('Address to bind.'),
  port: port().default(8080).describe('Port to bind; 0 takes a free one, told in the ready line.'),
  names: list(hostName(), 64)
    .prefault([])
    .describe('Public host names by which requests may call this node. SECURITY.md says which names need no entry.'),
});

const cors = section({
  origins: list(origin(), 100).describe('Origins of such pages, as browsers write them. Live.'),
});

const listener = section({
  name: name('a name').optional().describe('Unique among listeners. Default: the protocol.'),
  protocol: choice(['amqp', 'mqtt', 'stomp', 'http', 'tcp']).default('amqp').describe('What clients speak here.'),
  host: host().default('127.0.0.1').describe('Address to bind.'),
  port: port()
    .optional()
    .describe(
      'Port to bind; 0 takes a free one, told in the ready line and the API. Default: 5672 for amqp, 1883 for mqtt, 61613 for stomp, 8081 for http, a free one for tcp.',
    ),
  cors: cors.optional().describe('Http: which web pages of other origins may use it. Default: none.'),
  tls: later('TLS on listeners'),
  auth: later('authentication of clients'),
  address: serviceAddress()
    .optional()
    .describe('Tcp: the service that connections to this port go to, at the nearest site that takes them. Live.'),
  idle: duration(1_000, 30 * DAY_MS)
    .optional()
    .describe('Tcp: a connection that nothing passes for this long is ended. Default: never.'),
});

const service = section({
  address: serviceAddress().describe('What tcp listeners anywhere in the mesh name it.'),
  connect: tcpAddress().describe('Where it is, as seen from this node.'),
  connections: integer(1, 1_000_000)
    .default(4_096)
    .describe('Connections that it takes from all sites together; further ones go to the next site.'),
});

const meshListen = section({
  host: host().default('127.0.0.1').describe('Address to bind.'),
  port: port().default(55_671).describe('Port to bind; 0 takes a free one, told in the ready line.'),
});

const link = section({
  name: name('a name').optional().describe('Unique among links. Default: host:port of `connect`.'),
  connect: connectUrl().describe('Where the neighbour listens for nodes.'),
  cost: integer(1, 1_000_000).default(10).describe('Traffic takes the path with the least sum of costs. Live.'),
  compress: later('compression on links'),
  rateLimit: later('rate limits on links'),
});

const mesh = section({
  listen: list(meshListen, 16)
    .prefault([{}])
    .describe('Where other nodes connect. An empty list makes a node that only dials.'),
  links: list(link, 1_000)
    .prefault([])
    .describe('The neighbours this node dials, again and again while they are away.'),
  tls: later('TLS between nodes'),
  hello: duration(10, 60_000).default('500ms').describe('A silent link is asked for a sign of life this often.'),
  dead: duration(50, 600_000).default('1500ms').describe('A link without any inbound byte for this long is down.'),
  partitionHold: duration(0, DAY_MS)
    .default('2m')
    .describe('Messages for an unreachable node are held for this long before they are dropped and counted.'),
  startHold: duration(0, 600_000)
    .default('5s')
    .describe('After a start publishers wait at most this long for the nodes known from the last run.'),
});

const queueKeys = {
  home: labelOr('broker homes', 'the name of a node or of a site, or self')
    .optional()
    .describe(
      "Queue: where it lives: a node, a site (its lowest-named live node at first use), or `self`, this document's node. Default: self.",
    ),
  custody: choice(['home', 'ingress'])
    .optional()
    .describe(
      "Queue: where a message is on the disk when it is accepted: at home, or at its sender's node. Default: home.",
    ),
  maxDepth: integer(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Queue, or each durable subscription of a topic: messages that it holds. Default: no limit.'),
  overLimit: choice(['reject', 'block', 'dropOldest'])
    .optional()
    .describe(
      'Queue, or each durable subscription of a topic, which knows no block: what a message causes that is past maxDepth or maxBytes. Default: reject.',
    ),
  maxBytes: size(1024, 1024 ** 5)
    .optional()
    .describe('Queue, or each durable subscription of a topic: bytes of messages that it holds. Default: no limit.'),
  ttl: duration(1, TEN_YEARS_MS)
    .optional()
    .describe('Queue, or durable subscription: no message waits for longer than this. Default: for ever.'),
  maxDeliveries: integer(1, 1_000_000)
    .optional()
    .describe(
      'Queue, or durable subscription: deliveries after which a message that was not accepted is a dead letter. Default: no limit.',
    ),
  retry: duration(0, 7 * DAY_MS)
    .optional()
    .describe(
      'Queue, or durable subscription: a message whose delivery failed is delivered again after this. Default: 0s.',
    ),
  deadLetter: text(ADDRESS_PATTERN, 'an address without wildcards, such as queue/dlq')
    .optional()
    .describe(
      'Queue, or durable subscription: where dead letters and expired messages go: queue/NAME, or a name that a rule of this document decides. Default: they are dropped and counted.',
    ),
  duplicateWindow: duration(1_000, 7 * DAY_MS)
    .optional()
    .describe('Queue: a message-id that came within this time is not stored again. Default: none is looked at.'),
  exclusive: flag().optional().describe('Queue: one consumer at a time; others are refused. Default: false.'),
  locality: choice(['none', 'prefer'])
    .optional()
    .describe("Queue: `prefer` serves consumers at the home's own site first. Default: none."),
};

const addressRule = section({
  match: text(MATCH_PATTERN, 'a pattern of dotted words without kind prefix; * is one word, # any').describe(
    'The names this rule decides. The more specific pattern wins.',
  ),
  kind: choice(['topic', 'multicast', 'anycast', 'queue']).describe('What these names are.'),
  class: choice(['high', 'normal']).default('normal').describe('High has its own streams and goes first on links.'),
  ack: choice(['ingress', 'any', 'all']).optional().describe('Multicast: sites that must accept. Default: all.'),
  ackTimeout: duration(100, 600_000).optional().describe('Multicast: sites have this long to accept. Default: 10s.'),
  slow: choice(['block', 'dropOldest', 'dropNewest', 'spill'])
    .optional()
    .describe('Topic: what a consumer that does not keep up causes. Default: block.'),
  blockFor: duration(100, DAY_MS)
    .optional()
    .describe('Topic with slow: block: the consumer is disconnected after this long. Default: 30s.'),
  noSubscriber: choice(['accept', 'release'])
    .optional()
    .describe('Topic: the outcome when nobody subscribes. Default: accept.'),
  overflowAt: integer(1, 1_000_000)
    .optional()
    .describe('Anycast: deliveries in flight per consumer site before the next cheapest helps. Default: no spilling.'),
  ...queueKeys,
});

const limits = section({
  connections: integer(1, 1_000_000).default(10_000).describe('Client connections of all listeners together.'),
  connectionsPerUser: later('limits per user'),
  messageBytes: size(1024, 1024 ** 4)
    .default('100MiB')
    .describe('Largest message a client may send.'),
  rate: later('rate limits'),
  ingressPool: size(MIB, 1024 ** 4)
    .default('64MiB')
    .describe('Memory for messages that publishers have credit for.'),
  // In a smaller one a few large messages of several publishers at once need more than all of it.
  retentionPool: size(2 * MIB, 1024 ** 4)
    .default('64MiB')
    .describe('Memory for messages until their destinations have them.'),
  receivePool: size(MIB, 1024 ** 4)
    .default('64MiB')
    .describe('Memory for messages that wait for local consumers.'),
  // The largest batch with its head must fit beside others: one that never fits would be sent again for ever.
  linkQueue: size(128 * 1024, 1024 ** 3)
    .default('4MiB')
    .describe('Messages in transit queued per link.'),
});

const log = section({
  level: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
    .default('info')
    .describe('Least severe level that is written. Live.'),
  format: choice(['json', 'text']).default('json').describe('One JSON object per line, or one line of text.'),
});

export const SITE_SCHEMA = section({
  site: label('a DNS label').describe('Name of the site this node serves.'),
  node: label('a DNS label').optional().describe("Name of the node, unique in the mesh. Default: the site's name."),
  dataDir: text(/^[^\0]+$/, 'a folder')
    .default('./data')
    .describe('Identity, store and spool; relative to this document. One process may own it at a time.'),
  http: http.prefault({}).describe('Health, metrics and management.'),
  listeners: list(listener, 100)
    .prefault([{}])
    .describe('Where clients connect. Default: amqp on 127.0.0.1:5672. Live.'),
  mesh: mesh.prefault({}).describe('Other nodes.'),
  defaultKind: choice(['topic', 'multicast', 'anycast', 'queue'])
    .default('topic')
    .describe('For a name that no rule, prefix or terminus capability decides. Live.'),
  addresses: list(addressRule, 10_000).prefault([]).describe('What names mean, mesh-wide. Live.'),
  services: list(service, 1_000)
    .prefault([])
    .describe('TCP services of this site, offered to all. Several ways to one address share what comes. Live.'),
  brokers: later('foreign brokers'),
  bridges: later('bridges to foreign brokers'),
  export: later('export rules'),
  users: later('users and permissions'),
  limits: limits.prefault({}).describe('Bounds; each has a metric.'),
  log: log.prefault({}).describe('What is written to stderr.'),
  tracing: later('trace export'),
  insecure: flag().default(false).describe('True allows binds off loopback without TLS and authentication.'),
});

/** The document with every default filled in, values as the user writes them. */
export type DefaultedSite = z.output<typeof SITE_SCHEMA>;
/** The document as a user may write it. */
export type RawSite = z.input<typeof SITE_SCHEMA>;
