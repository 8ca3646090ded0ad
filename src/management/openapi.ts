import { z } from 'zod';
import { VERSION } from '../config/version';
import { PAGE, RETAINED, RETAINED_MESSAGE, RETAINED_ROW, SESSION, SESSIONS } from './client-schemas';
import { EXPOSE_PROTOCOL } from './expose-protocol';
import {
  ADDRESSES,
  CONFIG,
  COUNT,
  DRAIN,
  DRAINING,
  LINK,
  LINKS,
  LINK_CHANGE,
  LISTENERS,
  MESSAGES,
  MOVE,
  NODES,
  PEEK,
  PROBLEM,
  QUEUES,
  QUEUE_MOVE,
  QUEUE_PURGE,
  QUEUE_REHOME,
  QUEUE_RETRY,
  SERVICES,
  STATUS,
  SUBSCRIPTION,
  SUBSCRIPTIONS,
} from './schemas';

/** One operation of the management API. */
export interface Operation {
  readonly method: 'delete' | 'get' | 'patch' | 'post';
  readonly path: string;
  readonly summary: string;
  readonly answer: z.ZodType;
  readonly body?: z.ZodType;
  /** Parameters of the query. */
  readonly query?: z.ZodObject;
  /** Statuses of the problems that it may answer with. */
  readonly problems?: readonly number[];
}

/** A request that becomes a connection of another protocol. */
export interface Upgrade {
  readonly path: string;
  readonly summary: string;
  /** What `upgrade` has to say. */
  readonly protocol: string;
  /** Parameters of the query; each is needed. */
  readonly query: Readonly<Record<string, string>>;
  readonly problems: readonly number[];
}

const QUEUE_PROBLEMS = [400, 404, 409] as const;

export const OPERATIONS: readonly Operation[] = [
  { method: 'get', path: '/api/v1/status', summary: 'The node in short', answer: STATUS },
  { method: 'get', path: '/api/v1/links', summary: 'Links to other nodes', answer: LINKS },
  {
    method: 'patch',
    path: '/api/v1/links/{name}',
    summary: 'Changes the cost of a link (NAME, or NAME@PEER) until the document changes it or the node restarts',
    body: LINK_CHANGE,
    answer: LINK,
    problems: [400, 404, 409],
  },
  { method: 'get', path: '/api/v1/listeners', summary: 'Where clients connect', answer: LISTENERS },
  { method: 'get', path: '/api/v1/nodes', summary: 'Nodes of the mesh, as this one knows them', answer: NODES },
  {
    method: 'get',
    path: '/api/v1/addresses',
    summary: 'Address rules in force, of this site and of others, and conflicts',
    answer: ADDRESSES,
  },
  {
    method: 'get',
    path: '/api/v1/config',
    summary: 'The document in force, and what is wrong with a newer one',
    answer: CONFIG,
  },
  {
    method: 'get',
    path: '/api/v1/queues',
    summary: 'Queues of the mesh, and what those of this node hold',
    answer: QUEUES,
  },
  {
    method: 'get',
    path: '/api/v1/queues/{name}/messages',
    summary: 'Messages of a queue that lives here, which stay where they are; `from` goes on behind an id',
    query: PEEK,
    answer: MESSAGES,
    problems: QUEUE_PROBLEMS,
  },
  {
    method: 'post',
    path: '/api/v1/queues/{name}/purge',
    summary: 'Drops what no consumer has',
    body: QUEUE_PURGE,
    answer: COUNT,
    problems: QUEUE_PROBLEMS,
  },
  {
    method: 'post',
    path: '/api/v1/queues/{name}/move',
    summary: 'Moves messages to another address, the oldest first',
    body: QUEUE_MOVE,
    answer: COUNT,
    problems: QUEUE_PROBLEMS,
  },
  {
    method: 'post',
    path: '/api/v1/queues/{name}/rehome',
    summary: 'Moves a queue that lives here to another node; asked again, tells how far it is',
    body: QUEUE_REHOME,
    answer: MOVE,
    problems: QUEUE_PROBLEMS,
  },
  {
    method: 'post',
    path: '/api/v1/drain',
    summary: 'Hands over what is in flight and ends the node; with `evacuate` its queues move to others before',
    body: DRAIN,
    answer: DRAINING,
    problems: [400, 409],
  },
  {
    method: 'post',
    path: '/api/v1/queues/{name}/retry',
    summary: 'Moves dead letters back to the addresses that they came from',
    body: QUEUE_RETRY,
    answer: COUNT,
    problems: QUEUE_PROBLEMS,
  },
  {
    method: 'get',
    path: '/api/v1/services',
    summary: 'TCP services of the mesh, and the sites that offer them',
    answer: SERVICES,
  },
  {
    method: 'get',
    path: '/api/v1/subscriptions',
    summary: 'Durable and shared subscriptions of the mesh, and what those of this node hold',
    answer: SUBSCRIPTIONS,
  },
  {
    method: 'delete',
    path: '/api/v1/subscriptions/{queue}',
    summary: 'Ends a durable subscription that nobody consumes, with all that it holds, wherever it lives',
    answer: SUBSCRIPTION,
    problems: [404, 409, 503],
  },
  {
    method: 'get',
    path: '/api/v1/sessions',
    summary: 'Sessions of the clients of the mesh, page by page, in an order that stays',
    query: PAGE,
    answer: SESSIONS,
    problems: [400],
  },
  { method: 'get', path: '/api/v1/sessions/{client}', summary: 'One session', answer: SESSION, problems: [404] },
  {
    method: 'delete',
    path: '/api/v1/sessions/{client}',
    summary: 'Ends a session wherever it is, with its connection and its durable subscriptions; its will is published',
    answer: SESSION,
    problems: [404, 409, 503],
  },
  {
    method: 'get',
    path: '/api/v1/retained',
    summary: 'Retained messages of the mesh, page by page, in an order that stays',
    query: PAGE,
    answer: RETAINED,
    problems: [400],
  },
  {
    method: 'get',
    path: '/api/v1/retained/{topic}',
    summary: 'The message that a topic retains',
    answer: RETAINED_MESSAGE,
    problems: [404],
  },
  {
    method: 'delete',
    path: '/api/v1/retained/{topic}',
    summary: 'Clears what a topic retains, in the whole mesh',
    answer: RETAINED_ROW,
    problems: [404],
  },
];

export const UPGRADES: readonly Upgrade[] = [
  {
    path: '/api/v1/expose',
    summary:
      'Offers a TCP service for as long as the connection lasts. Lines of JSON follow: `{"call":TOKEN}` for each caller, which is to be ' +
      'fetched, or answered by `{"refused":TOKEN,"why":TEXT}`',
    protocol: EXPOSE_PROTOCOL,
    query: { as: 'The name of the service' },
    problems: [400, 403, 409],
  },
  {
    path: '/api/v1/expose/{token}',
    summary:
      'Fetches a caller: from then on the connection is the one of the caller, each direction with an end of its own',
    protocol: EXPOSE_PROTOCOL,
    query: {},
    problems: [400, 403, 404],
  },
];

function contentOf(type: string, schema: z.ZodType): object {
  const { $schema: _version, ...plain } = z.toJSONSchema(schema, { unrepresentable: 'any' });
  return { [type]: { schema: plain } };
}

function pathParametersOf(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function parametersOf({ path, query }: Operation): object[] {
  const { properties = {} } = query === undefined ? {} : z.toJSONSchema(query, { unrepresentable: 'any' });
  const inQuery = Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
  return [...pathParametersOf(path), ...inQuery];
}

function operationOf(operation: Operation): object {
  const { summary, answer, body, problems = [] } = operation;
  const parameters = parametersOf(operation);
  return {
    summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { required: true, content: contentOf('application/json', body) } } : {}),
    responses: {
      '200': { description: 'Done', content: contentOf('application/json', answer) },
      ...refusalsOf(problems),
    },
  };
}

function refusalsOf(problems: readonly number[]): object {
  const problem = { description: 'A problem (RFC 9457)', content: contentOf('application/problem+json', PROBLEM) };
  return Object.fromEntries(problems.map((status) => [status, problem]));
}

function upgradeOf({ path, summary, protocol, query, problems }: Upgrade): object {
  const string = { type: 'string' };
  return {
    summary,
    parameters: [
      ...pathParametersOf(path),
      ...Object.entries(query).map(([name, description]) => ({
        name,
        in: 'query',
        required: true,
        description,
        schema: string,
      })),
      { name: 'upgrade', in: 'header', required: true, schema: { ...string, const: protocol } },
    ],
    responses: { '101': { description: `The connection speaks ${protocol}` }, ...refusalsOf(problems) },
  };
}

/** The description of the management API (OpenAPI 3.1). */
export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) (paths[operation.path] ??= {})[operation.method] = operationOf(operation);
  for (const upgrade of UPGRADES) (paths[upgrade.path] ??= {})['get'] = upgradeOf(upgrade);
  return {
    openapi: '3.1.0',
    info: { title: 'Fairlead management API', version: VERSION, license: { name: 'Apache-2.0' } },
    paths,
  };
}
