import { parseArgs } from 'node:util';
import type { Endpoint } from './load/protocol';
import { MQTT_WORKS, type MqttWork } from './mqtt/works';
import { QUEUE_SCENARIOS, SCENARIOS, type Scenario } from './scenarios';
import { TCP_WORKS, type TcpWork } from './tcp/works';

/** Another router that is given the same work. */
export interface Peer {
  readonly name: string;
  /** Where the sender connects, and where the receivers do. */
  readonly ingress: Endpoint;
  readonly egress: Endpoint;
  /** Its processes, when their CPU time is to be taken. */
  readonly pids: readonly number[];
}

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly seconds: number;
  /** Messages of a run instead of a time; 0 for none. */
  readonly count: number;
  readonly repeat: number;
  readonly peers: readonly Peer[];
  readonly profile: boolean;
  /** Queues instead: against Artemis, on the disk. */
  readonly durable: boolean;
  /** STOMP instead, against Artemis. */
  readonly stomp: boolean;
  /** HTTP at one node instead. */
  readonly http: boolean;
  /** How long messages take through three nodes by each protocol, instead. */
  readonly latency: boolean;
  /** MQTT instead, against mosquitto and aedes: these of its scenarios; else null. */
  readonly mqttWorks: readonly MqttWork[] | null;
  /** A TCP service instead, beside a plain proxy and skrouterd: these of its scenarios; else null. */
  readonly tcpWorks: readonly TcpWork[] | null;
  /** Messages that are put before the first is taken; 0 for none. */
  readonly backlog: number;
  /** What `durable`, `stomp`, `mqtt` and `tcp` measure: `fairlead`, or what stands beside it. */
  readonly through: readonly string[];
}

/** A usage error; its message is what the user is told. */
export class OptionError extends Error {}

export const USAGE = `npm run bench -- [durable | stomp | mqtt | tcp | http | latency] [options]
  durable           durable queues instead, beside Artemis 2.44 (needs Java 17 and Maven, which fetches it once)
  stomp             STOMP clients instead, beside Artemis 2.44 likewise
  mqtt              MQTT clients instead, beside mosquitto and aedes
  tcp               a TCP service instead, at one node and two hops away, beside a plain proxy and skrouterd (where it is installed)
  http              HTTP instead: POSTs, batches, and server-sent events to 50 subscribers, at one node
  latency           what messages take through three nodes by AMQP, MQTT, STOMP and HTTP instead
  --through NAME    durable, stomp, mqtt and tcp: only this: fairlead, artemis, mosquitto, aedes, direct, proxy or skrouterd (may be repeated)
  --backlog N       durable: puts N messages before the first is taken (5000000), and tells memory and how fast they drain
  --scenario TEXT   only scenarios whose name holds one of these texts (may be repeated); --list names them
  --seconds N       measure for so long after a short warm-up (default 5)
  --count N         send so many messages instead
  --repeat N        paired runs: each scenario next to its direct run, N times; medians and ranges are told (default 1)
  --peer NAME=HOST:PORT[,HOST:PORT][@PID,PID]
                    the same work through another AMQP 1.0 router: where to send, where to receive, whose CPU time to take
  --profile         writes CPU profiles of the nodes to bench/results/profiles
  --list            names the scenarios`;

/** @throws OptionError */
export function readOptions(args: readonly string[]): Options | 'list' | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  if (values.list) return 'list';
  const wanted = values.scenario ?? [];
  const word = wordOf(positionals);
  const durable = word === 'durable';
  const known = durable ? QUEUE_SCENARIOS : SCENARIOS;
  const isWanted = ({ name }: { name: string }): boolean =>
    wanted.length === 0 || wanted.some((text) => name.includes(text));
  const scenarios = known.filter(isWanted);
  const mqttWorks = word === 'mqtt' ? MQTT_WORKS.filter(isWanted) : null;
  const tcpWorks = word === 'tcp' ? TCP_WORKS.filter(isWanted) : null;
  if ((mqttWorks ?? tcpWorks ?? scenarios).length === 0)
    throw new OptionError(`no scenario's name holds ${wanted.join(' or ')}`);
  return {
    scenarios,
    seconds: number('seconds', values.seconds ?? '5', 0.5),
    count: Math.floor(number('count', values.count ?? '0', 0)),
    repeat: Math.floor(number('repeat', values.repeat ?? '1', 1)),
    peers: (values.peer ?? []).map(readPeer),
    profile: values.profile === true,
    durable,
    stomp: word === 'stomp',
    http: word === 'http',
    latency: word === 'latency',
    mqttWorks,
    tcpWorks,
    backlog: Math.floor(number('backlog', values.backlog ?? '0', 0)),
    through: values.through ?? THROUGH[word ?? ''] ?? [],
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        scenario: { type: 'string', multiple: true },
        seconds: { type: 'string' },
        count: { type: 'string' },
        repeat: { type: 'string' },
        peer: { type: 'string', multiple: true },
        profile: { type: 'boolean' },
        backlog: { type: 'string' },
        through: { type: 'string', multiple: true },
        list: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

const WORDS = ['durable', 'stomp', 'mqtt', 'tcp', 'http', 'latency'];
/** What each of them measures in turns, if not told otherwise. */
const THROUGH: Readonly<Record<string, readonly string[]>> = {
  durable: ['fairlead', 'artemis'],
  stomp: ['fairlead', 'artemis'],
  mqtt: ['fairlead', 'mosquitto', 'aedes'],
  tcp: ['direct', 'proxy', 'fairlead', 'skrouterd'],
};

function wordOf(words: readonly string[]): string | undefined {
  const unknown = words.find((word, at) => at > 0 || !WORDS.includes(word));
  if (unknown !== undefined) throw new OptionError(`${unknown}: expected ${WORDS.join(', ')} or an option`);
  return words[0];
}

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!(value >= least)) throw new OptionError(`--${name} ${text}: expected a number of at least ${least}`);
  return value;
}

function readPeer(text: string): Peer {
  const [, name, places, pids] = /^([^=]+)=([^@]+)(?:@([\d,]+))?$/.exec(text) ?? [];
  if (name === undefined || places === undefined) throw new OptionError(`--peer ${text}: expected NAME=HOST:PORT`);
  const [ingress, egress = ingress] = places.split(',').map((place) => readEndpoint(place, text));
  return { name, ingress: ingress as Endpoint, egress: egress as Endpoint, pids: (pids ?? '').split(',').flatMap(pid) };
}

function pid(text: string): number[] {
  return text === '' ? [] : [Number(text)];
}

function readEndpoint(place: string, text: string): Endpoint {
  const [, host, port] = /^(.+):(\d+)$/.exec(place) ?? [];
  if (host === undefined) throw new OptionError(`--peer ${text}: '${place}' is no HOST:PORT`);
  return { host, port: Number(port) };
}
