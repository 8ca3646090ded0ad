import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '../eventually';
import { ShellCommand } from '../shell-command';

const PAHO = join(__dirname, 'paho', 'client.py');

const missing = [
  spawnSync('mosquitto_pub', ['--help']).error === undefined ? [] : ['mosquitto-clients'],
  spawnSync('/usr/bin/python3', ['-c', 'import paho.mqtt']).status === 0 ? [] : ['python3-paho-mqtt'],
].flat();

// Where they must be there their absence is a failure of every file that needs them; elsewhere it is said once, and skipped.
if (missing.length > 0) {
  const why = `clients of MQTT are missing: apt-get install ${missing.join(' ')}`;
  if (process.env['CI'] === 'true') throw new Error(why);
  console.warn(`${why}; their tests are skipped`);
}

export const hasForeignMqtt = missing.length === 0;

/** `describe` for what needs mosquitto's and paho's clients. */
export const describeForeignMqtt = hasForeignMqtt ? describe : describe.skip;

export type ForeignName = 'mosquitto' | 'paho';

export interface ForeignOptions {
  readonly port: number;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly version: 4 | 5;
}

const open = new Set<ShellCommand>();

afterAll(() => [...open].forEach((command) => command.kill()));

function run(line: string): ShellCommand {
  const command = new ShellCommand(line, { cwd: process.cwd(), env: process.env });
  open.add(command);
  return command;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Publishes one message and waits for its acknowledgement. */
export async function publishWith(
  name: ForeignName,
  { port, topic, qos, version }: ForeignOptions,
  text: string,
): Promise<void> {
  const line =
    name === 'mosquitto'
      ? `mosquitto_pub -V ${version === 5 ? 'mqttv5' : 'mqttv311'} -p ${port} -q ${qos} -t ${quote(topic)} -m ${quote(text)}`
      : `/usr/bin/python3 -B ${PAHO} pub ${version} ${port} ${qos} ${quote(topic)} ${quote(text)}`;
  const command = run(line);
  const code = await command.code;
  open.delete(command);
  if (code !== 0) throw new Error(`${line}: ${code}\n${command.output}`);
}

/** A subscriber that tells each message as `topic qos text`, one line each. */
export class ForeignSubscriber {
  private constructor(private readonly command: ShellCommand) {}

  static async start(name: ForeignName, options: ForeignOptions): Promise<ForeignSubscriber> {
    const { port, topic, qos, version } = options;
    const line =
      name === 'mosquitto'
        ? `stdbuf -oL mosquitto_sub -d -V ${version === 5 ? 'mqttv5' : 'mqttv311'} -p ${port} -q ${qos} -t ${quote(topic)} -F '%t %q %p'`
        : `/usr/bin/python3 -B ${PAHO} sub ${version} ${port} ${qos} ${quote(topic)}`;
    const subscriber = new ForeignSubscriber(run(line));
    await eventually(`${name} has subscribed`, () => /Subscribed/.test(subscriber.command.output), {
      otherwise: () => subscriber.command.output,
    });
    return subscriber;
  }

  async saw(line: string): Promise<void> {
    await eventually(line, () => this.command.stdout.split('\n').includes(line), {
      otherwise: () => this.command.output,
    });
  }

  async end(): Promise<void> {
    open.delete(this.command);
    this.command.interrupt();
    await this.command.code;
  }
}
