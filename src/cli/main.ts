#!/usr/bin/env node
import { letEarlySignalsGo, takeEarlySignal } from './early-signals'; // the first: see there
import { PROCESS_IO } from './io';
import { runCli } from './program';

// Who reads our answers may go first (`fairlead receive … | head`): that ends us, and is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const args = process.argv.slice(2);
if (args[0] !== 'run') letEarlySignalsGo();

// Not left to the event loop's end: what a client or a thread leaves open would keep us alive, and Node 20, which then takes its
// environment down, may turn for ever in Environment::CleanupHandles over a request of a handle that is closed already. One turn
// later: a signal that came early may still be on its way.
void runCli(args, { ...PROCESS_IO, earlySignal: takeEarlySignal }).then((code) =>
  setImmediate(() => process.exit(code)),
);
