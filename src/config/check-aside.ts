import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { deepFreeze } from './compile';
import { CHECK_HEAP_MIB_MAX, CHECK_MS_MAX } from './limits';
import { ConfigError, type ConfigProblem } from './problems';
import type { CompiledSite } from './site';

export interface CheckTask {
  readonly file: string;
  readonly text: string;
}

export type CheckVerdict = { readonly site: CompiledSite } | { readonly problems: readonly ConfigProblem[] };

export interface CheckOptions {
  /** The program of the thread. */
  readonly program?: string;
  readonly msMax?: number;
}

const PROGRAM = join(__dirname, 'check-aside.main.js');

/**
 * Checks and compiles a document in a thread of its own: within its bound of bytes one can take seconds to check, and links
 * must not wait for it.
 * @throws ConfigError with every problem, or with the bound that the check ran into
 */
export function checkAside(
  file: string,
  text: string,
  { program = PROGRAM, msMax = CHECK_MS_MAX }: CheckOptions = {},
): Promise<CompiledSite> {
  const task: CheckTask = { file, text };
  const worker = new Worker(program, {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: CHECK_HEAP_MIB_MAX },
  });
  worker.unref();
  let timer: NodeJS.Timeout | undefined;
  return new Promise<CompiledSite>((resolve, reject) => {
    const refuse = (expected: string, found: string): void =>
      reject(new ConfigError(file, [{ path: '', expected, found }]));
    timer = setTimeout(() => refuse(`a document that is checked within ${msMax} ms`, 'more to check'), msMax);
    timer.unref();
    worker.once('message', (verdict: CheckVerdict) => {
      if ('site' in verdict) resolve(deepFreeze(verdict.site));
      else reject(new ConfigError(file, verdict.problems));
    });
    worker.once('error', (error) => refuse('a document that can be checked', error.message));
    worker.once('exit', (code) => refuse('a document that can be checked', `its thread ended with ${code}`));
  }).finally(() => {
    clearTimeout(timer);
    void worker.terminate();
  });
}
