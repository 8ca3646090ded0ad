import { parentPort, workerData } from 'node:worker_threads';
import { parseDocument } from './load';
import { ConfigError } from './problems';
import type { CheckTask, CheckVerdict } from './check-aside';

/** The thread that `check-aside.ts` starts: checks one document, tells the verdict and ends. */
const { file, text } = workerData as CheckTask;

function verdict(): CheckVerdict {
  try {
    return { site: parseDocument(file, text) };
  } catch (error) {
    if (error instanceof ConfigError) return { problems: error.problems };
    throw error;
  }
}

parentPort?.postMessage(verdict());
