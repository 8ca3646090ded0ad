import type { Command } from 'commander';
import { storeBackup, storeCheck, storeSalvage, type StoreOptions } from './commands/store';
import type { CliIo, Finish } from './io';
import { requireOption } from './required-option';

/** The commands that read what a node keeps on its disk. */
export function addStoreCommands(program: Command, io: CliIo, finish: Finish): void {
  const store = program.command('store').description('what a node keeps on its disk');
  const command = (name: string, description: string): Command =>
    store
      .command(name)
      .description(description)
      .option('-c, --config <file>', 'site document (YAML), which names the dataDir')
      .option('--json', 'print JSON');

  command('check', 'read all of it and tell what is damaged, also while the node runs; exits 4 if something is').action(
    async (options: StoreOptions, command: Command) => {
      requireOption(command, 'config');
      finish(await storeCheck(options, io));
    },
  );
  command('backup', 'copy all of it to a folder, also while the node runs')
    .argument('<folder>', 'one that is empty, or is made')
    .action(async (folder: string, options: StoreOptions, command: Command) => {
      requireOption(command, 'config');
      finish(await storeBackup(folder, options, io));
    });
  command(
    'salvage',
    'make a sound store of what can be read of a damaged one, which is kept; the node must be stopped',
  ).action(async (options: StoreOptions, command: Command) => {
    requireOption(command, 'config');
    finish(await storeSalvage(options, io));
  });
}
