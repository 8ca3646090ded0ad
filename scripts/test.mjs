#!/usr/bin/env node
/**
 * `npm test`: everything that must hold, stage by stage, and how it ended in the last line: `N passed, N failed`.
 *
 *   npm test                              all stages
 *   npm test -- --only unit,lint          some of them
 *   npm test -- --only sim -- -t replay   what follows the second `--` goes to jest
 *   npm test -- --list                    names the stages
 *
 * A stage with no files yet is skipped. A check (types, lint, …) counts as one test, jest's stages as their tests.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrepareError, ROOT, TOOLS, filesBelow, main, prepare, say, seconds } from './lib/prepare.mjs';

/** Of the tools that check imports; what they check runs from 20.0 on. */
const NODE_MIN = '20.12';
const TAIL_LINES = 60;
const STAGE_LIMIT_MS = 30 * 60_000; // a stage that hangs must not hang CI; far above what any stage needs
const KILL_GRACE_MS = 5000;
/** A process that ended may have left one behind that holds its output open: the rest of it is waited for so long. */
const OUTPUT_GRACE_MS = 5000;
/**
 * jest exits when its tests are done and does not wait for its event loop to end: after hundreds of processes and sockets Node 20,
 * as it takes its environment down, may turn for ever in Environment::CleanupHandles over a request of a handle that is closed
 * already, which fails a stage that is green.
 */
const WITH_PROCESSES = ['--runInBand', '--forceExit'];

/** Set by Ctrl-C: the stage that runs is ended and no other begins. */
let interrupted = false;

const isSpec = (name) => name.endsWith('.spec.ts');
const anySpec = (...folders) => folders.some((folder) => filesBelow(folder, isSpec).length > 0);
const cached = (tool) => ['--cache', '--cache-location', `.cache/${tool}`];
const TYPECHECK_CACHE = ['--incremental', '--tsBuildInfoFile', '.cache/typecheck.tsbuildinfo'];

/** `commands`: a check, passed when all exit 0. `jest`: a jest project, with its arguments. */
const STAGES = [
  {
    name: 'typecheck',
    title: 'Type check',
    commands: [[TOOLS.tsc, '--noEmit', ...TYPECHECK_CACHE, '-p', 'tsconfig.json']],
  },
  {
    name: 'lint',
    title: 'Lint and import direction',
    commands: [
      [TOOLS.eslint, ...cached('eslint/'), '--max-warnings', '0', '.'],
      [TOOLS.depcruise, '--config', '.dependency-cruiser.cjs', '--output-type', 'err-long', 'src'],
    ],
  },
  { name: 'format', title: 'Format', commands: [[TOOLS.prettier, '--check', ...cached('prettier'), '.']] },
  { name: 'docs', title: 'Documents', commands: [['scripts/check-docs.mjs']] },
  {
    name: 'unit',
    title: 'Unit tests',
    jest: ['--maxWorkers=100%'],
    exists: () => anySpec('src', 'connectors', 'test/repo', 'test/support'),
  },
  { name: 'sim', title: 'Simulator', jest: ['--maxWorkers=100%'], exists: () => anySpec('test/sim') },
  // Below, each test starts processes of its own: one file at a time.
  { name: 'e2e', title: 'End to end', jest: WITH_PROCESSES, built: true, exists: () => anySpec('test/e2e') },
  { name: 'faults', title: 'Faults', jest: WITH_PROCESSES, built: true, exists: () => anySpec('test/faults') },
  { name: 'fuzz', title: 'Fuzz', jest: WITH_PROCESSES, built: true, exists: () => anySpec('test/fuzz') },
  {
    name: 'interop',
    title: 'Foreign clients',
    jest: WITH_PROCESSES,
    built: true,
    exists: () => anySpec('test/interop'),
  },
  {
    name: 'demo',
    title: 'Scripted demo',
    commands: [['scripts/demo.mjs', '--once']],
    built: true,
    exists: () => existsSync(join(ROOT, 'scripts/demo-run.mjs')),
  },
];

function parse(args) {
  const cut = args.indexOf('--');
  const own = cut < 0 ? args : args.slice(0, cut);
  const jestArgs = cut < 0 ? [] : args.slice(cut + 1);
  const names = STAGES.map(({ name }) => name);
  if (own.includes('--list')) return { list: names };
  let only = names;
  for (let i = 0; i < own.length; i++) {
    const [flag, value = own[++i]] = own[i].split('=');
    if (flag !== '--only' || !value) throw new PrepareError(`Unknown option ${flag}; known: --only STAGE,… --list`);
    only = value.split(',');
  }
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new PrepareError(`Unknown stage ${unknown.join(', ')}; known: ${names.join(', ')}`);
  return { stages: STAGES.filter(({ name }) => only.includes(name)), jestArgs };
}

/** Runs Node on a script, shows its output as it comes and keeps the tail of it. */
function execute(args) {
  return new Promise((resolve) => {
    const env = process.stdout.isTTY ? { ...process.env, FORCE_COLOR: '1' } : { ...process.env, NO_COLOR: '1' };
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let late = false;
    const keep = (stream) => (chunk) => {
      stream.write(chunk);
      output = (output + chunk.toString('utf8')).slice(-200_000);
    };
    child.stdout.on('data', keep(process.stdout));
    child.stderr.on('data', keep(process.stdout));
    const limit = setTimeout(() => {
      late = true;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), KILL_GRACE_MS).unref();
    }, STAGE_LIMIT_MS);
    const onSignal = (signal) => {
      interrupted = true;
      child.kill(signal);
    };
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    let ended = false;
    const end = (code, signal) => {
      if (ended) return;
      ended = true;
      clearTimeout(limit);
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      if (late) output += `\nStopped after ${STAGE_LIMIT_MS / 60_000} minutes.`;
      resolve({ code: signal ? 128 : code, output });
    };
    child.once('close', end);
    child.once('exit', (code, signal) => setTimeout(() => end(code, signal), OUTPUT_GRACE_MS).unref());
  });
}

async function runCheck(stage) {
  let output = '';
  let ok = true;
  for (const command of stage.commands) {
    const result = await execute(command);
    if (result.code !== 0) {
      ok = false;
      output += result.output;
    }
  }
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0, output };
}

/** The failing tests by jest's own report, shorter and surer than its terminal output. */
function describeFailures(report) {
  const failing = report.testResults.filter(({ status }) => status === 'failed');
  return failing.map(({ message, name }) => `${name.replace(`${ROOT}/`, '')}\n${message}`).join('\n');
}

async function runJest(stage, jestArgs) {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-test-'));
  const reportFile = join(folder, `${stage.name}.json`);
  const common = ['--selectProjects', stage.name, '--json', '--outputFile', reportFile];
  try {
    const { code, output } = await execute([TOOLS.jest, ...common, ...stage.jest, ...jestArgs]);
    if (!existsSync(reportFile)) return { passed: 0, failed: 1, skipped: 0, output };
    const report = JSON.parse(readFileSync(reportFile, 'utf8'));
    const passed = report.numPassedTests;
    const skipped = report.numPendingTests + report.numTodoTests;
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
    const silent = failed === 0 && code !== 0 ? 1 : 0; // jest is not content, yet names no test: never a success
    return { passed, failed: failed + silent, skipped, output: failed > 0 ? describeFailures(report) : output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepareFor(stages) {
  const built = stages.some((stage) => stage.built && (stage.exists?.() ?? true));
  await prepare({ built: false, node: NODE_MIN });
  if (!built) return { passed: 0, failed: 0, skipped: 0, output: '' };
  try {
    await prepare({ built: true });
    return { passed: 1, failed: 0, skipped: 0, output: '' };
  } catch (error) {
    if (!(error instanceof PrepareError)) throw error;
    return { passed: 0, failed: 1, skipped: 0, output: error.message };
  }
}

function tail(text) {
  const lines = text.trimEnd().split('\n');
  const cut = lines.length - TAIL_LINES;
  return cut > 0 ? [`… ${cut} lines above`, ...lines.slice(cut)].join('\n') : lines.join('\n');
}

function summarize(results) {
  for (const { stage, result } of results.filter(({ result }) => result.failed > 0)) {
    const again = stage.name === 'build' ? 'npm run build' : `npm test -- --only ${stage.name}`;
    say(`\n━━ failed: ${stage.title} (${again})`);
    say(tail(result.output));
  }
  say('');
  for (const { stage, result, took } of results) {
    const mark = result.failed > 0 ? '✗' : result.passed > 0 ? '✓' : '-';
    const counts = result.note ?? `${result.passed} passed, ${result.failed} failed`;
    say(`${mark} ${stage.title.padEnd(28)}${counts}${result.skipped ? `, ${result.skipped} skipped` : ''}  ${took}`);
  }
  const sum = (key) => results.reduce((total, { result }) => total + result[key], 0);
  say(`\n${sum('passed')} passed, ${sum('failed')} failed`);
  return sum('failed') > 0 || sum('passed') === 0 ? 1 : 0;
}

async function runStage(stage, jestArgs, buildFailed) {
  if (stage.exists && !stage.exists())
    return { passed: 0, failed: 0, skipped: 0, note: 'nothing here yet', output: '' };
  if (stage.built && buildFailed) return { passed: 0, failed: 1, skipped: 0, output: 'Not run: the build failed.' };
  return stage.jest ? runJest(stage, jestArgs) : runCheck(stage);
}

await main(async (args) => {
  const { list, stages, jestArgs } = parse(args);
  if (list) {
    say(list.join('\n'));
    return 0;
  }
  const results = [];
  const record = async (stage, body) => {
    const started = Date.now();
    say(`\n━━ ${stage.title}`);
    const result = await body();
    const took = seconds(started);
    say(`   ${stage.name}: ${result.note ?? `${result.passed} passed, ${result.failed} failed`} in ${took}`);
    results.push({ stage, result, took });
    return result;
  };
  const build = await record({ name: 'build', title: 'Install and build' }, () => prepareFor(stages));
  for (const stage of stages) {
    if (interrupted) break;
    await record(stage, () => runStage(stage, jestArgs, build.failed > 0));
  }
  return interrupted ? Math.max(1, summarize(results)) : summarize(results);
});
