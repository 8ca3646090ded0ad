import { EventSource } from '../support/event-source';
import { eventually, within } from '../support/eventually';
import { FairleadCommand, fairlead } from '../support/command';
import { type CallAnswer, type CallOptions, httpCall } from '../support/http-call';
import { Mesh } from '../support/mesh';
import type { QueuesAnswer } from '../../src/management/queue-rows';

let mesh: Mesh;

beforeAll(async () => {
  mesh = await Mesh.line(['east', 'west'], {
    document: {
      listeners: [
        { protocol: 'amqp', port: 0 },
        { name: 'web', protocol: 'http', port: 0 },
      ],
      addresses: [
        { match: 'work.#', kind: 'queue', home: 'east', deadLetter: 'queue/dead', maxDeliveries: 2 },
        { match: 'dead', kind: 'queue', home: 'east' },
      ],
    },
  });
  await mesh.start();
});

const sources: EventSource[] = [];
afterEach(() => sources.splice(0).forEach((source) => source.close()));

const portOf = (node: string): number => mesh.node(node).port('web');

function post(node: string, path: string, options: CallOptions = {}): Promise<CallAnswer> {
  return httpCall(portOf(node), `/v1/addresses/${path}`, { method: 'POST', ...options });
}

async function publish(node: string, address: string, ...bodies: readonly (string | Buffer)[]): Promise<void> {
  for (const body of bodies)
    expect((await post(node, address, { body, headers: { 'content-type': 'text/plain' } })).status).toBe(202);
}

function subscribed(node: string, path: string, reconnect = false): Promise<EventSource> {
  const source = new EventSource(portOf(node), `/v1/addresses/${path}`, { reconnect });
  sources.push(source);
  return source.ready();
}

async function depthOf(queue: string): Promise<number> {
  const { body } = await mesh.node('east').http('/api/v1/queues');
  return (body as QueuesAnswer).queues.find(({ name }) => name === queue)?.here?.depth ?? 0;
}

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => `n${from + n}`);
const texts = (source: EventSource): unknown[] => source.data.map(({ data }) => data);

describe('an event stream of a topic', () => {
  it('misses nothing from the moment that it is open, at another site', async () => {
    const source = await subscribed('west', 'topic/news.%23');
    await publish('east', 'topic/news.one', 'first', 'second');
    await eventually('both are there', () => source.events.length === 2);
    expect(source.data[0]).toEqual({
      address: 'topic/news.one',
      headers: { 'content-type': 'text/plain' },
      data: 'first',
    });
  });

  it('tells JSON as it is, bytes as base64, and a large message as it comes', async () => {
    const source = await subscribed('west', 'topic/kinds');
    await post('east', 'topic/kinds', { body: '{"a":\n1}', headers: { 'content-type': 'application/json' } });
    await post('east', 'topic/kinds', { body: Buffer.from([0, 255]), headers: { 'fairlead-subject': 'bytes' } });
    const large = Buffer.alloc(3_000_001, 7);
    await post('east', 'topic/kinds', { body: large });
    await eventually('all are there', () => source.events.length === 3);
    const [json, bytes, big] = source.data;
    expect(json?.data).toEqual({ a: 1 });
    expect([bytes?.data_base64, bytes?.headers['fairlead-subject']]).toEqual(['AP8=', 'bytes']);
    expect(Buffer.from(big?.data_base64 ?? '', 'base64').equals(large)).toBe(true);
  });

  it('has what its selector selects', async () => {
    const source = await subscribed('east', `topic/selected?selector=${encodeURIComponent("kind = 'good'")}`);
    for (const kind of ['bad', 'good'])
      await post('east', 'topic/selected', { body: kind, headers: { 'fairlead-property-kind': kind } });
    await eventually('the good one is there', () => source.events.length === 1);
    expect(source.data[0]?.headers['fairlead-property-kind']).toBe('good');
  });

  it.each([
    ['topic/x?selector=1%20%3D', 400, 'FL_SELECTOR_INVALID'],
    ['queue/x?durable=a&client=b', 400, 'FL_HTTP_REQUEST'],
    ['topic/x?durable=a', 400, 'FL_HTTP_REQUEST'],
    ['queue/x', 400, 'FL_HTTP_REQUEST'],
    ['topic/work.a', 409, 'FL_ADDRESS_KIND'],
  ])('of %s is refused', async (path, status, code) => {
    const answer = await httpCall(portOf('east'), `/v1/addresses/${path}`, {
      headers: { accept: 'text/event-stream' },
    });
    expect([answer.status, (answer.json as { code: string }).code]).toEqual([status, code]);
  });
});

describe('an event stream of a durable subscription', () => {
  const path = 'topic/ledger.%23?durable=ledger&client=test';

  it('goes on behind Last-Event-ID, at whatever cost to the connection', async () => {
    const first = await subscribed('east', path);
    await publish('west', 'topic/ledger.a', ...numbers(0, 10));
    await eventually('ten are there', () => first.events.length === 10);
    first.close();
    await publish('west', 'topic/ledger.a', ...numbers(10, 15));
    const second = new EventSource(portOf('east'), `/v1/addresses/${path}`, {
      headers: { 'last-event-id': first.events[6]?.id ?? '' },
    });
    sources.push(second);
    await eventually('the rest is there', () => second.events.length === 8);
    expect(texts(second)).toEqual(numbers(7, 15));
    second.close();
    // At another site, where nobody knows that event: what was not acknowledged comes again.
    const third = new EventSource(portOf('west'), `/v1/addresses/${path}`, {
      headers: { 'last-event-id': second.lastId },
    });
    sources.push(third);
    await eventually('it is there', () => third.events.length >= 8, {
      withinMs: 60_000,
      otherwise: () => JSON.stringify([third.refusal, texts(third)]),
    });
    expect(texts(third)).toEqual(numbers(7, 15));
  });

  it('of thousands is acknowledged by coming back, and then holds nothing', async () => {
    const stream = 'topic/many?durable=many&client=test';
    const source = await subscribed('east', stream, true);
    const body = Array.from({ length: 1_700 }, (_, n) => JSON.stringify(n)).join('\n');
    const answer = await post('west', 'topic/many', { body, headers: { 'content-type': 'application/x-ndjson' } });
    expect(answer.json).toMatchObject({ accepted: 1_700 });
    await eventually('all are there', () => source.events.length === 1_700);
    expect(texts(source)).toEqual(Array.from({ length: 1_700 }, (_, n) => n));
    expect(source.opened).toBe(4);
    source.close();
    const done = await subscribed('east', stream);
    expect(done.opened).toBe(1);
    done.close();
    const ended = await eventually(
      'it can be ended',
      async () => {
        const gone = await httpCall(portOf('east'), `/v1/addresses/${stream}`, { method: 'DELETE' });
        return gone.status === 204 && gone;
      },
      { withinMs: 60_000 },
    );
    expect(ended.status).toBe(204);
    expect((await httpCall(portOf('east'), `/v1/addresses/${stream}`, { method: 'DELETE' })).status).toBe(404);
  });

  it('is taken over by a second request of its client', async () => {
    const first = await subscribed('east', 'topic/over?durable=over&client=test');
    const second = await subscribed('east', 'topic/over?durable=over&client=test');
    await publish('east', 'topic/over', 'one');
    await eventually('it is there', () => second.events.length === 1);
    expect(first.events).toEqual([]);
  });
});

describe('messages of a queue', () => {
  const receive = (node: string, query = ''): Promise<CallAnswer> =>
    post(node, `queue/work.a/receive?wait=10s${query}`);
  const settle = (node: string, { headers }: CallAnswer, method: string, more = ''): Promise<CallAnswer> =>
    httpCall(portOf(node), `${headers.location}${more}`, { method });

  it.each(['east', 'west'])('are received and accepted at %s', async (node) => {
    await publish('west', 'work.a', 'one');
    const got = await receive(node);
    expect([got.status, got.body.toString(), got.headers['content-type']]).toEqual([200, 'one', 'text/plain']);
    expect(await depthOf('work.a')).toBe(1);
    expect((await settle(node, got, 'DELETE')).status).toBe(204);
    await eventually('it is gone', async () => (await depthOf('work.a')) === 0);
    const again = await settle(node, got, 'DELETE');
    expect([again.status, (again.json as { code: string }).code]).toEqual([404, 'FL_HTTP_DELIVERY']);
  });

  it('come again when they are released, or when their lock ends', async () => {
    await publish('east', 'work.b', 'one');
    const first = await post('east', 'queue/work.b/receive?wait=10s');
    expect((await settle('east', first, 'POST', '/release')).status).toBe(204);
    const second = await post('east', 'queue/work.b/receive?wait=10s&lock=300ms');
    expect(second.status).toBe(200);
    const third = await post('west', 'queue/work.b/receive?wait=20s');
    expect([third.status, third.body.toString(), third.headers['fairlead-delivery-count']]).toEqual([200, 'one', '1']);
    expect((await settle('east', second, 'DELETE')).status).toBe(404);
    expect((await settle('west', third, 'POST', '/renew?lock=1m')).status).toBe(204);
    expect((await settle('west', third, 'POST', '/reject')).status).toBe(204);
    const dead = await post('east', 'queue/dead/receive?wait=10s');
    expect(dead.body.toString()).toBe('one');
    expect((await settle('east', dead, 'DELETE')).status).toBe(204);
  });

  it('are locked for one of several who wait', async () => {
    const waiting = numbers(0, 5).map(() => post('east', 'queue/work.c/receive?wait=30s'));
    await publish('west', 'work.c', ...numbers(0, 5));
    const got = await Promise.all(waiting);
    expect(got.map(({ body }) => body.toString()).sort()).toEqual(numbers(0, 5));
    for (const answer of got) expect((await settle('east', answer, 'DELETE')).status).toBe(204);
  });

  it('that do not come are not waited for for ever, and none is held for who has gone', async () => {
    expect((await post('east', 'queue/work.d/receive?wait=300ms')).status).toBe(204);
    const source = post('east', 'queue/work.d/receive?wait=400ms');
    expect((await source).status).toBe(204);
    await publish('east', 'work.d', 'one');
    const { stdout } = await fairlead(
      'receive',
      'queue/work.d',
      '--count',
      '1',
      '--url',
      `amqp://127.0.0.1:${mesh.node('west').amqpPort}`,
    );
    expect(stdout).toContain('one');
  });

  it('of a durable subscription are received likewise', async () => {
    const path = 'topic/kept/receive?durable=kept&client=test';
    expect((await post('west', `${path}&wait=100ms`)).status).toBe(204);
    await publish('east', 'topic/kept', 'one');
    const got = await post('west', `${path}&wait=10s`);
    expect(got.body.toString()).toBe('one');
    expect((await settle('west', got, 'DELETE')).status).toBe(204);
  });

  it('of megabytes come as their bytes', async () => {
    const body = Buffer.alloc(5_000_000, 3);
    await publish('east', 'work.large', body);
    const got = await post('west', 'queue/work.large/receive?wait=20s');
    expect(got.headers['content-length']).toBe('5000000');
    expect(got.body.equals(body)).toBe(true);
    expect((await settle('west', got, 'DELETE')).status).toBe(204);
  });

  it('are looked at by an event stream that takes none', async () => {
    await publish('east', 'work.look', 'one', 'two');
    const source = await subscribed('east', 'queue/work.look?browse=true');
    await eventually('both are there', () => source.events.length === 2);
    expect(await depthOf('work.look')).toBe(2);
  });
});

describe('a long poll', () => {
  it('has the next message of a topic, or nothing', async () => {
    const url = '/v1/addresses/topic/polled?wait=20s';
    const polled = httpCall(portOf('west'), url);
    let answered = false;
    void polled.then(() => (answered = true));
    // It says nothing when it is subscribed.
    await eventually('it has one', async () => {
      await publish('east', 'topic/polled', 'next');
      return answered;
    });
    expect((await polled).body.toString()).toBe('next');
    expect((await httpCall(portOf('west'), '/v1/addresses/topic/polled?wait=100ms')).status).toBe(204);
  });
});

describe('a request', () => {
  it('has the reply of a service at the other site', async () => {
    const asked = post('east', 'anycast/service/request?timeout=30s', {
      body: 'question',
      headers: { 'content-type': 'text/plain', 'fairlead-correlation-id': 'c-1' },
    });
    const got = await eventually('the service is asked', async () => {
      const answer = await httpCall(portOf('west'), '/v1/addresses/anycast/service?wait=5s');
      return answer.status === 200 && answer;
    });
    expect([got.body.toString(), got.headers['fairlead-correlation-id']]).toEqual(['question', 'c-1']);
    const replyTo = encodeURIComponent(String(got.headers['fairlead-reply-to']));
    await post('west', replyTo, { body: 'late', headers: { 'fairlead-correlation-id': 'c-0' } });
    await post('west', replyTo, { body: 'answer', headers: { 'fairlead-correlation-id': 'c-1' } });
    const reply = await within('the reply', asked);
    expect([reply.status, reply.body.toString()]).toEqual([200, 'answer']);
  });

  it('that nobody answers ends in time', async () => {
    const command = new FairleadCommand([
      'receive',
      'topic/deaf',
      '--url',
      `amqp://127.0.0.1:${mesh.node('west').amqpPort}`,
    ]);
    await command.attached();
    const answer = await post('east', 'topic/deaf/request?timeout=500ms', { body: 'x' });
    expect([answer.status, (answer.json as { code: string }).code]).toEqual([504, 'FL_HTTP_REPLY']);
    command.process.kill();
  });
});

it('what is served is described', async () => {
  const { status, json } = await httpCall(portOf('east'), '/v1/openapi.json');
  expect(status).toBe(200);
  const { paths } = json as { paths: Record<string, unknown> };
  expect(Object.keys(paths)).toEqual([
    '/v1/addresses/{address}',
    '/v1/addresses/{address}/receive',
    '/v1/addresses/{address}/deliveries/{token}',
    '/v1/addresses/{address}/deliveries/{token}/release',
    '/v1/addresses/{address}/deliveries/{token}/reject',
    '/v1/addresses/{address}/deliveries/{token}/renew',
    '/v1/addresses/{address}/request',
  ]);
});
