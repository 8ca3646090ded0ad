import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { type CallOptions, type CallAnswer, httpCall } from '../support/http-call';
import { eventually } from '../support/eventually';
import { FairleadCommand } from '../support/command';
import type { QueuesAnswer } from '../../src/management/queue-rows';
import { Mesh } from '../support/mesh';

const run = promisify(execFile);

let mesh: Mesh;
let port: number;

beforeAll(async () => {
  mesh = await Mesh.line(['east', 'west'], {
    document: {
      addresses: [
        { match: 'once', kind: 'queue', duplicateWindow: '10m', home: 'west' },
        { match: 'small', kind: 'queue', maxDepth: 1 },
        { match: 'lost', kind: 'topic', noSubscriber: 'release' },
      ],
      limits: { messageBytes: '8MiB' },
    },
    documents: {
      east: {
        listeners: [
          { protocol: 'amqp', port: 0 },
          { name: 'web', protocol: 'http', port: 0, cors: { origins: ['https://app.example.com'] } },
        ],
      },
    },
  });
  await mesh.start();
  port = mesh.node('east').port('web');
});

const post = (address: string, options: CallOptions): Promise<CallAnswer> =>
  httpCall(port, `/v1/addresses/${address}`, { method: 'POST', ...options });

async function depthOf(queue: string, node = 'east'): Promise<number> {
  const { body } = await mesh.node(node).http('/api/v1/queues');
  const { queues } = body as QueuesAnswer;
  return queues.find(({ name }) => name === queue)?.here?.depth ?? 0;
}

async function receiver(address: string, count: number): Promise<FairleadCommand> {
  const url = `amqp://127.0.0.1:${mesh.node('west').amqpPort}`;
  const command = new FairleadCommand(['receive', address, '--count', String(count), '--json', '--url', url]);
  await command.attached();
  return command;
}

interface Line {
  readonly body: unknown;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly applicationProperties?: Readonly<Record<string, unknown>>;
}

async function lines(command: FairleadCommand): Promise<Line[]> {
  const { stdout } = await command.result;
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

describe('POST of one message', () => {
  it('with curl reaches a subscriber at another site, with its properties', async () => {
    const command = await receiver('topic/orders.new', 1);
    const url = `http://127.0.0.1:${port}/v1/addresses/topic%2Forders.new`;
    const args = [
      '-s',
      '-H',
      'content-type: text/plain',
      '-H',
      'fairlead-subject: first',
      '-H',
      'fairlead-property-kind: test',
      '-d',
      'hello',
      url,
    ];
    const { stdout } = await run('curl', args);
    expect(JSON.parse(stdout)).toEqual({ outcome: 'accepted' });
    const [line] = await lines(command);
    expect(line?.body).toBe('hello');
    expect(line?.properties).toMatchObject({ subject: 'first', contentType: 'text/plain' });
    expect(line?.applicationProperties).toEqual({ kind: 'test' });
  });

  it('with fetch carries a CloudEvent, in binary and in structured mode', async () => {
    const command = await receiver('topic/events', 2);
    const url = `http://127.0.0.1:${port}/v1/addresses/topic/events`;
    const attributes = { specversion: '1.0', id: '1', source: '/test', type: 'test.one' };
    const binary = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));
    const first = await fetch(url, {
      method: 'POST',
      body: '{"n":1}',
      headers: { ...binary, 'content-type': 'application/json' },
    });
    expect(first.status).toBe(202);
    const event = JSON.stringify({ ...attributes, data: { n: 1 } });
    const second = await fetch(url, {
      method: 'POST',
      body: event,
      headers: { 'content-type': 'application/cloudevents+json' },
    });
    expect(second.status).toBe(202);
    const [one, two] = await lines(command);
    expect(one?.applicationProperties).toMatchObject({ cloudEvents_id: '1', cloudEvents_type: 'test.one' });
    expect(two).toEqual(one);
  });

  it('streams a body of 6 MiB through, of a declared length and in chunks', async () => {
    const command = await receiver('topic/large', 2);
    const body = Buffer.from('0123456789abcdef'.repeat(6 * 65_536));
    expect((await post('topic/large', { body })).status).toBe(202);
    const chunked = { 'transfer-encoding': 'chunked' };
    expect((await post('topic/large', { body, headers: chunked })).status).toBe(202);
    for (const line of await lines(command)) expect(line.body === body.toString()).toBe(true);
  });

  it('of more than limits.messageBytes is refused before it is read, or as it comes', async () => {
    const body = Buffer.alloc(9 * 1024 * 1024);
    const url = `http://127.0.0.1:${port}/v1/addresses/queue/jobs`;
    const declared = await run('curl', ['-s', '-H', `content-length: ${body.length}`, '-d', 'x', url]);
    expect(declared.stdout).toContain('FL_HTTP_TOO_LARGE');
    const chunked = { 'transfer-encoding': 'chunked' };
    const answer = await post('queue/jobs', { body, headers: chunked }).catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    // The answer may be overtaken by the end of the connection: a client that sends megabytes nobody wants is cut.
    if (typeof answer === 'object') expect(answer.status).toBe(413);
    else expect(['ECONNRESET', 'EPIPE']).toContain(answer);
    expect(await depthOf('jobs')).toBe(0);
  });

  it('that is rejected, or that nobody takes, is no success', async () => {
    expect((await post('small', { body: 'one' })).status).toBe(202);
    const full = await post('small', { body: 'two' });
    expect([full.status, full.json]).toEqual([422, expect.objectContaining({ code: 'FL_HTTP_REJECTED', status: 422 })]);
    const lost = await post('lost', { body: 'one' });
    expect([lost.status, lost.json]).toEqual([503, expect.objectContaining({ code: 'FL_HTTP_RELEASED' })]);
    expect(lost.headers['retry-after']).toBe('1');
  });

  it('is answered at once where it prefers that', async () => {
    const answer = await post('queue/async', { body: 'one', headers: { prefer: 'respond-async' } });
    expect([answer.status, answer.json]).toEqual([202, { outcome: 'pending' }]);
    expect(answer.headers['preference-applied']).toBe('respond-async');
    await eventually('the message is in the queue', async () => (await depthOf('async')) === 1);
  });

  it('comes once, however often it is sent with one Idempotency-Key', async () => {
    for (const key of ['"a"', '"a"', 'a', '"b"'])
      expect((await post('once', { body: 'x', headers: { 'idempotency-key': key } })).status).toBe(202);
    await eventually('both keys are there', async () => (await depthOf('once', 'west')) === 2);
    const headers = { 'idempotency-key': 'a', 'fairlead-message-id': 'b' };
    expect((await post('once', { body: 'x', headers })).json).toMatchObject({ code: 'FL_HTTP_REQUEST' });
  });
});

describe('POST of a batch', () => {
  it('of lines has an outcome for each', async () => {
    const headers = { 'content-type': 'application/x-ndjson', 'fairlead-subject': 'batch' };
    const answer = await post('queue/lines', { body: '{"n":1}\n{"n":\n{"n":3}\n', headers });
    expect(answer.status).toBe(207);
    expect(answer.json).toMatchObject({
      messages: 3,
      accepted: 2,
      outcomes: [{ outcome: 'accepted' }, { outcome: 'rejected', code: 'FL_HTTP_REQUEST' }, { outcome: 'accepted' }],
    });
    expect(await depthOf('lines')).toBe(2);
  });

  it('of CloudEvents likewise, known again by its Idempotency-Key', async () => {
    const event = (id: string): object => ({
      specversion: '1.0',
      id,
      source: '/test',
      type: 'test',
      data_base64: 'AAE=',
    });
    const body = JSON.stringify([event('1'), event('2'), { specversion: '1.0' }]);
    const headers = { 'content-type': 'application/cloudevents-batch+json', 'idempotency-key': 'batch-1' };
    for (const _again of [1, 2]) {
      const answer = await post('once', { body, headers });
      expect(answer.json).toMatchObject({ messages: 3, accepted: 2 });
    }
    await eventually('two more', async () => (await depthOf('once', 'west')) === 4);
  });

  it('of thousands is read as it comes', async () => {
    const body = Array.from({ length: 5_000 }, (_, n) => JSON.stringify({ n })).join('\n');
    const answer = await post('queue/thousands', { body, headers: { 'content-type': 'application/x-ndjson' } });
    expect(answer.json).toMatchObject({ messages: 5_000, accepted: 5_000 });
    expect(await depthOf('thousands')).toBe(5_000);
  });
});

describe('a web page', () => {
  it.each([[{ origin: 'https://evil.example' }], [{ 'sec-fetch-site': 'cross-site' }], [{ host: 'evil.example' }]])(
    'with %j publishes nothing',
    async (headers) => {
      const answer = await post('queue/pages', { body: 'x', headers: { 'content-type': 'text/plain', ...headers } });
      expect([answer.status, answer.json]).toEqual([403, expect.objectContaining({ code: 'FL_HTTP_ORIGIN' })]);
      expect(await depthOf('pages')).toBe(0);
    },
  );

  it('whose origin the document names may, after it has asked', async () => {
    const origin = 'https://app.example.com';
    const asked = await httpCall(port, '/v1/addresses/queue/jobs', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });
    expect([asked.status, asked.headers['access-control-allow-origin']]).toEqual([204, origin]);
    const answer = await post('queue/pages', { body: 'x', headers: { origin } });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([202, origin]);
  });
});

describe('bad requests', () => {
  it.each([
    ['GET', '/v1/addresses/', 404, 'FL_HTTP_PATH'],
    ['GET', '/nothing', 404, 'FL_HTTP_PATH'],
    ['POST', '/v1/addresses/queue/jobs/nothing', 404, 'FL_HTTP_PATH'],
    ['PUT', '/v1/addresses/queue/jobs', 405, 'FL_HTTP_METHOD'],
    ['POST', '/v1/addresses/%E0%A4%A', 400, 'FL_HTTP_REQUEST'],
    ['POST', '/v1/addresses/a*b', 400, 'FL_ADDRESS_NAME'],
    ['POST', '/v1/addresses/topic/%23', 400, 'FL_ADDRESS_NAME'],
    ['POST', '/v1/addresses/topic/once', 409, 'FL_ADDRESS_KIND'],
    ['POST', '/v1/addresses/queue/jobs?wait=x', 400, 'FL_HTTP_REQUEST'],
  ])('%s %s is %d %s', async (method, path, status, code) => {
    const answer = await httpCall(port, path, { method });
    expect([answer.status, (answer.json as { code?: string }).code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
      socket.write(bytes);
    });

  it.each([
    ['no HTTP', '\0\0\0\0\r\n\r\n', 400, 'FL_HTTP_REQUEST'],
    [
      'headers of 64 KiB',
      `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(65_536)}\r\n\r\n`,
      431,
      'FL_HTTP_HEADERS',
    ],
    [
      '300 headers',
      `GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${'x: y\r\n'.repeat(300)}\r\n`,
      431,
      'FL_HTTP_HEADERS',
    ],
    [
      'two lengths (request smuggling)',
      'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'FL_HTTP_REQUEST',
    ],
  ])('%s', async (_what, bytes, status, code) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain(`"code":"${code}"`);
  });

  it('answers pipelined requests in their order', async () => {
    const one = (name: string): string =>
      `POST /v1/addresses/queue/${name} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx`;
    const last = 'GET /nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n';
    const answer = await raw(Array.from({ length: 20 }, () => one('pipe')).join('') + last);
    expect(answer.match(/^HTTP\/1\.1 \d+/gm)).toEqual([...Array<string>(20).fill('HTTP/1.1 202'), 'HTTP/1.1 404']);
    expect(await depthOf('pipe')).toBe(20);
  });

  it('a connection with too many of them is cut', async () => {
    const one = 'POST /v1/addresses/queue/flood HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx';
    await raw(one.repeat(500)).catch(() => '');
    expect(await depthOf('flood')).toBeLessThan(500);
    expect((await post('queue/after', { body: 'x' })).status).toBe(202);
  });
});
