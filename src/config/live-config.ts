import type { Journal } from '../common/ports';
import { restartNeeded } from './diff';
import { ConfigError, type ConfigProblem, formatProblem } from './problems';
import type { CompiledSite } from './site';
import { contentHash } from './watcher';

/** What the API and health tell about the document. */
export interface ConfigStatus {
  readonly file: string;
  /** `degraded`: the newest document is bad, or a part of it could not be applied. */
  readonly state: 'inForce' | 'degraded';
  /** What became of the newest document: of one that is refused nothing holds, of one partly applied all but its problems. */
  readonly newest: 'applied' | 'partlyApplied' | 'refused';
  /** Hash of the document in force. */
  readonly hash: string;
  /** When it came into force. */
  readonly since: string;
  /** What is wrong with the newest document, or with applying it. */
  readonly problems: readonly ConfigProblem[];
  /** Changed keys that wait for the next start. */
  readonly restartNeeded: readonly string[];
}

/** Brings the running node to a document; returns what could not be done, as problems with their path. */
export interface SiteApplier {
  apply(site: CompiledSite): Promise<readonly ConfigProblem[]>;
}

/** What checking changed documents has come to and has taken. */
export interface ConfigChecks {
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
}

export interface LiveConfigPorts {
  /** Checks and compiles a text; rejects with a `ConfigError`. */
  readonly check: (file: string, text: string) => Promise<CompiledSite>;
  readonly journal: Journal;
  readonly wall: () => number;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/**
 * The document in force. Takes new texts one after the other, of those that wait only the newest; a bad one changes nothing
 * but the status.
 */
export class LiveConfig {
  readonly #started: CompiledSite;
  #site: CompiledSite;
  #status: ConfigStatus;
  #checks: ConfigChecks = { accepted: 0, refused: 0, seconds: 0 };
  #applier: SiteApplier | null = null;
  #waiting: string | Error | null = null;
  #work: Promise<void> | null = null;

  constructor(
    private readonly file: string,
    text: string,
    site: CompiledSite,
    private readonly ports: LiveConfigPorts,
  ) {
    this.#started = site;
    this.#site = site;
    this.#status = this.#inForce(text, []);
  }

  get site(): CompiledSite {
    return this.#site;
  }

  get status(): ConfigStatus {
    return this.#status;
  }

  get checks(): ConfigChecks {
    return this.#checks;
  }

  /** Until then new documents are only checked. */
  attach(applier: SiteApplier): void {
    this.#applier = applier;
  }

  /** Resolves when the text is in force, refused, or has given way to a newer one that is. */
  offer(text: string | Error): Promise<void> {
    this.#waiting = text;
    this.#work ??= this.#takeAll().finally(() => (this.#work = null));
    return this.#work;
  }

  async #takeAll(): Promise<void> {
    for (let text = this.#waiting; text !== null; text = this.#waiting) {
      this.#waiting = null;
      await this.#take(text);
    }
  }

  async #take(text: string | Error): Promise<void> {
    if (text instanceof Error) return this.#refuse(text);
    let site: CompiledSite;
    const began = this.ports.now();
    try {
      site = await this.ports.check(this.file, text);
    } catch (error) {
      this.#count('refused', began);
      return this.#refuse(error);
    }
    this.#count('accepted', began);
    const problems = await this.#apply(site);
    this.#site = site;
    this.#status = this.#inForce(text, problems);
    this.#tell();
  }

  #count(result: 'accepted' | 'refused', began: number): void {
    const seconds = this.#checks.seconds + (this.ports.now() - began) / 1000;
    this.#checks = { ...this.#checks, [result]: this.#checks[result] + 1, seconds };
  }

  async #apply(site: CompiledSite): Promise<readonly ConfigProblem[]> {
    try {
      return (await this.#applier?.apply(site)) ?? [];
    } catch (error) {
      return [problemOfDocument('a document that can be applied', error)];
    }
  }

  #inForce(text: string, problems: readonly ConfigProblem[]): ConfigStatus {
    return {
      file: this.file,
      state: problems.length === 0 ? 'inForce' : 'degraded',
      newest: problems.length === 0 ? 'applied' : 'partlyApplied',
      hash: contentHash(text),
      since: new Date(this.ports.wall()).toISOString(),
      problems,
      restartNeeded: restartNeeded(this.#started, this.#site),
    };
  }

  #tell(): void {
    const { hash, restartNeeded: restart, problems } = this.#status;
    this.ports.journal.info('config-applied', { file: this.file, hash });
    if (restart.length > 0) this.ports.journal.warn('config-needs-restart', { keys: restart });
    if (problems.length > 0)
      this.ports.journal.warn('config-partly-applied', {
        code: 'FL_CONFIG_APPLY',
        problems: problems.map(formatProblem),
      });
  }

  #refuse(error: unknown): void {
    const known = error instanceof ConfigError;
    const problems = known ? error.problems : [problemOfDocument('a document that can be read', error)];
    this.#status = { ...this.#status, state: 'degraded', newest: 'refused', problems };
    const code = known ? error.code : 'FL_CONFIG_INVALID';
    this.ports.journal.warn('config-refused', { code, file: this.file, problems: problems.map(formatProblem) });
  }
}

function problemOfDocument(expected: string, error: unknown): ConfigProblem {
  return { path: '', expected, found: error instanceof Error ? error.message : String(error) };
}
