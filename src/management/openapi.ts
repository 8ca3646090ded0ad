import { z } from 'zod';
import { VERSION } from '../config/version';
import { ADDRESSES, CONFIG, LINK, LINKS, LINK_CHANGE, LISTENERS, NODES, PROBLEM, STATUS } from './schemas';

/** One operation of the management API. */
export interface Operation {
  readonly method: 'get' | 'patch';
  readonly path: string;
  readonly summary: string;
  readonly answer: z.ZodType;
  readonly body?: z.ZodType;
  /** Statuses of the problems that it may answer with. */
  readonly problems?: readonly number[];
}

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
];

function contentOf(type: string, schema: z.ZodType): object {
  const { $schema: _version, ...plain } = z.toJSONSchema(schema, { unrepresentable: 'any' });
  return { [type]: { schema: plain } };
}

function operationOf({ path, summary, answer, body, problems = [] }: Operation): object {
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const refusals = problems.map((status) => [
    status,
    { description: 'A problem (RFC 9457)', content: contentOf('application/problem+json', PROBLEM) },
  ]);
  return {
    summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { required: true, content: contentOf('application/json', body) } } : {}),
    responses: {
      '200': { description: 'Done', content: contentOf('application/json', answer) },
      ...(Object.fromEntries(refusals) as object),
    },
  };
}

/** The description of the management API (OpenAPI 3.1). */
export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) (paths[operation.path] ??= {})[operation.method] = operationOf(operation);
  return {
    openapi: '3.1.0',
    info: { title: 'Fairlead management API', version: VERSION, license: { name: 'Apache-2.0' } },
    paths,
  };
}
