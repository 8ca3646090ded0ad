import type { HealthIndicatorResult } from '@nestjs/terminus';
import type { OutboxView } from '../addresses/outbox-view';
import type { ConfigStatus } from '../config/live-config';
import { formatProblem } from '../config/problems';
import type { StoreState } from '../queues/store-port';
import type { LinkRow } from '../runtime/link-rows';
import type { Lifecycle } from '../runtime/lifecycle';

/**
 * What health says, as pure functions of what is known. A part that works with a blemish is `up` and `degraded: true`:
 * traffic must not be taken from a node because its newest document has a typing error.
 */

type Result = HealthIndicatorResult;

export function nodeIndicator(lifecycle: Pick<Lifecycle, 'phase' | 'since'>): Result {
  const { phase, since } = lifecycle;
  return { node: { status: phase === 'ready' ? 'up' : 'down', phase, since } };
}

export function configIndicator({ state, problems, restartNeeded, since }: ConfigStatus): Result {
  const degraded = state === 'degraded';
  const told = { since, restartNeeded, ...(degraded ? { problems: problems.map(formatProblem) } : {}) };
  return { config: { status: 'up', degraded, ...told } };
}

/** Conflicts of address rules between sites: the winning rule is in force, and both sites say so. */
export function rulesIndicator(conflicts: readonly string[]): Result {
  const degraded = conflicts.length > 0;
  return { addressRules: { status: 'up', degraded, ...(degraded ? { conflicts } : {}) } };
}

/** `queues`: what the store of queues does now; it becomes ok by itself. */
export function storeIndicator(writes: { readonly failed: number }, queues: StoreState): Result {
  const { failed } = writes;
  return { store: { status: 'up', degraded: failed > 0 || queues !== 'ok', failedWrites: failed, queues } };
}

/** What waits here for queues of other nodes: their homes take nothing for long, or a record is damaged. */
export function outboxIndicator(views: readonly OutboxView[]): Result {
  const messages = views.reduce((sum, view) => sum + view.messages, 0);
  const stuck = views.filter(({ state }) => state !== 'ok').map(stuckText);
  return { outbox: { status: 'up', degraded: stuck.length > 0, messages, ...(stuck.length > 0 ? { stuck } : {}) } };
}

function stuckText({ queue, home, messages, state, refusal }: OutboxView): string {
  const what = `${messages} messages for queue '${queue}' at ${home}`;
  if (state === 'damaged') return `${what}: a record is damaged; see the log, then "fairlead store salvage"`;
  return refusal === null ? `${what}, which takes none for long` : `${what}, which says: ${refusal}`;
}

/** A configured link that is not up is down; one that a neighbour dialled is that neighbour's concern. */
export function linkIndicators(rows: readonly LinkRow[]): (() => Result)[] {
  const names = new Set<string>();
  return rows.map((row) => {
    const plain = names.has(row.name) ? `${row.name}@${row.peer?.node ?? '?'}` : row.name;
    const key = names.has(plain) ? `${plain}#${names.size}` : plain;
    names.add(key);
    const { state, configured, peer, cost, roundTripMs, since, whyDown, name } = row;
    const up = state === 'up' || !configured;
    const told = { name, state, configured, peer, cost, roundTripMs, since, whyDown };
    return () => ({ [key]: { status: up ? 'up' : 'down', ...told } }) as Result;
  });
}
