import { resolve } from 'node:path';
import { parseDocument, readDocument } from '../../config/load';
import type { RunningNode, StartOptions } from '../../main';
import { createLogger } from '../../runtime/logging';
import { describeError } from '../describe-error';
import { EXIT, exitCodeOf } from '../exit-codes';
import type { CliIo } from '../io';

export interface RunOptions {
  readonly config: string;
}

/** What ends a run: a signal, or an error from within. */
type Ending = { readonly kind: 'signal' } | { readonly kind: 'fatal'; readonly error: Error };

/** The first of the things that end a run; it may come at any time, also before the node is ready. */
class EndOfRun {
  #end: (ending: Ending) => void = () => undefined;
  readonly come = new Promise<Ending>((resolve) => (this.#end = resolve));
  /** A signal has come. */
  told = false;

  signal(): void {
    this.told = true;
    this.#end({ kind: 'signal' });
  }

  fatal(error: Error): void {
    this.#end({ kind: 'fatal', error });
  }
}

/** Runs a node until SIGTERM or SIGINT, or until it cannot go on. A second signal does not wait. */
export async function run(options: RunOptions, io: CliIo): Promise<number> {
  const end = new EndOfRun();
  const unhook = onSignals(
    () => end.signal(),
    () => process.exit(EXIT.failed),
  );
  if (io.earlySignal() !== null) end.signal();
  try {
    return await runUntil(end, options, io);
  } finally {
    unhook();
  }
}

async function runUntil(end: EndOfRun, { config }: RunOptions, io: CliIo): Promise<number> {
  const text = readDocument(config);
  const site = parseDocument(config, text, io.env);
  const logger = createLogger(site);
  const node = await start(
    {
      file: resolve(config),
      text,
      site,
      logger,
      onFatal: (error) => end.fatal(error),
      onDrain: () => end.signal(),
    },
    end,
    io,
  );
  if (node === null) return EXIT.ok;
  if (!end.told) io.out(node.readyLine);
  const code = await stop(node, await end.come, io);
  logger.flush();
  return code;
}

/**
 * Starts the node; null when it was told to end before, or failed after it had been told. Its modules take longer to load than
 * all else that comes before the ready line, and are loaded when the signals are in our hands already.
 */
async function start(options: Omit<StartOptions, 'parts'>, end: EndOfRun, io: CliIo): Promise<RunningNode | null> {
  const [{ startNode }, { REAL_PARTS }] = [await import('../../main.js'), await import('../../runtime/real-parts.js')];
  // What came while they were loaded is told in the loop's next turn.
  await new Promise<void>((resolve) => void setImmediate(resolve));
  if (end.told) return null;
  try {
    return await startNode({ ...options, parts: REAL_PARTS });
  } catch (error) {
    if (!end.told) throw error;
    io.err(describeError(error));
    return null;
  }
}

async function stop(node: RunningNode, ending: Ending, io: CliIo): Promise<number> {
  await node.stop();
  if (ending.kind === 'signal') return EXIT.ok;
  io.err(describeError(ending.error));
  return exitCodeOf(ending.error);
}

function onSignals(first: () => void, second: () => void): () => void {
  let seen = 0;
  const handler = (): void => (++seen === 1 ? first() : second());
  process.on('SIGTERM', handler);
  process.on('SIGINT', handler);
  return () => {
    process.off('SIGTERM', handler);
    process.off('SIGINT', handler);
  };
}
