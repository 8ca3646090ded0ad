import { type Command, Option } from 'commander';
import { addressOf, durationMs, positiveInteger, positiveNumber, property, subscriptionName } from './arguments';
import { receive, type ReceiveOptions, unsubscribe } from './commands/receive';
import { send, type SendOptions } from './commands/send';
import { formatDuration } from '../config/units';
import type { CliIo, Finish } from './io';
import { noteKind } from './note-kind';
import { refuseMore, requireOption } from './required-option';

const URL_DEFAULT = 'amqp://127.0.0.1:5672';
const STALL_MS = 30_000;

const ADDRESS = 'topic/a.b, queue/a, multicast/a, anycast/a, or a plain name that the address rules decide';

/** The commands that are AMQP clients of a node. */
export function addClientCommands(program: Command, io: CliIo, finish: Finish): void {
  const url = io.env['FAIRLEAD_URL'] ?? URL_DEFAULT;
  program
    .command('send')
    .description('publish over AMQP; exits 1 unless every message was accepted')
    .allowExcessArguments()
    .argument('<address>', ADDRESS, addressOf)
    .argument('[body]', 'text of the message, empty without it; - reads it from stdin')
    .option('--count <n>', 'send it so many times', positiveInteger, 1)
    .option('--rate <n>', 'at most so many messages per second', positiveNumber)
    .addOption(
      new Option('--property <k=v>', 'application property; may come several times')
        .argParser(property)
        .default([], 'none'),
    )
    .option('--durable', 'mark it durable')
    .addOption(
      new Option('--timeout <duration>', 'give up when nothing moves for this long')
        .argParser(durationMs)
        .default(STALL_MS, formatDuration(STALL_MS)),
    )
    .option('--url <url>', 'where the node listens, or FAIRLEAD_URL', url)
    .action(async (address: string, body: string | undefined, options: SendOptions, command: Command) => {
      refuseMore(command);
      noteKind(address, io);
      finish(await send(address, body, options, io));
    });
  program
    .command('receive')
    .description('receive over AMQP, one line per message, until Ctrl-C')
    .allowExcessArguments()
    .argument('<address>', `${ADDRESS}; a topic takes * (one word) and # (any)`, addressOf)
    .option('--count <n>', 'end after so many messages', positiveInteger)
    .option(
      '--timeout <duration>',
      'end after this long without a message; exits 1 if --count is not reached',
      durationMs,
    )
    .option('--json', 'print the whole message as JSON')
    .option(
      '--durable <name>',
      'receive what the durable subscription of this name holds; it is made when there is none',
      subscriptionName,
    )
    .option('--unsubscribe', 'with --durable: receive nothing, and end the subscription')
    .option('--url <url>', 'where the node listens, or FAIRLEAD_URL', url)
    .action(async (address: string, options: ReceiveOptions, command: Command) => {
      refuseMore(command);
      noteKind(address, io);
      if (options.unsubscribe !== true) return finish(await receive(address, options, io));
      requireOption(command, 'durable');
      finish(await unsubscribe(address, options.durable ?? '', options, io));
    });
}
