import { formatAddress } from '../common/format-address';
import type { Bind, CompiledSite } from './site';

/** What appeared, vanished or changed between two lists of named things. */
export interface ListChange<T> {
  readonly added: readonly T[];
  readonly removed: readonly T[];
  /** Same name, other place: the new one is made before the old one is broken. */
  readonly moved: readonly { readonly from: T; readonly to: T }[];
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * @param keyOf what stays the same while a thing moves
 * @param placeOf what it moves by changing
 */
export function listChange<T extends Bind>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (item: T) => string,
  placeOf: (item: T) => string = formatAddress,
): ListChange<T> {
  const old = new Map(before.map((item) => [keyOf(item), item]));
  const now = new Map(after.map((item) => [keyOf(item), item]));
  return {
    added: after.filter((item) => !old.has(keyOf(item))),
    removed: before.filter((item) => !now.has(keyOf(item))),
    moved: after.flatMap((to) => {
      const from = old.get(keyOf(to));
      return from && placeOf(from) !== placeOf(to) ? [{ from, to }] : [];
    }),
  };
}

/** Keys that a node reads once, when it starts. */
const READ_AT_START: readonly (readonly [path: string, (site: CompiledSite) => unknown])[] = [
  ['site', (site) => site.site],
  ['node', (site) => site.node],
  ['dataDir', (site) => site.dataDir],
  ['http', (site) => site.http],
  ['mesh.hello', (site) => site.mesh.helloMs],
  ['mesh.dead', (site) => site.mesh.deadMs],
  ['mesh.partitionHold', (site) => site.mesh.partitionHoldMs],
  ['mesh.startHold', (site) => site.mesh.startHoldMs],
  ['limits', (site) => site.limits],
  ['log.format', (site) => site.log.format],
];

/** Paths whose change waits for the next start. */
export function restartNeeded(started: CompiledSite, wanted: CompiledSite): string[] {
  return READ_AT_START.filter(([, read]) => !same(read(started), read(wanted))).map(([path]) => path);
}

export function rulesDiffer(before: CompiledSite, after: CompiledSite): boolean {
  return !same(before.addresses, after.addresses) || before.defaultKind !== after.defaultKind;
}
