import { parseArgs } from 'node:util';
import type { Endpoint } from './load/protocol';
import { SCENARIOS, type Scenario } from './scenarios';

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
}

/** A usage error; its message is what the user is told. */
export class OptionError extends Error {}

export const USAGE = `npm run bench -- [options]
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
  const { values } = parse(args);
  if (values.help) return 'help';
  if (values.list) return 'list';
  const wanted = values.scenario ?? [];
  const scenarios = SCENARIOS.filter(({ name }) => wanted.length === 0 || wanted.some((text) => name.includes(text)));
  if (scenarios.length === 0) throw new OptionError(`no scenario's name holds ${wanted.join(' or ')}`);
  return {
    scenarios,
    seconds: number('seconds', values.seconds ?? '5', 0.5),
    count: Math.floor(number('count', values.count ?? '0', 0)),
    repeat: Math.floor(number('repeat', values.repeat ?? '1', 1)),
    peers: (values.peer ?? []).map(readPeer),
    profile: values.profile === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string', multiple: true },
        seconds: { type: 'string' },
        count: { type: 'string' },
        repeat: { type: 'string' },
        peer: { type: 'string', multiple: true },
        profile: { type: 'boolean' },
        list: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
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
