import type { ConfigPath } from './problems';

/** Harmless stand-ins for keys without a default, so that the rest of a bad document can still be checked. */
const STAND_INS: Readonly<Record<string, (path: ConfigPath) => unknown>> = {
  site: () => 'unknown',
  connect: (path) => `amqp://stand-in-${path.join('-')}:1`,
  match: (path) => `stand-in-${path.join('-')}`,
  kind: () => 'topic',
};

type Container = Record<string | number, unknown>;

/** A copy of the document without what is at `paths`: the schema's defaults, or stand-ins, take its place. */
export function withoutBadValues(document: unknown, paths: readonly ConfigPath[]): unknown {
  const copy: unknown = typeof document === 'object' ? structuredClone(document) : {};
  for (const path of paths) {
    const key = path.at(-1);
    const parent = path.slice(0, -1).reduce<unknown>((at, step) => (at as Container | undefined)?.[step], copy);
    if (key === undefined || parent === null || typeof parent !== 'object') continue;
    const standIn = Object.hasOwn(STAND_INS, key) ? STAND_INS[key] : undefined;
    if (typeof key === 'number') (parent as Container)[key] = {};
    else if (standIn) (parent as Container)[key] = standIn(path);
    else delete (parent as Container)[key];
  }
  return copy;
}
