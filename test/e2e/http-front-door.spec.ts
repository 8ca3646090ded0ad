import { connect } from 'node:net';
import { hostname } from 'node:os';
import { FairleadNode } from '../support/fairlead-node';

let loopback: FairleadNode;
let everywhere: FairleadNode;

beforeAll(async () => {
  loopback = await FairleadNode.start({ document: { site: 'loopback' } });
  const document = { site: 'everywhere', insecure: true };
  everywhere = await FairleadNode.prepare({ document });
  everywhere.rewrite((it) => ({ ...it, http: { ...it.http, host: '0.0.0.0', names: ['mesh.example.com'] } }));
  await everywhere.start();
});

/** All that a node answers to bytes on one connection. */
function answersTo(node: FairleadNode, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(node.httpPort, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write(bytes);
  });
}

function ask(node: FairleadNode, host: string, path = '/api/v1/status'): Promise<string> {
  return answersTo(node, `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
}

const REFUSED = /^HTTP\/1\.1 403 .*"code":"FL_HOST_REFUSED"/s;
const PATHS = [
  '/api/v1/status',
  '/metrics',
  '/health/live',
  '/',
  '/api/docs',
  '/nothing',
  '/%',
  '/api/v1/links/%E0%A4%A',
];

describe('a node that is bound to loopback', () => {
  it.each(['localhost', '127.0.0.1:8080'])('answers to %s', async (host) =>
    expect(await ask(loopback, host)).toMatch(/^HTTP\/1\.1 200 /),
  );

  it.each(PATHS)('answers %s to no foreign name', async (path) => {
    const answer = await ask(loopback, 'evil.example', path);
    expect(answer).toMatch(REFUSED);
    // The page learns nothing of the node, not even by its errors.
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(
      JSON.stringify({
        type: 'about:blank',
        title: 'Forbidden',
        status: 403,
        code: 'FL_HOST_REFUSED',
        detail: 'this node answers to loopback only, and to http.names of its document; not to "evil.example"',
      }),
    );
  });
});

describe('a request that is no JSON, as a page of another site can send it', () => {
  it('is told what to send', async () => {
    const head = 'POST /api/v1/drain HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: 2\r\n';
    const answer = await answersTo(loopback, `${head}content-type: application/x-www-form-urlencoded\r\n\r\n{}`);
    expect(answer).toMatch(/ 415 .*"detail":"content-type: expected application\/json, for a body of JSON"/s);
  });

  it.each([
    ['application/x-www-form-urlencoded', ''],
    ['application/x-www-form-urlencoded', 'evacuate=true'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['text/plain', '{}'],
    [null, '{}'],
    [null, ''],
  ])('of type %s with %j changes nothing', async (type, body) => {
    const head = `POST /api/v1/drain HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://evil.example\r\nconnection: close\r\n`;
    const typed = type === null ? '' : `content-type: ${type}\r\n`;
    const answer = await answersTo(loopback, `${head}${typed}content-length: ${body.length}\r\n\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1\.1 4(?:00|15) .*"code":"FL_REQUEST_INVALID"/s);
    expect(await ask(loopback, 'localhost')).toMatch(/"phase":"ready"/);
  });
});

describe('a node that is bound to every address', () => {
  it.each([
    'localhost',
    '127.0.0.1:8080',
    '10.1.2.3',
    'laptop:8080',
    'fairlead.shop.svc',
    'mesh.example.com',
    hostname(),
  ])('answers to %s', async (host) => expect(await ask(everywhere, host)).toMatch(/^HTTP\/1\.1 200 /));

  it.each(PATHS)('answers %s to no public name that its document does not have', async (path) =>
    expect(await ask(everywhere, 'evil.example', path)).toMatch(REFUSED),
  );

  it('answers a request without a name, which no browser sends', async () =>
    expect(await answersTo(everywhere, 'GET /health/live HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /));
});

it('lets requests whose path cannot be read wait for their turn as others', async () => {
  const request = (path: string, last: boolean): string =>
    `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${last ? 'connection: close\r\n' : ''}\r\n`;
  const answer = await answersTo(loopback, request('/%', false).repeat(1_000) + request('/', true));
  expect(answer).toContain('HTTP/1.1 400 ');
  expect(answer).toContain('FL_HTTP_BUSY');
});
