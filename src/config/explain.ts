import { z } from 'zod';
import { nearest } from './nearest';
import { type ConfigPath, type ConfigProblem, describeValue, formatPath } from './problems';

/** A problem whose path is still a list of keys, as the salvage and the position look-up need it. */
export interface LocatedProblem extends ConfigProblem {
  readonly keys: ConfigPath;
}

export function located(
  keys: ConfigPath,
  expected: string,
  found: string,
  hint: string | null | undefined = null,
): LocatedProblem {
  return { keys, path: formatPath(keys), expected, found, ...(hint === null || hint === undefined ? {} : { hint }) };
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while ('innerType' in inner._zod.def) inner = inner._zod.def.innerType as z.core.$ZodType;
  return inner;
}

/** The keys the schema knows at a place of the document. */
export function keysAt(schema: z.core.$ZodType, path: ConfigPath): string[] {
  let at = unwrap(schema);
  for (const key of path) {
    if (at instanceof z.ZodArray) at = unwrap(at.element as z.core.$ZodType);
    else if (at instanceof z.ZodObject) at = unwrap((at.shape as Record<string, z.core.$ZodType>)[key] ?? z.never());
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

export function valueAt(document: unknown, path: ConfigPath): unknown {
  let value = document;
  for (const key of path) value = (value as Record<string | number, unknown> | undefined | null)?.[key];
  return value;
}

/** Says each issue of zod in our words: path, expected, found, nearest known name. */
export function explainIssues(
  schema: z.core.$ZodType,
  document: unknown,
  issues: readonly z.core.$ZodIssue[],
): LocatedProblem[] {
  return issues.flatMap((issue) => {
    const path = issue.path as ConfigPath;
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, path);
      return issue.keys.map((key) => unknownKey([...path, key], known));
    }
    const value = valueAt(document, path);
    return [located(path, issue.message, describeValue(value, path.at(-1)), hintFor(issue, value))];
  });
}

function unknownKey(path: ConfigPath, known: readonly string[]): LocatedProblem {
  const key = String(path.at(-1));
  const place = path.length === 1 ? 'at the top level' : `in ${formatPath(path.slice(0, -1))}`;
  const near = nearest(key, known);
  return located(
    path,
    `a key known ${place}`,
    `the unknown key ${JSON.stringify(key)}`,
    near === null ? `known: ${known.join(', ')}` : `did you mean ${near}?`,
  );
}

function hintFor(issue: z.core.$ZodIssue, value: unknown): string | null {
  if (issue.code !== 'invalid_value' || typeof value !== 'string') return null;
  const near = nearest(value, issue.values.map(String));
  return near === null ? null : `did you mean ${near}?`;
}
