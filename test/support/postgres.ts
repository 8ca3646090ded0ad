import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = '/usr/lib/postgresql';
const WHY_NOT = `there is no PostgreSQL in ${ROOT} (apt-get install postgresql)`;

/** Where its programs are; null where it is not installed. */
function bin(): string | null {
  if (!existsSync(ROOT)) return null;
  const found = readdirSync(ROOT)
    .map((version) => join(ROOT, version, 'bin'))
    .filter((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'pgbench')));
  return found.sort().at(-1) ?? null;
}

const BIN = bin();
// Where it must be there its absence is a failure; elsewhere it is said, and skipped.
if (BIN === null) {
  if (process.env['CI'] === 'true') throw new Error(WHY_NOT);
  console.warn(`SKIPPED what needs PostgreSQL: ${WHY_NOT}`);
}
export const HAS_POSTGRES = BIN !== null;

/** It refuses to run as root: then it is Debian's user for it. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (what: string): number => Number(execFileSync('id', [what, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** A database server of a test, in a folder of its own. */
export class Postgres {
  readonly #folder = mkdtempSync(join(tmpdir(), 'fairlead-postgres-'));
  readonly #user = unprivileged();

  private constructor(readonly port: number) {}

  static async start(port: number): Promise<Postgres> {
    const server = new Postgres(port);
    const { uid, gid } = server.#user;
    if (uid !== undefined && gid !== undefined) chownSync(server.#folder, uid, gid);
    const data = server.#data;
    await server.#run('initdb', ['-D', data, '-A', 'trust', '-U', 'fairlead', '--no-sync'], server.#user);
    const options = `-p ${port} -k ${server.#folder} -h 127.0.0.1 -c fsync=off`;
    const log = join(server.#folder, 'log');
    await server.#run('pg_ctl', ['-D', data, '-l', log, '-o', options, '-w', '-t', '120', 'start'], server.#user);
    return server;
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  /** A client of its own kind, at whatever port. @returns what it printed */
  client(program: 'psql' | 'pgbench', port: number, args: readonly string[]): Promise<string> {
    return this.#run(program, ['-h', '127.0.0.1', '-p', String(port), '-U', 'fairlead', ...args, 'postgres'], {});
  }

  #run(
    program: string,
    args: readonly string[],
    user: { readonly uid?: number; readonly gid?: number },
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(join(BIN ?? '', program), args, {
        ...user,
        cwd: this.#folder,
        env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', PGCONNECT_TIMEOUT: '30' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let out = '';
      let err = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
      child.once('error', reject);
      // The server keeps what it is started with open: `exit`, not `close`.
      child.once('exit', (code) => {
        if (code === 0) resolve(out);
        else reject(new Error(`${program} ended with ${code}:\n${out}${err}`));
      });
    });
  }

  async stop(): Promise<void> {
    await this.#run('pg_ctl', ['-D', this.#data, '-m', 'immediate', 'stop'], this.#user);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
