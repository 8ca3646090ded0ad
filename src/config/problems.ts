import { FairleadError } from '../common/errors';
import { PROBLEMS_MAX } from './limits';

export type ConfigPath = readonly (string | number)[];

/** One thing that is wrong with a site document. */
export interface ConfigProblem {
  /** As users write it: `mesh.links[0].cost`; empty for the document as a whole. */
  readonly path: string;
  readonly expected: string;
  readonly found: string;
  /** The nearest known name, or what to do. */
  readonly hint?: string;
  readonly line?: number;
  readonly column?: number;
}

/** Renders `['mesh', 'links', 0, 'cost']` as `mesh.links[0].cost`. */
export function formatPath(path: ConfigPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

const FOUND_CHARS_MAX = 60;

/** The beginning of a text that may be a whole document. */
export function shortened(text: string, charsMax: number): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}

/** Says what a value is, shortly. Values under secret-looking keys are never shown. */
export function describeValue(value: unknown, key?: string | number): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a mapping';
  if (typeof key === 'string' && /password|secret|token|passphrase/i.test(key)) return `a ${typeof value}`;
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value as number | boolean);
  return shortened(text, FOUND_CHARS_MAX);
}

/** `12:5 mesh.links[0].cost: expected …, found … (hint)`, the position only where it is known. */
export function formatProblem(problem: ConfigProblem): string {
  const position = problem.line === undefined ? '' : `${problem.line}:${problem.column ?? 1} `;
  const place = problem.path === '' ? 'document' : problem.path;
  const hint = problem.hint === undefined ? '' : ` (${problem.hint})`;
  if (problem.expected.startsWith(NOT_IMPLEMENTED)) return `${position}${place}: ${problem.expected}${hint}`;
  return `${position}${place}: expected ${problem.expected}, found ${problem.found}${hint}`;
}

/** Begins the `expected` of names that the document knows and this version does not serve. */
export const NOT_IMPLEMENTED = 'not implemented in this version';

/** A site document cannot be used; holds everything that is wrong with it at once, up to `PROBLEMS_MAX`. */
export class ConfigError extends FairleadError {
  readonly problems: readonly ConfigProblem[];

  constructor(
    readonly file: string,
    problems: readonly ConfigProblem[],
  ) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    const told = firstOf(problems);
    super('FL_CONFIG_INVALID', `${file}: ${count}\n${told.map((p) => `  ${formatProblem(p)}`).join('\n')}`);
    this.problems = told;
  }
}

function firstOf(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  if (problems.length <= PROBLEMS_MAX) return problems;
  const more = problems.length - PROBLEMS_MAX + 1;
  const last = { path: '', expected: `fewer than ${PROBLEMS_MAX} problems`, found: `${more} more` };
  return [...problems.slice(0, PROBLEMS_MAX - 1), last];
}
