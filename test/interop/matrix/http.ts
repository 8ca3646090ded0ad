import { EventSource } from '../../support/event-source';
import { ShellCommand } from '../../support/shell-command';
import { eventually } from '../../support/eventually';
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

const OF_WHAT: Readonly<Record<What, Readonly<Record<string, string>>>> = {
  properties: {
    'fairlead-property-region': encodeURIComponent(FACTS.region),
    'fairlead-property-count': String(FACTS.count),
    'fairlead-type-count': 'int',
  },
  event: Object.fromEntries(Object.entries(EVENT).map(([name, value]) => [`ce-${name}`, encodeURI(value)])),
};

function headersOf(what: What): Readonly<Record<string, string>> {
  return {
    'content-type': FACTS.contentType,
    'fairlead-correlation-id': FACTS.correlationId,
    'fairlead-reply-to': FACTS.replyTo,
    'fairlead-durable': 'true',
    'fairlead-priority': String(FACTS.priority),
    'fairlead-ttl': String(FACTS.lifetimeMs),
    ...OF_WHAT[what],
  };
}

type Told = Readonly<Record<string, string | undefined>>;

function factsOf(told: Told): Facts {
  const headers = Object.fromEntries(
    Object.entries(told).map(([name, text = '']) => [name, decodeURIComponent(text)] as const),
  );
  const ttl = headers['fairlead-ttl'];
  const expiry = headers['fairlead-absolute-expiry-time'];
  return {
    contentType: headers['content-type'],
    correlationId: headers['fairlead-correlation-id'],
    replyTo: headers['fairlead-reply-to'],
    durable: headers['fairlead-durable'] === 'true',
    priority: Number(headers['fairlead-priority'] ?? 4),
    lifetimeMs: ttl === undefined ? leftUntil(expiry === undefined ? undefined : Date.parse(expiry)) : Number(ttl),
    region: headers['fairlead-property-region'],
    count: countOf(headers['fairlead-type-count'], headers['fairlead-property-count']),
    event: eventOf(headers, (attribute) => `ce-${attribute}`),
  };
}

function url(port: number, address: string): string {
  return `http://127.0.0.1:${port}/v1/addresses/${address}`;
}

/** Node's fetch, with an EventSource for topics; from queues it receives one by one. */
export const fetchClient: MatrixClient = {
  name: 'fetch',
  bodyAlone: false,
  contentTypes: true,
  replyTo: FACTS.replyTo,
  async publish({ web }, address, body, what) {
    const answer = await fetch(url(web, address), { method: 'POST', headers: headersOf(what), body });
    if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`);
  },
  async subscribe({ web }, address) {
    return address.startsWith('queue/') ? received(web, address) : streamed(web, address);
  },
};

async function streamed(port: number, address: string): Promise<() => readonly Arrival[]> {
  const source = await new EventSource(port, `/v1/addresses/${address}`).ready();
  atEnd(() => source.close());
  return () => source.data.map(({ headers, data }) => ({ body: String(data), facts: factsOf(headers) }));
}

function received(port: number, address: string): () => readonly Arrival[] {
  const arrivals: Arrival[] = [];
  let ending = false;
  atEnd(() => (ending = true));
  void (async () => {
    while (!ending) {
      const answer = await fetch(`${url(port, address)}/receive?wait=5s`, { method: 'POST' });
      if (answer.status !== 200) continue;
      arrivals.push({ body: await answer.text(), facts: factsOf(Object.fromEntries(answer.headers)) });
      await fetch(new URL(answer.headers.get('location') ?? '', answer.url), { method: 'DELETE' });
    }
  })().catch((error: unknown) => {
    if (!ending) arrivals.push({ body: String(error) });
  });
  return () => arrivals;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function run(line: string): ShellCommand {
  const command = new ShellCommand(line, { cwd: process.cwd(), env: process.env });
  atEnd(() => command.kill());
  return command;
}

interface EventData {
  readonly headers: Told;
  readonly data: unknown;
}

/** curl; what it gets is the stream of events as it stands. */
export const curl: MatrixClient = {
  name: 'curl',
  bodyAlone: false,
  contentTypes: true,
  replyTo: FACTS.replyTo,
  async publish({ web }, address, body, what) {
    const headers = Object.entries(headersOf(what)).map(([name, text]) => `-H ${quote(`${name}: ${text}`)}`);
    const command = run(`curl -sSf ${headers.join(' ')} --data-binary ${quote(body)} ${url(web, address)}`);
    if ((await command.code) !== 0) throw new Error(command.output);
  },
  async subscribe({ web }, address) {
    if (address.startsWith('queue/')) return received(web, address);
    const command = run(`curl -sSNi -H 'accept: text/event-stream' ${quote(url(web, address))}`);
    await eventually('curl has the stream', () => command.stdout.includes('text/event-stream'), {
      otherwise: () => command.output,
    });
    return () =>
      [...command.stdout.matchAll(/^data: ?(.*)\n/gm)].map(([, text = '']) => {
        const { headers, data } = JSON.parse(text) as EventData;
        return { body: String(data), facts: factsOf(headers) };
      });
  },
};
