import { Command, CommanderError } from 'commander';
import { VERSION } from '../config/version';
import { addClientCommands } from './client-commands';
import { check, schema, type CheckOptions } from './commands/check';
import { run, type RunOptions } from './commands/run';
import { describeError } from './describe-error';
import { EXIT, exitCodeOf } from './exit-codes';
import type { CliIo, Finish } from './io';
import { addManagementCommands } from './management-commands';
import { requireDocument } from './required-option';
import { addStoreCommands } from './store-commands';
import { addUnservedCommands } from './unserved-commands';

function addCheck(program: Command, io: CliIo, finish: Finish): void {
  program
    .command('check')
    .description('validate a site document and print it with all defaults filled in')
    .allowExcessArguments()
    .option('-c, --config <file>', 'site document (YAML)')
    .option('--json', 'print JSON')
    .option('--schema', 'print the JSON schema of site documents instead; needs no -c')
    .action((options: CheckOptions & { readonly schema?: boolean }, command: Command) => {
      if (options.schema) return finish(schema(io));
      requireDocument(command);
      return finish(check(options, io));
    });
}

const EXITS = `
Exits with 0 when it was told to end, 2 for a bad document, 3 for a port or folder that cannot be had,
4 for a damaged store.`;

function addRun(program: Command, io: CliIo, finish: Finish): void {
  program
    .command('run')
    .description('run a node until SIGTERM or SIGINT')
    .allowExcessArguments()
    .option('-c, --config <file>', 'site document (YAML)')
    .addHelpText('after', EXITS)
    .action(async (options: RunOptions, command: Command) => {
      requireDocument(command);
      finish(await run(options, io));
    });
}

function createProgram(io: CliIo, finish: Finish): Command {
  const program = new Command('fairlead')
    .description('An AMQP 1.0 event mesh node')
    .version(VERSION)
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(--help tells what there is)')
    .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.err(text.trimEnd()) });
  addRun(program, io, finish);
  addCheck(program, io, finish);
  addClientCommands(program, io, finish);
  addManagementCommands(program, io, finish);
  addStoreCommands(program, io, finish);
  addUnservedCommands(program, io, finish);
  return program;
}

/** Parses a command line and runs what it says. Resolves to the exit code; writes only to `io`. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  let code: number = EXIT.ok;
  try {
    await createProgram(io, (value) => (code = value)).parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failed;
    io.err(describeError(error));
    return exitCodeOf(error);
  }
}
