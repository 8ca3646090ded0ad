import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { leash } from '../support/reaper';

const JAVA_MIN = 17;

/** Why Java programs cannot be built and run here; null where they can. */
export function javaMissing(): string | null {
  const java = spawnSync('javac', ['-version'], { encoding: 'utf8' });
  const version = Number(/^javac (\d+)/m.exec(`${java.stdout}${java.stderr}`)?.[1] ?? 0);
  if (version < JAVA_MIN) return `Java ${JAVA_MIN} is missing`;
  return spawnSync('mvn', ['-version']).status === 0 ? null : 'Maven is missing';
}

/** A Maven project that is built once for each state of its sources, outside of the checkout. */
export class JavaProject {
  private constructor(private readonly built: string) {}

  static async build(folder: string): Promise<JavaProject> {
    const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'fairlead');
    const built = join(cache, `java-${digestOf(folder)}`);
    if (existsSync(built)) return new JavaProject(built);
    // Built aside and moved: half a build is none, also when two runs build at once.
    const aside = `${built}.${process.pid}`;
    mkdirSync(aside, { recursive: true });
    try {
      await maven(folder, aside);
      if (!existsSync(built)) renameSync(aside, built);
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
    return new JavaProject(built);
  }

  /** Runs a class of it to its end. @returns what it said, line by line */
  async run(main: string, ...args: readonly string[]): Promise<readonly string[]> {
    const { code, lines, errors } = await execute('java', ['-cp', this.#classpath, main, ...args]);
    if (code !== 0) throw new Error(`${main} ended with ${code}:\n${errors}`);
    return lines;
  }

  /** Starts a class of it that reads its input; what it complains of goes to the test's own. */
  start(main: string): ChildProcessByStdio<Writable, Readable, null> {
    const child = spawn('java', ['-cp', this.#classpath, main], { stdio: ['pipe', 'pipe', 'inherit'] });
    leash(child);
    return child;
  }

  get #classpath(): string {
    return [join(this.built, 'classes'), join(this.built, 'lib', '*')].join(':');
  }
}

async function maven(folder: string, into: string): Promise<void> {
  const goals = ['compile', 'dependency:copy-dependencies'];
  const options = [`-Dbuilt.in=${into}`, `-DoutputDirectory=${join(into, 'lib')}`, '-DincludeScope=runtime'];
  const { code, lines } = await execute('mvn', ['-B', '-q', '-f', join(folder, 'pom.xml'), ...options, ...goals]);
  if (code !== 0) throw new Error(`Maven ended with ${code}:\n${lines.join('\n')}`);
}

interface Ended {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

function execute(command: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  leash(child);
  const lines: string[] = [];
  let errors = '';
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, lines, errors }));
  });
}

function digestOf(folder: string): string {
  const hash = createHash('sha256');
  for (const file of filesBelow(folder)) hash.update(`${relative(folder, file)}\0`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    });
}
