import type { LinkSpec } from '../config/site';
import type { LinkView } from '../mesh/contract';
import type { Dialler } from './ports';

/** A link as health, metrics, the API and `fairlead links` show it. */
export interface LinkRow {
  readonly name: string;
  readonly state: LinkView['state'];
  /** Dialled by this node because its document says so; others were accepted. */
  readonly configured: boolean;
  readonly peer: { readonly node: string; readonly site: string } | null;
  readonly cost: number;
  readonly roundTripMs: number | null;
  readonly since: string;
  readonly whyDown: string | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly queuedBytes: number;
}

export interface DialledLink {
  readonly spec: LinkSpec;
  readonly dialler: Dialler;
}

function rowOf(view: LinkView, configured: boolean): LinkRow {
  const { name, state, peer, cost, roundTripMs, since, whyDown, bytesIn, bytesOut, queuedBytes } = view;
  return {
    name,
    state,
    configured,
    peer: peer && { node: peer.name, site: peer.site },
    cost,
    roundTripMs,
    since: new Date(since).toISOString(),
    whyDown,
    bytesIn,
    bytesOut,
    queuedBytes,
  };
}

function rowOfDialled({ spec, dialler }: DialledLink, views: readonly LinkView[]): LinkRow {
  const view = views.find(({ link }) => link === dialler.link);
  if (view) return { ...rowOf(view, true), name: spec.name };
  const former = views.find(({ name, state }) => name === spec.name && state === 'down');
  return {
    name: spec.name,
    state: dialler.whyDown === null && !former ? 'connecting' : 'down',
    configured: true,
    peer: dialler.peer,
    cost: spec.cost,
    roundTripMs: null,
    since: new Date(dialler.since).toISOString(),
    whyDown: dialler.whyDown ?? former?.whyDown ?? null,
    bytesIn: former?.bytesIn ?? 0,
    bytesOut: former?.bytesOut ?? 0,
    queuedBytes: 0,
  };
}

/** Every configured link, whatever its state, then the accepted ones that are alive. */
export function linkRows(dialled: readonly DialledLink[], views: readonly LinkView[]): LinkRow[] {
  const open = new Set(dialled.map(({ dialler }) => dialler.link));
  const accepted = views.filter(({ link, state }) => !open.has(link) && state !== 'down');
  return [...dialled.map((link) => rowOfDialled(link, views)), ...accepted.map((view) => rowOf(view, false))];
}
