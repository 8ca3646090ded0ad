#!/usr/bin/env node
import { PROCESS_IO } from './io';
import { runCli } from './program';

// Who reads our answers may go first (`fairlead receive … | head`): that ends us, and is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

void runCli(process.argv.slice(2), PROCESS_IO).then((code) => {
  process.exitCode = code;
});
