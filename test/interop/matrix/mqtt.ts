import { join } from 'node:path';
import { MqttJsClient } from '../../support/clients/mqtt-js';
import { eventually } from '../../support/eventually';
import { ShellCommand } from '../../support/shell-command';
import { atEnd, type Arrival, type Facts, FACTS, type MatrixClient } from './matrix-client';

const REPLY_TO = '$queue/answers';

/** As clients of MQTT write it. */
function topicOf(address: string): string {
  const [, kind = '', name = ''] = /^(\w+)\/(.*)$/.exec(address) ?? [];
  return kind === 'topic' ? name.replaceAll('.', '/').replaceAll('*', '+') : `$${kind}/${name}`;
}

const USER_PROPERTIES = { region: FACTS.region, count: String(FACTS.count), 'fairlead-type-count': 'int' };

function countOf(properties: Readonly<Record<string, unknown>>): string {
  return `${String(properties['fairlead-type-count'])} ${String(properties['count'])}`;
}

/** MQTT.js. */
export function mqttJs(version: 4 | 5): MatrixClient {
  return {
    name: `MQTT.js ${version === 5 ? '5' : '3.1.1'}`,
    bodyAlone: version === 4,
    replyTo: REPLY_TO,
    async publish(ports, address, body) {
      const client = await MqttJsClient.connect(ports.mqtt, { protocolVersion: version });
      const properties = {
        payloadFormatIndicator: true,
        contentType: FACTS.contentType,
        correlationData: Buffer.from(FACTS.correlationId),
        responseTopic: REPLY_TO,
        userProperties: USER_PROPERTIES,
      };
      await client.client.publishAsync(topicOf(address), body, { qos: 1, ...(version === 5 && { properties }) });
      await client.end();
    },
    async subscribe(ports, address) {
      const client = await MqttJsClient.connect(ports.mqtt, { protocolVersion: version });
      atEnd(() => client.end());
      const arrivals: Arrival[] = [];
      client.client.on('message', (_topic, payload, { properties }) => {
        const user = { ...properties?.userProperties };
        const facts: Facts = {
          contentType: properties?.contentType,
          correlationId: properties?.correlationData?.toString(),
          replyTo: properties?.responseTopic,
          region: user['region'] as string | undefined,
          count: countOf(user),
        };
        arrivals.push({ body: payload.toString(), ...(version === 5 && { facts }) });
      });
      await client.client.subscribeAsync(topicOf(address), { qos: 1 });
      return () => arrivals;
    },
  };
}

function run(line: string): ShellCommand {
  const command = new ShellCommand(line, { cwd: process.cwd(), env: process.env });
  atEnd(() => command.kill());
  return command;
}

async function done(line: string): Promise<void> {
  const command = run(line);
  const code = await command.code;
  if (code !== 0) throw new Error(`${line}: ${code}\n${command.output}`);
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** What a subscriber's process prints, one line of JSON for each message, once it has said that it subscribed. */
async function printed(
  what: string,
  line: string,
  arrivalOf: (line: string) => Arrival,
): Promise<() => readonly Arrival[]> {
  const command = run(line);
  await eventually(`${what} has subscribed`, () => /Subscribed/.test(command.output), {
    otherwise: () => command.output,
  });
  // The last line may not be whole yet.
  const lines = (): string[] => command.stdout.split('\n').slice(0, -1);
  return () =>
    lines()
      .filter((told) => told.startsWith('='))
      .map((told) => arrivalOf(told.slice(1)));
}

const SEPARATOR = '|';

/** mosquitto_pub and mosquitto_sub. */
export const mosquitto: MatrixClient = {
  name: 'mosquitto',
  bodyAlone: false,
  replyTo: REPLY_TO,
  publish: (ports, address, body) => {
    const properties = [
      `content-type ${quote(FACTS.contentType)}`,
      `correlation-data ${FACTS.correlationId}`,
      `response-topic ${quote(REPLY_TO)}`,
      ...Object.entries(USER_PROPERTIES).map(([name, text]) => `user-property ${name} ${quote(text)}`),
    ].map((property) => `-D publish ${property}`);
    return done(
      `mosquitto_pub -V mqttv5 -p ${ports.mqtt} -q 1 -t ${quote(topicOf(address))} -m ${quote(body)} ${properties.join(' ')}`,
    );
  },
  subscribe: (ports, address) =>
    printed(
      'mosquitto',
      `stdbuf -oL mosquitto_sub -d -V mqttv5 -p ${ports.mqtt} -q 1 -t ${quote(topicOf(address))} -F ${quote(['=%C', '%D', '%R', '%P', '%p'].join(SEPARATOR))}`,
      (line) => {
        const [contentType, correlationId, replyTo, user = '', body = ''] = line.split(SEPARATOR);
        // Its properties stand one behind the other, and their values may hold spaces.
        const value = (name: string): string | undefined =>
          new RegExp(`(?:^| )${name}:(.*?)(?= [\\w-]+:|$)`).exec(user)?.[1];
        const count = `${value('fairlead-type-count')} ${value('count')}`;
        return { body, facts: { contentType, correlationId, replyTo, region: value('region'), count } };
      },
    ),
};

const PAHO = join(__dirname, 'paho_client.py');

interface PahoLine {
  readonly body: string;
  readonly contentType?: string;
  readonly correlationId?: string;
  readonly replyTo?: string;
  readonly user: Readonly<Record<string, string>>;
}

/** paho for Python. */
export const paho: MatrixClient = {
  name: 'paho',
  bodyAlone: false,
  replyTo: REPLY_TO,
  publish: (ports, address, body) => {
    const { contentType, correlationId } = FACTS;
    const said = { body, contentType, correlationId, replyTo: REPLY_TO, user: USER_PROPERTIES };
    return done(
      `/usr/bin/python3 -B ${PAHO} pub ${ports.mqtt} ${quote(topicOf(address))} ${quote(JSON.stringify(said))}`,
    );
  },
  subscribe: (ports, address) =>
    printed('paho', `/usr/bin/python3 -B ${PAHO} sub ${ports.mqtt} ${quote(topicOf(address))}`, (line) => {
      const { body, user, contentType, correlationId, replyTo } = JSON.parse(line) as PahoLine;
      return { body, facts: { contentType, correlationId, replyTo, region: user['region'], count: countOf(user) } };
    }),
};
