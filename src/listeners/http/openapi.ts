type Json = Readonly<Record<string, unknown>>;

const text = { type: 'string' } as const;

function inPath(name: string, description: string): Json {
  return { name, in: 'path', required: true, description, schema: text };
}

function inQuery(name: string, description: string, schema: Json = text): Json {
  return { name, in: 'query', required: false, description, schema };
}

function header(name: string, description: string): Json {
  return { name, in: 'header', required: false, description, schema: text };
}

const flag = { type: 'boolean', default: false } as const;

const PROBLEM: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: text,
    title: text,
    status: { type: 'integer' },
    code: { ...text, description: 'Never changes; docs/reference/errors.md has all of them.' },
    detail: text,
  },
};

const OUTCOME: Json = {
  type: 'object',
  required: ['outcome'],
  properties: {
    outcome: { type: 'string', enum: ['accepted', 'rejected', 'released', 'unknown', 'pending'] },
    code: text,
    detail: text,
  },
};

const BATCH: Json = {
  type: 'object',
  required: ['messages'],
  properties: {
    messages: { type: 'integer' },
    accepted: { type: 'integer' },
    outcomes: { type: 'array', items: OUTCOME },
  },
};

const ANY_BODY: Json = { '*/*': { schema: {} } };
const MESSAGE: Json = { description: 'A message: its properties are headers', content: ANY_BODY };
const NOTHING: Json = { description: 'Nothing came in time' };
const DONE: Json = { description: 'Done' };

const PROBLEMS: Json = {
  '4XX': { description: 'A problem (RFC 9457)', content: { 'application/problem+json': { schema: PROBLEM } } },
  '5XX': {
    description: 'The same; 503 may be tried again',
    content: { 'application/problem+json': { schema: PROBLEM } },
  },
};

const ADDRESS = inPath(
  'address',
  'As AMQP clients write it, percent-encoded; a kind may stand in front as a segment of its own.',
);
const TOKEN = inPath('token', 'Of a delivery: the end of its `location`.');
const WAIT = inQuery('wait', 'How long to wait, as 500ms or 10s.');
const LOCK = inQuery('lock', 'How long the message is locked, as 30s or 10m.');
const CONSUME: readonly Json[] = [
  inQuery('selector', 'A JMS message selector.'),
  inQuery('durable', 'Name of a durable subscription; it begins with the first request for it.'),
  inQuery('client', 'Who consumes: a durable subscription belongs to it.'),
  inQuery('shared', 'The durable subscription is shared by several.', flag),
];
const KEY = header('idempotency-key', 'Queues with a duplicateWindow store what has the same key once.');
const PREFER = header('prefer', '`respond-async`: outcomes are not waited for.');

const EVENT_BODIES: Json = {
  '*/*': { schema: {} },
  'application/cloudevents+json': { schema: { type: 'object' } },
  'application/cloudevents-batch+json': { schema: { type: 'array', items: { type: 'object' } } },
  'application/x-ndjson': { schema: text },
};

function json(schema: Json): Json {
  return { 'application/json': { schema } };
}

function operation(summary: string, parameters: readonly Json[], responses: Json, body: Json | null = null): Json {
  return {
    summary,
    parameters,
    ...(body === null ? {} : { requestBody: { required: false, content: body } }),
    responses: { ...responses, ...PROBLEMS },
  };
}

const settles = (verb: string, summary: string, query: readonly Json[] = []): [string, Json] => [
  `/v1/addresses/{address}/deliveries/{token}/${verb}`,
  { post: operation(summary, [ADDRESS, TOKEN, ...query], { '204': DONE }) },
];

const PATHS: Json = {
  '/v1/addresses/{address}': {
    post: operation(
      'Publishes a message, or a batch of them',
      [ADDRESS, WAIT, KEY, PREFER],
      {
        '202': { description: 'All accepted', content: json({ oneOf: [OUTCOME, BATCH] }) },
        '207': { description: 'Some of a batch were not accepted', content: json(BATCH) },
      },
      EVENT_BODIES,
    ),
    get: operation(
      'Subscribes: with `accept: text/event-stream` until it is ended, else until the next message of a topic',
      [
        ADDRESS,
        WAIT,
        ...CONSUME,
        inQuery('browse', 'Looks at what a queue holds, and takes nothing.', flag),
        header(
          'last-event-id',
          'The last event seen, of a durable subscription or a queue: acknowledges it and all before it.',
        ),
      ],
      {
        '200': { description: 'Events, or a message', content: { 'text/event-stream': { schema: text }, ...ANY_BODY } },
        '204': NOTHING,
      },
    ),
    delete: operation('Ends a durable subscription', [ADDRESS, ...CONSUME.slice(1, 3)], { '204': DONE }),
  },
  '/v1/addresses/{address}/receive': {
    post: operation(
      'Receives a message of a queue, or of a durable subscription, and locks it',
      [ADDRESS, WAIT, LOCK, ...CONSUME],
      {
        '200': { ...MESSAGE, headers: { location: { description: 'Of the delivery', schema: text } } },
        '204': NOTHING,
      },
    ),
  },
  '/v1/addresses/{address}/deliveries/{token}': {
    delete: operation('Accepts a delivery: the message is gone', [ADDRESS, TOKEN], { '204': DONE }),
  },
  ...Object.fromEntries([
    settles('release', 'Gives a delivery back', [inQuery('failed', 'It counts as an attempt that has failed.', flag)]),
    settles('reject', 'Rejects a delivery: its message is a dead letter'),
    settles('renew', 'Locks a delivery for longer', [LOCK]),
  ]),
  '/v1/addresses/{address}/request': {
    post: operation(
      'Publishes a message and answers with the reply to it',
      [ADDRESS, inQuery('timeout', 'How long to wait for the reply, as 5s.')],
      { '200': MESSAGE },
      ANY_BODY,
    ),
  },
};

/** What a listener of HTTP serves (OpenAPI 3.1). */
export function openApiDocument(): Json {
  return {
    openapi: '3.1.0',
    info: { title: 'Fairlead for HTTP clients', version: '1', license: { name: 'Apache-2.0' } },
    paths: PATHS,
  };
}
