import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { within } from '../../support/eventually';
import { JavaProject } from '../java-project';
import {
  atEnd,
  type Arrival,
  countOf,
  EVENT,
  eventOf,
  type Facts,
  FACTS,
  leftUntil,
  type MatrixClient,
  type What,
} from './matrix-client';

type Pairs = Readonly<Record<string, string>>;

const OF_WHAT: Readonly<Record<What, Pairs>> = {
  properties: { 'p.string.region': FACTS.region, 'p.int.count': String(FACTS.count) },
  event: Object.fromEntries(Object.entries(EVENT).map(([name, value]) => [`p.string.cloudEvents_${name}`, value])),
};

function factsOf(told: Pairs): Facts {
  const expiration = Number(told['expiration']);
  return {
    contentType: undefined,
    correlationId: told['correlationId'],
    replyTo: told['replyTo'],
    durable: told['durable'] === 'true',
    priority: Number(told['priority']),
    lifetimeMs: expiration === 0 ? undefined : leftUntil(expiration),
    region: told['p.string.region'],
    count: told['p.int.count'] === undefined ? undefined : countOf('int', told['p.int.count']),
    event: eventOf(told, (attribute) => `p.string.cloudEvents_${attribute}`),
  };
}

/** The program of `../jms`, which publishes and subscribes for all of the matrix. */
class JmsProgram {
  #asked = 0;
  readonly #answers = new Map<string, (failure: string | null) => void>();
  readonly #arrivals = new Map<string, Arrival[]>();

  private constructor(private readonly child: ReturnType<JavaProject['start']>) {
    createInterface(child.stdout).on('line', (line) => this.#hear(line));
  }

  static async start(): Promise<JmsProgram> {
    const project = await JavaProject.build(join(__dirname, '..', 'jms'));
    const child = project.start('fairlead.interop.Matrix');
    atEnd(async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    });
    return new JmsProgram(child);
  }

  /** @returns what has arrived, by a subscription */
  async ask(word: 'publish' | 'subscribe', pairs: Pairs): Promise<readonly Arrival[]> {
    const id = String(++this.#asked);
    const arrivals: Arrival[] = [];
    this.#arrivals.set(id, arrivals);
    const failure = new Promise<string | null>((resolve) => this.#answers.set(id, resolve));
    this.child.stdin.write(`${word} ${new URLSearchParams({ id, ...pairs }).toString()}\n`);
    const why = await within(`Qpid JMS: ${word}`, failure);
    if (why !== null) throw new Error(`Qpid JMS: ${word}: ${why}`);
    return arrivals;
  }

  #hear(line: string): void {
    const [word = '', query] = line.split(' ', 2);
    const { id = '', ...told } = Object.fromEntries(new URLSearchParams(query)) as Pairs;
    if (word === 'message') this.#arrivals.get(id)?.push({ body: told['body'] ?? '', facts: factsOf(told) });
    else this.#answers.get(id)?.(word === 'done' ? null : (told['why'] ?? line));
  }
}

let program: Promise<JmsProgram> | null = null;

async function ask(word: 'publish' | 'subscribe', port: number, pairs: Pairs): Promise<readonly Arrival[]> {
  program ??= JmsProgram.start();
  return (await program).ask(word, { url: `amqp://127.0.0.1:${port}`, ...pairs });
}

/** Qpid JMS. */
export const qpidJms: MatrixClient = {
  name: 'Qpid JMS',
  bodyAlone: false,
  contentTypes: false,
  replyTo: FACTS.replyTo,
  async publish({ amqp }, address, body, what) {
    const { correlationId, replyTo, priority, lifetimeMs } = FACTS;
    const said = { correlationId, replyTo, priority: String(priority), lifetimeMs: String(lifetimeMs) };
    await ask('publish', amqp, { address, body, ...said, ...OF_WHAT[what] });
  },
  async subscribe({ amqp }, address) {
    const arrivals = await ask('subscribe', amqp, { address });
    return () => arrivals;
  },
};
