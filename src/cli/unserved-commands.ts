import type { Command } from 'commander';
import { VERSION } from '../config/version';
import { EXIT } from './exit-codes';
import type { CliIo, Finish } from './io';

/** Commands that the design names and this version does not serve; a group is refused with all that stands below it. */
const UNSERVED = [
  ...['drain', 'trace', 'plan', 'bench', 'queues', 'queue', 'dlq', 'bridges', 'expose'],
  ...['node', 'user', 'ca', 'token', 'join'],
];
const UNSERVED_OF_LINK = ['add', 'remove'];

/** Says of a command that will come that it has not come yet, rather than that it is unknown. Help does not list them. */
export function addUnservedCommands(program: Command, io: CliIo, finish: Finish): void {
  const link = program.commands.find((command) => command.name() === 'link');
  for (const name of UNSERVED) refuse(program, name, name);
  if (link) for (const name of UNSERVED_OF_LINK) refuse(link, name, `link ${name}`);

  function refuse(parent: Command, name: string, whole: string): void {
    parent
      .command(name, { hidden: true })
      .argument('[words...]')
      .allowUnknownOption()
      .helpOption(false)
      .action(() => {
        io.err(`fairlead ${whole} is not served yet by this version (${VERSION}); --help tells what is`);
        finish(EXIT.failed);
      });
  }
}
