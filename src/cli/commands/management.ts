import type { ConfigStatus } from '../../config/live-config';
import { formatProblem } from '../../config/problems';
import type { AddressesAnswer, StatusAnswer } from '../../management/answers';
import type { LinkRow } from '../../runtime/link-rows';
import { askApi } from '../api-client';
import { EXIT } from '../exit-codes';
import type { CliIo } from '../io';
import { ago, table } from '../table';

export interface ApiOptions {
  readonly api: string;
  readonly json?: boolean;
}

/** Prints an answer as JSON or as lines. */
export function print(answer: unknown, lines: () => readonly string[], { json }: ApiOptions, io: CliIo): number {
  if (json) io.out(JSON.stringify(answer, null, 2));
  else for (const line of lines()) io.out(line);
  return EXIT.ok;
}

/** The node in short. */
export async function status(options: ApiOptions, io: CliIo): Promise<number> {
  const answer = await askApi<StatusAnswer>(options.api, '/api/v1/status');
  return print(answer, () => statusLines(answer), options, io);
}

function statusLines(answer: StatusAnswer): string[] {
  const { node, site, version, phase, since, links: counts, nodes, connections, messages } = answer;
  const { config, restartNeeded } = answer;
  const dropped = Object.entries(messages.dropped).map(([reason, count]) => `${count} ${reason}`);
  return table(
    ['node', node],
    [
      ['site', site],
      ['version', version],
      ['phase', `${phase} for ${ago(since, Date.now())}`],
      ['links', `${counts.up} of ${counts.total} up`],
      ['nodes', reachableOf(nodes)],
      ['clients', String(connections)],
      ['messages', `${messages.published} in, ${messages.delivered} out`],
      ['dropped', dropped.length > 0 ? dropped.join(', ') : 'none'],
      ['config', config === 'inForce' ? inForce(restartNeeded) : 'degraded: see fairlead config status'],
    ],
  );
}

/** So many names are told; all are in the answer. */
const NAMES_TOLD = 5;

function reachableOf({ reachable, total, names, unreachable }: StatusAnswer['nodes']): string {
  const away = unreachable.length > 0 ? `, not ${shortly(unreachable)}` : '';
  return `${reachable} of ${total} reachable: ${shortly(names)}${away}`;
}

function shortly(names: readonly string[]): string {
  return names.slice(0, NAMES_TOLD).join(', ') + (names.length > NAMES_TOLD ? ', …' : '');
}

function linkRow(row: LinkRow): string[] {
  const { name, state, peer, cost, configured, roundTripMs, since, whyDown } = row;
  return [
    name,
    state,
    peer?.node ?? '-',
    String(cost),
    configured ? 'here' : 'there',
    roundTripMs === null ? '-' : `${roundTripMs.toFixed(1)} ms`,
    ago(since, Date.now()),
    whyDown ?? '',
  ];
}

const LINK_HEAD = ['LINK', 'STATE', 'PEER', 'COST', 'DIALLED', 'ROUND TRIP', 'SINCE', 'WHY DOWN'];

export async function links(options: ApiOptions, io: CliIo): Promise<number> {
  const answer = await askApi<{ links: LinkRow[] }>(options.api, '/api/v1/links');
  const rows = answer.links.map(linkRow);
  return print(answer, () => (rows.length > 0 ? table(LINK_HEAD, rows) : ['no links']), options, io);
}

/** Changes a cost now; it holds until the document changes that link's cost, or the node restarts. */
export async function setLinkCost(name: string, cost: number, options: ApiOptions, io: CliIo): Promise<number> {
  const path = `/api/v1/links/${encodeURIComponent(name)}`;
  const row = await askApi<LinkRow>(options.api, path, { method: 'PATCH', body: { cost } });
  return print(row, () => table(LINK_HEAD, [linkRow(row)]), options, io);
}

/** The rules that hold in the mesh, with the nodes that say them, and where sites contradict each other. */
export async function addresses(options: ApiOptions, io: CliIo): Promise<number> {
  const answer = await askApi<AddressesAnswer>(options.api, '/api/v1/addresses');
  const { rules, defaultKind, conflicts } = answer;
  const rows = [
    ...rules.map(({ match, kind, saidBy }) => [match, kind, saidBy.join(', ')]),
    ['anything else', defaultKind, 'defaultKind here'],
  ];
  return print(answer, () => [...table(['MATCH', 'KIND', 'SAID BY'], rows), ...conflicts], options, io);
}

function inForce(restartNeeded: readonly string[]): string {
  return restartNeeded.length > 0 ? 'in force, but for what waits for a restart' : 'in force';
}

function stateOf({ newest, restartNeeded }: ConfigStatus): string {
  if (newest === 'refused') return 'degraded: the newest document is refused, see below; what ran before goes on';
  if (newest === 'partlyApplied') return 'degraded: in force, but for what could not be done, see below';
  return inForce(restartNeeded);
}

/** @returns 1 while the newest document is refused, or a part of it could not be applied */
export async function configStatus(options: ApiOptions, io: CliIo): Promise<number> {
  const answer = await askApi<{ status: ConfigStatus }>(options.api, '/api/v1/config');
  const { file, state, hash, since, problems, restartNeeded } = answer.status;
  const good = state === 'inForce';
  const lines = (): string[] => [
    ...table(
      ['document', file],
      [
        ['state', stateOf(answer.status)],
        ['since', since],
        ['hash', hash],
        ...(restartNeeded.length > 0 ? [['restart for', restartNeeded.join(', ')]] : []),
      ],
    ),
    ...problems.map((problem) => `  ${formatProblem(problem)}`),
  ];
  print(answer.status, lines, options, io);
  return good ? EXIT.ok : EXIT.failed;
}
