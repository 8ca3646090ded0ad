import type { Command } from 'commander';
import { positiveInteger } from './arguments';
import { addresses, configStatus, links, setLinkCost, status, type ApiOptions } from './commands/management';
import type { CliIo, Finish } from './io';
import { requireOption } from './required-option';

const API_DEFAULT = 'http://127.0.0.1:8080';

/** The commands that ask a node's management API. */
export function addManagementCommands(program: Command, io: CliIo, finish: Finish): void {
  const api = io.env['FAIRLEAD_API'] ?? API_DEFAULT;
  const command = (parent: Command, name: string, description: string): Command =>
    parent
      .command(name)
      .description(description)
      .option('--json', 'print JSON')
      .option('--api <url>', 'HTTP address of the node, or FAIRLEAD_API', api);

  command(program, 'status', 'the node in short').action(async (options: ApiOptions) =>
    finish(await status(options, io)),
  );
  command(program, 'links', 'links to other nodes').action(async (options: ApiOptions) =>
    finish(await links(options, io)),
  );
  command(program, 'addresses', 'address rules in force, who says them, and where sites contradict each other').action(
    async (options: ApiOptions) => finish(await addresses(options, io)),
  );

  const config = program.command('config').description('the site document of a running node');
  command(config, 'status', 'which document is in force, and what is wrong with a newer one').action(
    async (options: ApiOptions) => finish(await configStatus(options, io)),
  );

  const link = program.command('link').description('change links live');
  command(link, 'set', 'change the cost of a link')
    .argument('<name>', 'name of the link, or NAME@PEER')
    .option('--cost <n>', 'traffic takes the path with the least sum of costs', positiveInteger)
    .action(async (name: string, options: ApiOptions & { readonly cost: number }, command: Command) => {
      requireOption(command, 'cost');
      finish(await setLinkCost(name, options.cost, options, io));
    });
}
