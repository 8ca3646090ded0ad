import { type ConfigPath, type ConfigProblem, formatPath } from './problems';

/** What secrets are read from; tests give their own. */
export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file named relative to the document. Throws when it cannot. */
  readFile(path: string): string;
}

/** A document with its `${ENV}` and `{ file: … }` replaced. */
export interface Expanded {
  readonly value: unknown;
  readonly problems: readonly ConfigProblem[];
  /** Places whose text came from outside and may have been meant as a number or a boolean. */
  readonly replaced: ReadonlySet<string>;
}

const VARIABLE = /\$?\$\{([^}]*)\}?/g;
/** `${header.account}` of bridges is a template for messages, not a variable of the environment. */
const TEMPLATE = /^[a-z]+\.[\w.-]+$/;

class Expander {
  readonly problems: ConfigProblem[] = [];
  readonly replaced = new Set<string>();

  constructor(private readonly sources: SecretSources) {}

  expand(value: unknown, path: ConfigPath): unknown {
    if (typeof value === 'string') return value.includes('${') ? this.#variables(value, path) : value;
    if (Array.isArray(value)) return value.map((item, index) => this.expand(item, [...path, index]));
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value);
    if (entries.length === 1 && typeof (value as { file?: unknown }).file === 'string')
      return this.#file((value as { file: string }).file, path);
    // A key without a value (`addresses:` with all its lines commented out) is an absent key.
    const present = entries.filter(([, item]) => item !== null);
    return Object.fromEntries(present.map(([key, item]) => [key, this.expand(item, [...path, key])]));
  }

  #variables(text: string, path: ConfigPath): string {
    return text.replace(VARIABLE, (whole, name: string) => {
      if (whole.startsWith('$$')) return whole.slice(1);
      if (TEMPLATE.test(name) && whole.endsWith('}')) return whole;
      const found = this.sources.env[name];
      if (!/^[A-Za-z_]\w*$/.test(name) || !whole.endsWith('}')) {
        this.#problem(path, '${NAME} with the name of an environment variable, or $${ for the characters', whole);
      } else if (found === undefined) {
        this.#problem(path, `the environment variable ${name} to be set`, 'no such variable');
      } else {
        this.replaced.add(formatPath(path));
        return found;
      }
      return '';
    });
  }

  #file(file: string, path: ConfigPath): string {
    try {
      this.replaced.add(formatPath(path));
      return this.sources.readFile(file).replace(/\r?\n$/, '');
    } catch (error) {
      this.#problem(path, `a readable file ${file}`, error instanceof Error ? error.message : String(error));
      return '';
    }
  }

  #problem(path: ConfigPath, expected: string, found: string): void {
    this.problems.push({ path: formatPath(path), expected, found });
  }
}

/** Replaces `${ENV_NAME}` in texts and mappings `{ file: path }` by what they name. */
export function expandSecrets(document: unknown, sources: SecretSources): Expanded {
  const expander = new Expander(sources);
  const value = expander.expand(document, []);
  return { value, problems: expander.problems, replaced: expander.replaced };
}
