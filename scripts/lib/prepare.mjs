/**
 * What every command of a clone needs first: Node, packages, a build. Plain Node, because nothing is installed yet.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const NODE_MIN = '20.0';
const HEARTBEAT_MS = 5000;

/** The tools we call by file: no shell, no npx, the same on every system. */
export const TOOLS = {
  tsc: 'node_modules/typescript/bin/tsc',
  eslint: 'node_modules/eslint/bin/eslint.js',
  depcruise: 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
  prettier: 'node_modules/prettier/bin/prettier.cjs',
  jest: 'node_modules/jest/bin/jest.js',
  nest: 'node_modules/@nestjs/cli/bin/nest.js',
};

export class PrepareError extends Error {}

export function say(line) {
  process.stdout.write(`${line}\n`);
}

export function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
}

/** Every file below a folder (relative to ROOT) whose name passes; missing folders have none. Walks by itself: Node 20.0 cannot. */
export function filesBelow(folder, passes) {
  const top = join(ROOT, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path, passes);
    return entry.isFile() && passes(entry.name) ? [path] : [];
  });
}

/** Runs a command to its end with our terminal; signals reach it, its exit code is the answer. */
export function run(command, args, { env = process.env, quietName = '' } = {}) {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', env });
    const heartbeat =
      quietName && !process.stdout.isTTY
        ? setInterval(() => say(`  ${quietName} … ${seconds(started)}`), HEARTBEAT_MS)
        : undefined;
    const forward = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    const settle = (action) => {
      clearInterval(heartbeat);
      for (const signal of signals) process.off(signal, forward);
      action();
    };
    child.once('error', (error) => settle(() => reject(error)));
    child.once('exit', (code, signal) => settle(() => resolve(signal ? 128 : (code ?? 1))));
  });
}

export function runNode(args, options) {
  return run(process.execPath, args, options);
}

function requireNode(least) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [majorMin, minorMin] = least.split('.').map(Number);
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  throw new PrepareError(`This needs Node ${least} or newer; here is ${process.versions.node}.`);
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Undefined when what is installed is what the lock says, else why not. */
export function whyInstall() {
  const lockFile = join(ROOT, 'package-lock.json');
  const installedFile = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'packages are missing';
  if (statSync(installedFile).mtimeMs >= statSync(lockFile).mtimeMs) return undefined;
  // Newer by the clock may still say the same: git and npm both touch the lock without changing a package.
  const wanted = readPackages(lockFile);
  const installed = readPackages(installedFile);
  if (!wanted || !installed) return 'the lock file is newer than the packages';
  const differs = (path) =>
    installed[path] ? installed[path].version !== wanted[path].version : !wanted[path].optional;
  const stale = Object.keys(wanted).find((path) => path !== '' && differs(path));
  return stale ? `${stale.replace(/^.*node_modules\//, '')} is not what the lock file says` : undefined;
}

async function install() {
  const why = whyInstall();
  if (!why) return;
  const started = Date.now();
  say(`Installing packages (${why}) …`);
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const npm = process.env.npm_execpath;
  const windows = process.platform === 'win32';
  const options = { quietName: 'installing', env: { ...process.env, npm_config_loglevel: 'error' } };
  const code =
    npm && /\.c?js$/.test(npm)
      ? await runNode([npm, ...args], options)
      : await run(
          windows ? (process.env.ComSpec ?? 'cmd.exe') : 'npm',
          windows ? ['/c', 'npm', ...args] : args,
          options,
        );
  if (code !== 0) throw new PrepareError(`npm ci failed with exit code ${code}.`);
  say(`Installed in ${seconds(started)}.`);
}

/** Changes whenever a source that goes into the build appears, goes or is written. */
function buildFingerprint() {
  const sources = filesBelow('src', (name) => !/\.(spec|fixture)\.ts$/.test(name) && !name.endsWith('.md'));
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'nest-cli.json', 'package-lock.json'];
  const hash = createHash('sha256');
  for (const file of [...sources, ...settings].sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

async function build() {
  const stamp = join(ROOT, 'dist', '.built-from');
  const fingerprint = buildFingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return;
  const started = Date.now();
  say('Building …');
  const code = await runNode([TOOLS.nest, 'build'], { quietName: 'building' });
  if (code !== 0) throw new PrepareError(`nest build failed with exit code ${code}.`);
  const bin = join(ROOT, 'dist', 'cli', 'main.js');
  if (existsSync(bin)) chmodSync(bin, 0o755);
  writeFileSync(stamp, fingerprint);
  say(`Built in ${seconds(started)}.`);
}

/** Brings the clone to where the command can run; throws a PrepareError that says what stands in the way. */
export async function prepare({ built = true, node = NODE_MIN } = {}) {
  requireNode(node);
  await install();
  if (built) await build();
}

/** Runs a script's main function: a PrepareError is a message, anything else a stack, both are exit code 1. */
export async function main(body) {
  try {
    process.exitCode = await body(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof PrepareError ? error.message : error.stack}\n`);
    process.exitCode = 1;
  }
}
