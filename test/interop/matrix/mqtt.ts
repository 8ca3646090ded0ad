import { join } from 'node:path';
import type { IClientOptions } from 'mqtt';
import { MqttJsClient } from '../../support/clients/mqtt-js';
import { eventually } from '../../support/eventually';
import { ShellCommand } from '../../support/shell-command';
import {
  atEnd,
  type Arrival,
  countOf,
  EVENT,
  eventOf,
  type Facts,
  FACTS,
  type MatrixClient,
  type Ports,
  type What,
} from './matrix-client';

const REPLY_TO = '$queue/answers';

/** As clients of MQTT write it. */
function topicOf(address: string): string {
  const [, kind = '', name = ''] = /^(\w+)\/(.*)$/.exec(address) ?? [];
  return kind === 'topic' ? name.replaceAll('.', '/').replaceAll('*', '+') : `$${kind}/${name}`;
}

const LIFETIME_S = FACTS.lifetimeMs / 1_000;

const OF_WHAT: Readonly<Record<What, Readonly<Record<string, string>>>> = {
  properties: { region: FACTS.region, count: String(FACTS.count), 'fairlead-type-count': 'int' },
  event: EVENT,
};

function userProperties(what: What): Record<string, string> {
  return { 'fairlead-priority': String(FACTS.priority), ...OF_WHAT[what] };
}

interface Told {
  readonly contentType?: string | null | undefined;
  readonly correlationId?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly qos: number;
  readonly expiryS?: number | undefined;
  readonly user: Readonly<Record<string, unknown>>;
}

function factsOf({ contentType, correlationId, replyTo, qos, expiryS, user }: Told): Facts {
  return {
    // Some tell of none by an empty text.
    contentType: contentType || undefined,
    correlationId,
    replyTo,
    durable: qos > 0,
    priority: Number(user['fairlead-priority'] ?? 4),
    lifetimeMs: expiryS === undefined ? undefined : expiryS * 1_000,
    region: user['region'] as string | undefined,
    count: countOf(user['fairlead-type-count'], user['count']),
    event: eventOf(user, (attribute) => attribute),
  };
}

/** MQTT.js. */
function mqttJsClient(
  name: string,
  version: 4 | 5,
  connect: (ports: Ports, options: IClientOptions) => Promise<MqttJsClient>,
): MatrixClient {
  return {
    name,
    bodyAlone: version === 4,
    contentTypes: true,
    replyTo: REPLY_TO,
    async publish(ports, address, body, what) {
      const client = await connect(ports, { protocolVersion: version });
      const properties = {
        payloadFormatIndicator: true,
        messageExpiryInterval: LIFETIME_S,
        contentType: FACTS.contentType,
        correlationData: Buffer.from(FACTS.correlationId),
        responseTopic: REPLY_TO,
        userProperties: userProperties(what),
      };
      await client.client.publishAsync(topicOf(address), body, { qos: 1, ...(version === 5 && { properties }) });
      await client.end();
    },
    async subscribe(ports, address) {
      const client = await connect(ports, { protocolVersion: version });
      atEnd(() => client.end());
      const arrivals: Arrival[] = [];
      client.client.on('message', (_topic, payload, { qos, properties }) => {
        const facts = factsOf({
          contentType: properties?.contentType,
          correlationId: properties?.correlationData?.toString(),
          replyTo: properties?.responseTopic,
          qos,
          expiryS: properties?.messageExpiryInterval,
          user: { ...properties?.userProperties },
        });
        arrivals.push({ body: payload.toString(), ...(version === 5 && { facts }) });
      });
      await client.client.subscribeAsync(topicOf(address), { qos: 1 });
      return () => arrivals;
    },
  };
}

export const mqttJs5 = mqttJsClient('MQTT.js 5', 5, ({ mqtt }, options) => MqttJsClient.connect(mqtt, options));
export const mqttJs4 = mqttJsClient('MQTT.js 3.1.1', 4, ({ mqtt }, options) => MqttJsClient.connect(mqtt, options));
export const mqttJsWebSocket = mqttJsClient('MQTT.js 5 over WebSocket', 5, ({ web }, options) =>
  MqttJsClient.connectWebSocket(web, options),
);

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
  contentTypes: true,
  replyTo: REPLY_TO,
  publish: (ports, address, body, what) => {
    const properties = [
      `content-type ${quote(FACTS.contentType)}`,
      `correlation-data ${FACTS.correlationId}`,
      `response-topic ${quote(REPLY_TO)}`,
      `message-expiry-interval ${LIFETIME_S}`,
      ...Object.entries(userProperties(what)).map(([name, text]) => `user-property ${name} ${quote(text)}`),
    ].map((property) => `-D publish ${property}`);
    return done(
      `mosquitto_pub -V mqttv5 -p ${ports.mqtt} -q 1 -t ${quote(topicOf(address))} -m ${quote(body)} ${properties.join(' ')}`,
    );
  },
  subscribe: (ports, address) =>
    printed(
      'mosquitto',
      `stdbuf -oL mosquitto_sub -d -V mqttv5 -p ${ports.mqtt} -q 1 -t ${quote(topicOf(address))} -F ${quote(['=%C', '%D', '%R', '%q', '%E', '%P', '%p'].join(SEPARATOR))}`,
      (line) => {
        const [contentType, correlationId, replyTo, qos, expiryS, properties = '', body = ''] = line.split(SEPARATOR);
        // Its properties stand one behind the other, and their values may hold spaces.
        const pairs = [...properties.matchAll(/(?:^| )([\w-]+):(.*?)(?= [\w-]+:|$)/g)];
        const user = Object.fromEntries(pairs.map(([, name = '', value]) => [name, value]));
        const told = { contentType, correlationId, replyTo, qos: Number(qos), expiryS: Number(expiryS), user };
        return { body, facts: factsOf(told) };
      },
    ),
};

const PAHO = join(__dirname, 'paho_client.py');

/** paho for Python. */
export const paho: MatrixClient = {
  name: 'paho',
  bodyAlone: false,
  contentTypes: true,
  replyTo: REPLY_TO,
  publish: (ports, address, body, what) => {
    const { contentType, correlationId } = FACTS;
    const said = {
      body,
      contentType,
      correlationId,
      replyTo: REPLY_TO,
      lifetimeS: LIFETIME_S,
      user: userProperties(what),
    };
    return done(
      `/usr/bin/python3 -B ${PAHO} pub ${ports.mqtt} ${quote(topicOf(address))} ${quote(JSON.stringify(said))}`,
    );
  },
  subscribe: (ports, address) =>
    printed('paho', `/usr/bin/python3 -B ${PAHO} sub ${ports.mqtt} ${quote(topicOf(address))}`, (line) => {
      const { body, ...told } = JSON.parse(line) as Told & { readonly body: string };
      return { body, facts: factsOf(told) };
    }),
};
