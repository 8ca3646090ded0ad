#!/usr/bin/env node
import { letEarlySignalsGo, takeEarlySignal } from './early-signals'; // the first: see there
import { PROCESS_IO } from './io';
import { runCli } from './program';

// Who reads our answers may go first (`fairlead receive … | head`): that ends us, and is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
// What is said beside them nobody has to hear: the command ends as it would.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

async function main(args: readonly string[]): Promise<number> {
  if (args[0] !== 'run') await letEarlySignalsGo();
  return runCli(args, { ...PROCESS_IO, earlySignal: takeEarlySignal });
}

/** Resolves when all that was written is out: a pipe takes it as fast as it is read. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => void stream.write('', () => resolve()));
}

// Not left to the event loop's end: what a client or a thread leaves open would keep us alive, and Node 20, which then takes its
// environment down, may turn for ever in Environment::CleanupHandles over a request of a handle that is closed already.
void main(process.argv.slice(2)).then(async (code) => {
  await Promise.all([process.stdout, process.stderr].map(written));
  process.exit(code);
});
