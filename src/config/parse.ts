import { LineCounter, type YAMLError, isNode, parseDocument } from 'yaml';
import { compileSite } from './compile';
import { type LocatedProblem, explainIssues, valueAt } from './explain';
import { LEVELS_MAX, SYNTAX_PROBLEMS_MAX } from './limits';
import { ConfigError, type ConfigPath, type ConfigProblem, formatPath, shortened } from './problems';
import { withoutBadValues } from './salvage';
import { type DefaultedSite, SITE_SCHEMA } from './schema';
import { type SecretSources, expandSecrets } from './secrets';
import { checkSemantics } from './semantics';
import type { CompiledSite } from './site';
import { passedBound } from './yaml-bounds';

/** A document and everything it may refer to. */
export interface SiteSource extends SecretSources {
  /** Told in errors. */
  readonly file: string;
  readonly text: string;
  /** Relative paths of the document are relative to this folder. */
  readonly folder: string;
}

/** How often a bad document is cut back and read again; nesting is not deeper than this. */
const SALVAGE_ROUNDS = 6;

interface Checked {
  readonly site: DefaultedSite | null;
  readonly problems: readonly LocatedProblem[];
}

/**
 * Text -> raw -> defaulted -> compiled and frozen.
 * @throws ConfigError with every problem of the document at once
 */
export function parseSite(source: SiteSource): CompiledSite {
  const yaml = readYaml(source);
  const expanded = expandSecrets(yaml.raw, source);
  const { site, problems } = check(withNumbers(expanded.value, expanded.replaced));
  const all = [...expanded.problems.filter((p) => p.path !== ''), ...problems];
  const bad = new Set(expanded.problems.map((problem) => problem.path));
  const once = all.filter((problem) => !('keys' in problem) || !bad.has(problem.path));
  if (site === null || once.length > 0) throw new ConfigError(source.file, yaml.position(once));
  return compileSite(site, source.folder);
}

interface ReadYaml {
  readonly raw: unknown;
  position(problems: readonly (ConfigProblem | LocatedProblem)[]): ConfigProblem[];
}

function readYaml({ file, text }: SiteSource): ReadYaml {
  const passed = passedBound(text);
  if (passed !== null) throw new ConfigError(file, [{ path: '', ...passed }]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const broken = [...document.errors, ...document.warnings].slice(0, SYNTAX_PROBLEMS_MAX).map((error) => ({
    path: '',
    expected: 'YAML',
    ...inWords(error),
    ...at(error.pos[0]),
  }));
  if (broken.length > 0) throw new ConfigError(file, broken);
  const offsetOf = (keys: ConfigPath): number | undefined => {
    for (let length = keys.length; length > 0; length--) {
      const node = document.getIn(keys.slice(0, length), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return undefined;
  };
  const place = (problem: ConfigProblem | LocatedProblem): ConfigProblem => {
    const keys = 'keys' in problem ? problem.keys : keysOf(problem.path);
    const { path, expected, found, hint } = problem;
    const offset = offsetOf(keys);
    return {
      path,
      expected,
      found,
      ...(hint === undefined ? {} : { hint }),
      ...(offset === undefined ? {} : at(offset)),
    };
  };
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    const { message } = error as Error;
    const hint = message.startsWith('Unresolved alias') ? { hint: STAR } : {};
    throw new ConfigError(file, [{ path: '', expected: 'YAML', found: message, ...hint }]);
  }
  if (isDeeper(raw, LEVELS_MAX)) {
    const expected = `at most ${LEVELS_MAX} levels`;
    throw new ConfigError(file, [{ path: '', expected, found: 'more, or an alias within its own anchor' }]);
  }
  return { raw, position: (problems) => problems.map(place).sort(byPosition) };
}

/** The reader's longest sentences fit; it quotes what it does not understand. */
const MESSAGE_CHARS_MAX = 120;
const STAR = 'a text that begins with * stands in quotes';

/** A mistake of YAML as an author of documents can use it; the library speaks to programmers in places. */
function inWords({ code, message }: YAMLError): { readonly found: string; readonly hint?: string } {
  if (code === 'MULTIPLE_DOCS') return { found: 'a second document' };
  return code === 'BAD_ALIAS' ? { found: message, hint: STAR } : { found: shortened(message, MESSAGE_CHARS_MAX) };
}

/** A value that holds itself, by an alias within its own anchor, is deeper than any bound. */
function isDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

function keysOf(path: string): ConfigPath {
  return [...path.matchAll(/\[(\d+)\]|([\w-]+)/g)].map((match) => (match[1] ? Number(match[1]) : (match[2] ?? '')));
}

function byPosition(a: ConfigProblem, b: ConfigProblem): number {
  const end = Number.MAX_SAFE_INTEGER;
  return (a.line ?? end) - (b.line ?? end) || (a.column ?? end) - (b.column ?? end);
}

/** Text from the environment or a file that stands where a number or a boolean belongs becomes one. */
function withNumbers(document: unknown, replaced: ReadonlySet<string>): unknown {
  if (replaced.size === 0) return document;
  const result = SITE_SCHEMA.safeParse(document);
  for (const issue of result.error?.issues ?? []) {
    const path = issue.path as ConfigPath;
    const key = path.at(-1);
    const value = valueAt(document, path);
    if (issue.code !== 'invalid_type' || key === undefined || !replaced.has(formatPath(path))) continue;
    if (typeof value !== 'string' || !/^(-?\d+(\.\d+)?|true|false)$/.test(value)) continue;
    const parent = valueAt(document, path.slice(0, -1)) as Record<string | number, unknown>;
    parent[key] = JSON.parse(value) as unknown;
  }
  return document;
}

/** Checks shape, then meaning; what is wrong in shape is left out of the second check. */
function check(document: unknown): Checked {
  const first = SITE_SCHEMA.safeParse(document ?? {});
  if (first.success) return { site: first.data, problems: checkSemantics(first.data) };
  const shape = explainIssues(SITE_SCHEMA, document ?? {}, first.error.issues);
  return { site: null, problems: [...shape, ...checkRest(document, shape)] };
}

/** What other keys of a list's item mean hangs on these: while they are wrong, a stand-in speaks for them. */
const DECISIVE: readonly unknown[] = ['kind', 'protocol'];
/** What they decide only where it is not said. */
const SAYABLE: readonly unknown[] = ['name', 'port'];

/** A problem that is one of the stand-in, and not of what the user wrote. */
function isGuess(document: unknown, keys: ConfigPath, shape: readonly LocatedProblem[]): boolean {
  const item = formatPath(keys.slice(0, -1));
  const undecided = shape.some(
    ({ keys: bad }) => DECISIVE.includes(bad.at(-1)) && formatPath(bad.slice(0, -1)) === item,
  );
  return undecided && !(SAYABLE.includes(keys.at(-1)) && valueAt(document, keys) !== undefined);
}

function checkRest(document: unknown, shape: readonly LocatedProblem[]): LocatedProblem[] {
  let rest: unknown = document;
  let bad: readonly LocatedProblem[] = shape;
  for (let round = 0; round < SALVAGE_ROUNDS; round++) {
    rest = withoutBadValues(
      rest,
      bad.map((problem) => problem.keys),
    );
    const result = SITE_SCHEMA.safeParse(rest);
    if (result.success) {
      const touched = (at: string) =>
        shape.some(({ path }) => at === path || (path.endsWith(']') && at.startsWith(path)));
      return checkSemantics(result.data).filter(
        (problem) => !touched(problem.path) && !isGuess(document, problem.keys, shape),
      );
    }
    bad = explainIssues(SITE_SCHEMA, rest, result.error.issues);
  }
  return [];
}
