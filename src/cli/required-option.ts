import type { Command } from 'commander';

/** Says that an option is missing. Commander's `requiredOption` would say so first, and leave a misspelt one unnamed. */
export function requireOption(command: Command, name: string): void {
  if (command.getOptionValue(name) !== undefined) return;
  const option = command.options.find((known) => known.attributeName() === name);
  command.error(`error: required option '${option?.flags ?? name}' not specified`, {
    code: 'commander.missingMandatoryOptionValue',
  });
}

/** For a command that reads a document and `allowExcessArguments`: a file without `-c` before it is told how to be given. */
export function requireDocument(command: Command): void {
  const [word] = command.args;
  if (word !== undefined) command.error(`error: unexpected argument '${word}': a document is given with -c <file>`);
  requireOption(command, 'config');
}

/** For a command that takes texts and `allowExcessArguments`: one of several words without quotes is told how to be given. */
export function refuseMore(command: Command): void {
  const word = command.args[command.registeredArguments.length];
  if (word !== undefined)
    command.error(`error: unexpected argument '${word}': a text with spaces stands in quotes, 'two words'`);
}
