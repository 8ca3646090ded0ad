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

void runCli(args, { ...PROCESS_IO, earlySignal: takeEarlySignal }).then((code) => {
  process.exitCode = code;
});
