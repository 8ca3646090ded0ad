import type { Command } from 'commander';
import { positiveInteger } from './arguments';
import { addresses, configStatus, links, setLinkCost, status, type ApiOptions } from './commands/management';
import {
  type CountOptions,
  type PeekOptions,
  moveQueue,
  peekQueue,
  purgeQueue,
  endSubscription,
  queues,
  retryDead,
  subscriptions,
} from './commands/queues';
import { expose, exposedName, localPort, type ExposeOptions } from './commands/expose';
import { drain, rehomeQueue, type DrainOptions } from './commands/rehome';
import type { TcpAddress } from '../transport/tcp';
import type { CliIo, Finish } from './io';
import { requireOption } from './required-option';

const API_DEFAULT = 'http://127.0.0.1:8080';

const QUEUE = 'as fairlead queues lists it';

type AddCommand = (parent: Command, name: string, description: string) => Command;

/** The commands that ask a node's management API. */
export function addManagementCommands(program: Command, io: CliIo, finish: Finish): void {
  const api = io.env['FAIRLEAD_API'] ?? API_DEFAULT;
  const command: AddCommand = (parent, name, description) =>
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

  addQueueCommands(program, command, io, finish);
  command(program, 'drain', 'let the node hand over what is in flight, and end')
    .option('--evacuate', 'move its queues to other nodes before; what cannot be moved is named, and the node goes on')
    .option('--to <node>', 'with --evacuate: where they go; default: the nearest node, of its own site if there is one')
    .action(async (options: DrainOptions, command: Command) => {
      if (options.to !== undefined) requireOption(command, 'evacuate');
      finish(await drain(options, io));
    });

  program
    .command('expose')
    .description('offer a local TCP service to the mesh for as long as this runs')
    .argument('<port>', 'where it listens on this machine: PORT, or HOST:PORT', localPort)
    .option('--as <name>', 'the anycast address that others know it by, such as shop', exposedName)
    .option('--url <url>', 'HTTP address of the node, or FAIRLEAD_API', api)
    .action(async (local: TcpAddress, options: ExposeOptions, command: Command) => {
      requireOption(command, 'as');
      finish(await expose(local, options, io));
    });

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

function addQueueCommands(program: Command, command: AddCommand, io: CliIo, finish: Finish): void {
  command(program, 'queues', 'queues of the mesh, and what those of the node hold')
    .option('--subscriptions', 'durable and shared subscriptions instead')
    .action(async (options: ApiOptions & { readonly subscriptions?: boolean }) =>
      finish(await (options.subscriptions ? subscriptions : queues)(options, io)),
    );
  const queue = program.command('queue').description('look into a queue where it lives, and change what it holds');
  command(queue, 'peek', 'look at messages, which stay where they are')
    .argument('<name>', QUEUE)
    .option('--count <n>', 'so many, 1000 at most; default: 20', positiveInteger)
    .option('--from <id>', 'from this id on', positiveInteger)
    .action(async (name: string, options: PeekOptions) => finish(await peekQueue(name, options, io)));
  command(queue, 'purge', 'drop all messages that no consumer has')
    .argument('<name>', QUEUE)
    .action(async (name: string, options: ApiOptions) => finish(await purgeQueue(name, options, io)));
  command(queue, 'move', 'move messages to another address, the oldest first')
    .argument('<name>', QUEUE)
    .argument(
      '<to>',
      'an address, mostly queue/a; a topic, which keeps nothing that nobody subscribes to, is written topic/a',
    )
    .option('--count <n>', 'so many; default: all', positiveInteger)
    .action(async (name: string, to: string, options: CountOptions) => finish(await moveQueue(name, to, options, io)));
  command(queue, 'unsubscribe', 'end a durable subscription that nobody consumes, with all that it holds')
    .argument('<name>', 'its queue, as queues --subscriptions tells it')
    .action(async (name: string, options: ApiOptions) => finish(await endSubscription(name, options, io)));
  command(queue, 'rehome', 'move a queue with all that it holds to another node, and wait until it is there')
    .argument('<name>', QUEUE)
    .argument('<node>', 'name of the node where it is to live')
    .action(async (name: string, node: string, options: ApiOptions) =>
      finish(await rehomeQueue(name, node, options, io)),
    );
  const dlq = program.command('dlq').description('dead letters');
  command(dlq, 'retry', 'send dead letters of a queue back to the addresses that they came from')
    .argument('<name>', 'the queue that holds them')
    .option('--count <n>', 'so many, the oldest first; default: all', positiveInteger)
    .action(async (name: string, options: CountOptions) => finish(await retryDead(name, options, io)));
}
