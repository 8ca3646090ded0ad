import type { Command } from 'commander';
import { VERSION } from '../config/version';
import { EXIT } from './exit-codes';
import type { CliIo, Finish } from './io';

/** Commands that the design names and this version does not serve; a group is refused with all that stands below it. */
const UNSERVED = [...['trace', 'plan', 'bench', 'bridges'], ...['node', 'user', 'ca', 'token', 'join']];
const UNSERVED_BELOW: Readonly<Record<string, readonly string[]>> = { link: ['add', 'remove'] };

/** Says of a command that will come that it has not come yet, rather than that it is unknown. Help does not list them. */
export function addUnservedCommands(program: Command, io: CliIo, finish: Finish): void {
  for (const name of UNSERVED) refuse(program, name, name);
  for (const [parent, names] of Object.entries(UNSERVED_BELOW)) {
    const group = program.commands.find((command) => command.name() === parent);
    if (group) for (const name of names) refuse(group, name, `${parent} ${name}`);
  }

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
