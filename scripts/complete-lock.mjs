#!/usr/bin/env node
/**
 * Completes package-lock.json with the optional packages of other platforms.
 *
 * npm leaves them out when the registry it reached did not serve them, and then `npm ci` fails for everybody with
 * "Missing … from lock file". An entry needs no more than its version and the platforms it is for.
 *
 *   node scripts/complete-lock.mjs            write what is missing
 *   node scripts/complete-lock.mjs --check    say what is missing, exit 1 if anything is
 *   --lock FILE                               another lock file
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const EXACT = /^\d+\.\d+\.\d+(-[\w.-]+)?$/;
const OS = ['linux', 'darwin', 'win32', 'android', 'freebsd', 'openbsd', 'netbsd', 'sunos', 'aix', 'openharmony'];
const CPU = ['x64', 'arm64', 'arm', 'ia32', 'ppc64', 's390x', 'riscv64', 'loong64', 'mips64el', 'wasm32'];

/** Where Node would find `name` from inside the package at `from`, among the lock's paths. */
function locate(packages, from, name) {
  for (let dir = from; ;) {
    const path = dir === '' ? `node_modules/${name}` : `${dir}/node_modules/${name}`;
    if (packages[path]) return path;
    if (dir === '') return undefined;
    dir = dir.slice(0, Math.max(0, dir.lastIndexOf('/node_modules/')));
  }
}

/** What a package cannot be installed without, as far as a lock is concerned. */
function wants(entry) {
  const optionalPeers = entry.peerDependenciesMeta ?? {};
  const peers = Object.entries(entry.peerDependencies ?? {}).filter(([name]) => !optionalPeers[name]?.optional);
  const optional = Object.entries(entry.optionalDependencies ?? {}).map(([name, range]) => [name, range, true]);
  const needed = [
    ...Object.entries(entry.dependencies ?? {}),
    ...Object.entries(entry.devDependencies ?? {}),
    ...peers,
  ];
  return [...needed.map(([name, range]) => [name, range, false]), ...optional];
}

function findGaps(packages) {
  const gaps = [];
  for (const [from, entry] of Object.entries(packages)) {
    for (const [name, range, optional] of wants(entry)) {
      const path = locate(packages, from, name);
      const found = path && packages[path].version;
      if (!path || (EXACT.test(range) && found !== range)) gaps.push({ from, name, range, optional, found });
    }
  }
  return gaps;
}

/** A lock that names a registry does not install where that registry is not reached. */
function findForeign(packages) {
  return Object.entries(packages)
    .filter(([, { resolved }]) => resolved && !resolved.startsWith('https://registry.npmjs.org/'))
    .map(([path, { resolved }]) => `${path} is resolved from ${resolved}`);
}

function ask(name, range) {
  try {
    const fields = ['name', 'version', 'os', 'cpu', 'libc', 'license', 'engines', 'dist.integrity'];
    const args = ['view', `${name}@${range}`, ...fields, '--json', '--loglevel=silent'];
    const answer = JSON.parse(execFileSync('npm', args, { encoding: 'utf8' }));
    return Array.isArray(answer) ? answer.at(-1) : answer;
  } catch {
    return {};
  }
}

/** What the registry says about a platform's package; what it does not serve is read from the package's name. */
function entryFor({ name, range, optional }, { dev }) {
  const known = ask(name, range);
  const version = known.version ?? (EXACT.test(range) ? range : undefined);
  if (!version) return undefined;
  const words = name.split(/[/-]/);
  const named = (all) => all.filter((word) => words.includes(word));
  const list = (value, fallback) => (value === undefined ? fallback : [value].flat());
  const entry = {
    version,
    integrity: known['dist.integrity'],
    cpu: list(known.cpu, named(CPU)),
    dev,
    libc: list(known.libc, words.includes('musl') ? ['musl'] : named(['gnu']).map(() => 'glibc')),
    license: known.license,
    optional,
    os: list(known.os, named(OS)),
    engines: known.engines,
  };
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined && value.length !== 0));
}

function describe({ from, name, range, found }) {
  return `${from || 'the project'} wants ${name}@${range}, the lock has ${found ?? 'none'}`;
}

function place(packages, gap) {
  const top = `node_modules/${gap.name}`;
  return packages[top] && gap.from !== '' ? `${gap.from}/${top}` : top;
}

function complete(lock) {
  const refused = [];
  for (let gaps = findGaps(lock.packages); gaps.length > 0 && refused.length === 0; gaps = findGaps(lock.packages)) {
    for (const gap of gaps) {
      if (!gap.optional) {
        refused.push(describe(gap)); // not a matter of platforms: npm install has to solve it
        continue;
      }
      const entry = entryFor(gap, lock.packages[gap.from]);
      if (!entry) refused.push(`${describe(gap)}, and the registry has no such version`);
      else lock.packages[place(lock.packages, gap)] = entry;
    }
  }
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a === b ? 0 : a.localeCompare(b, 'en')));
  return { lock: { ...lock, packages: Object.fromEntries(sorted) }, refused };
}

function main(args) {
  const lockFile = args.includes('--lock') ? args[args.indexOf('--lock') + 1] : 'package-lock.json';
  const lock = JSON.parse(readFileSync(lockFile, 'utf8'));
  const gaps = findGaps(lock.packages).map(describe);
  const foreign = findForeign(lock.packages);
  const problems = [...gaps, ...foreign];
  if (problems.length === 0) {
    console.log(`${lockFile} is complete: ${Object.keys(lock.packages).length - 1} packages.`);
    return 0;
  }
  if (args.includes('--check')) {
    console.error([...problems, 'Run: node scripts/complete-lock.mjs'].join('\n'));
    return 1;
  }
  const done = complete(lock);
  for (const entry of Object.values(done.lock.packages)) delete entry.resolved;
  writeFileSync(lockFile, `${JSON.stringify(done.lock, null, 2)}\n`);
  console.log(`${lockFile}: ${gaps.length - done.refused.length} entries added, ${foreign.length} addresses removed.`);
  if (done.refused.length > 0) console.error(done.refused.join('\n'));
  return done.refused.length > 0 ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
