import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bufferIo } from './cli.fixture';
import { runCli } from './program';

/** A node's HTTP side that says what a test wants. */
interface Said {
  readonly status?: number;
  readonly body: unknown;
}

let server: Server | undefined;
const requests: { readonly line: string; readonly body: string }[] = [];

async function node(said: Said): Promise<string> {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      requests.push({ line: `${request.method} ${request.url}`, body });
      response.statusCode = said.status ?? 200;
      response.end(typeof said.body === 'string' ? said.body : JSON.stringify(said.body));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(async () => {
  requests.length = 0;
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  server = undefined;
});

async function run(args: readonly string[], said: Said) {
  const io = bufferIo();
  const api = await node(said);
  const code = await runCli([...args, '--api', api], io);
  return { code, stdout: io.stdout(), stderr: io.stderr().replaceAll(api, 'API') };
}

const SINCE = new Date(Date.now() - 5_500).toISOString();
const LINK = {
  name: 'to-west',
  state: 'up',
  configured: true,
  peer: { node: 'west', site: 'west' },
  cost: 10,
  roundTripMs: 1.26,
  since: SINCE,
  whyDown: null,
  bytesIn: 1,
  bytesOut: 2,
  queuedBytes: 0,
};

const SUBSCRIPTION = {
  name: 'inbox',
  client: 'app',
  durable: true,
  shared: false,
  filter: 'orders.#',
  selector: null,
  noLocal: false,
  home: 'east',
  queue: '$sub/app/inbox',
  here: { depth: 3, consumers: 1, bytes: 300, dropped: 7 },
};

describe('commands that ask a node', () => {
  it('queues --subscriptions tells who is subscribed to what, and what it holds', async () => {
    const elsewhere = { ...SUBSCRIPTION, client: null, shared: true, home: 'west', queue: '$sub//inbox', here: null };
    const said = await run(['queues', '--subscriptions'], { body: { subscriptions: [SUBSCRIPTION, elsewhere] } });
    expect(requests.map(({ line }) => line)).toEqual(['GET /api/v1/subscriptions']);
    expect(said.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['SUBSCRIPTION', 'CLIENT', 'TO', 'KIND', 'HOME', 'DEPTH', 'CONSUMERS', 'BYTES', 'DROPPED', 'QUEUE'],
      ['inbox', 'app', 'orders.#', 'durable', 'east', '3', '1', '300', '7', '$sub/app/inbox'],
      ['inbox', '(any)', 'orders.#', 'durable, shared', 'west', '-', '-', '-', '-', '$sub//inbox'],
    ]);
    expect((await run(['queues', '--subscriptions'], { body: { subscriptions: [] } })).stdout).toBe('no subscriptions');
  });

  it('queue unsubscribe ends one by its queue', async () => {
    const said = await run(['queue', 'unsubscribe', '$sub/app/in%2Ebox'], { body: SUBSCRIPTION });
    expect(requests).toEqual([{ line: 'DELETE /api/v1/subscriptions/%24sub%2Fapp%2Fin%252Ebox', body: '' }]);
    expect(said).toMatchObject({ code: 0, stdout: 'subscription inbox to orders.# is ended' });
  });

  it('links prints a table, or JSON', async () => {
    const down = { ...LINK, name: 'to-south', state: 'down', peer: null, roundTripMs: null, whyDown: 'no answer' };
    const said = { body: { links: [{ ...LINK, configured: false }, down] } };
    const { code, stdout } = await run(['links'], said);
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['LINK', 'STATE', 'PEER', 'COST', 'DIALLED', 'ROUND TRIP', 'SINCE', 'WHY DOWN'],
      ['to-west', 'up', 'west', '10', 'there', '1.3 ms', expect.stringMatching(/^\d+s$/)],
      ['to-south', 'down', '-', '10', 'here', '-', expect.stringMatching(/^\d+s$/), 'no answer'],
    ]);
    server?.close();
    expect(JSON.parse((await run(['links', '--json'], said)).stdout)).toEqual(said.body);
  });

  it('link set changes a cost by name', async () => {
    const { code, stdout } = await run(['link', 'set', 'a b@west', '--cost', '20'], { body: { ...LINK, cost: 20 } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^to-west +up +west +20 /m);
    expect(requests).toEqual([{ line: 'PATCH /api/v1/links/a%20b%40west', body: '{"cost":20}' }]);
  });

  it('links says that there is none', async () => {
    expect(await run(['links'], { body: { links: [] } })).toMatchObject({ code: 0, stdout: 'no links' });
  });

  it('status tells what was dropped, and why', async () => {
    const body = {
      node: 'east',
      site: 'east',
      incarnation: 1,
      version: '0.1.0',
      phase: 'ready',
      since: SINCE,
      links: { up: 1, total: 2 },
      nodes: { reachable: 1, total: 7, names: ['east'], unreachable: ['a', 'b', 'c', 'd', 'e', 'f'] },
      connections: 3,
      messages: { published: 5, delivered: 4, dropped: { noSubscriber: 1 } },
      config: 'degraded',
      restartNeeded: [],
    };
    const { stdout } = await run(['status'], { body });
    expect(stdout).toMatch(/^links +1 of 2 up$/m);
    expect(stdout).toMatch(/^nodes +1 of 7 reachable: east, not a, b, c, d, e, …$/m);
    expect(stdout).toMatch(/^dropped +1 noSubscriber$/m);
    expect(stdout).toMatch(/^config +degraded: see fairlead config status$/m);
  });

  it('addresses tells rules, default and conflicts', async () => {
    const body = {
      defaultKind: 'topic',
      rules: [{ match: 'a.#', kind: 'anycast', saidBy: ['east-1', 'west-1'] }],
      conflicts: ["'a.#' is topic at west"],
    };
    expect((await run(['addresses'], { body })).stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['MATCH', 'KIND', 'SAID BY'],
      ['a.#', 'anycast', 'east-1, west-1'],
      ['anything else', 'topic', 'defaultKind here'],
      ["'a.#' is topic at west"],
    ]);
  });

  it('queues tells what the queues of the node hold, and where others are', async () => {
    const counts = { depth: 4, ready: 2, delayed: 1, acquired: 1, consumers: 3, bytes: 400 };
    const body = {
      queues: [
        { name: 'audit', home: 'west', here: null, forwarding: null },
        { name: 'busy', home: 'west', here: null, forwarding: { messages: 7 } },
        { name: 'jobs', home: 'east', here: { ...counts, state: 'open', temporary: false }, forwarding: null },
        { name: 'reply', home: 'east', here: { ...counts, state: 'open', temporary: true }, forwarding: null },
      ],
    };
    expect((await run(['queues'], { body })).stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['QUEUE', 'HOME', 'DEPTH', 'READY', 'DELAYED', 'ACQUIRED', 'CONSUMERS', 'BYTES', 'STATE'],
      ['audit', 'west', '-', '-', '-', '-', '-', '-', 'elsewhere'],
      ['busy', 'west', '-', '-', '-', '-', '-', '-', 'elsewhere, 7 here on their way to it'],
      ['jobs', 'east', '4', '2', '1', '1', '3', '400', 'open'],
      ['reply', 'east', '4', '2', '1', '1', '3', '400', 'open, temporary'],
    ]);
    server?.close();
    expect((await run(['queues'], { body: { queues: [] } })).stdout).toBe('no queues');
  });

  it('queue peek shows messages', async () => {
    const row = { id: 7, state: 'ready', priority: 4, deliveryCount: 1, bytes: 90, expiresAt: null };
    const body = {
      messages: [
        { ...row, message: { body: 'hello' } },
        { ...row, id: 8, message: null },
      ],
    };
    const { stdout } = await run(['queue', 'peek', 'queue/jobs.a/b', '--count', '2', '--from', '5'], { body });
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['ID', 'STATE', 'PRIORITY', 'DELIVERIES', 'BYTES', 'EXPIRES', 'MESSAGE'],
      ['7', 'ready', '4', '1', '90', 'never', '{"body":"hello"}'],
      ['8', 'ready', '4', '1', '90', 'never', '(not shown)'],
    ]);
    expect(requests).toEqual([{ line: 'GET /api/v1/queues/jobs.a%2Fb/messages?count=2&from=5', body: '' }]);
  });

  it('ends no node for who said where its queues are to go, and not that they are', async () => {
    const { code, stderr } = await run(['drain', '--to', 'west'], { body: {} });
    expect([code, stderr.split('\n')[0], requests]).toEqual([
      1,
      "error: required option '--evacuate' not specified",
      [],
    ]);
  });

  it('counts one as one', async () => {
    expect(await run(['queue', 'purge', 'jobs'], { body: { count: 1 } })).toMatchObject({
      stdout: '1 message dropped',
    });
  });

  it.each([
    [['queue', 'purge', 'jobs'], 'POST /api/v1/queues/jobs/purge', '{}', '3 messages dropped'],
    [
      ['queue', 'move', 'jobs', 'queue/other'],
      'POST /api/v1/queues/jobs/move',
      '{"to":"queue/other"}',
      '3 messages moved',
    ],
    [
      ['dlq', 'retry', 'queue://dlq', '--count', '3'],
      'POST /api/v1/queues/dlq/retry',
      '{"count":3}',
      '3 messages sent back',
    ],
  ])('%j asks for it, and says how many', async (args, line, body, said) => {
    expect(await run(args, { body: { count: 3 } })).toMatchObject({ code: 0, stdout: said });
    expect(requests).toEqual([{ line, body }]);
  });

  it.each([
    [{ state: 'inForce', newest: 'applied', restartNeeded: [] }, 0, 'in force'],
    [
      { state: 'inForce', newest: 'applied', restartNeeded: ['site', 'dataDir'] },
      0,
      'in force, but for what waits for a restart',
    ],
    [
      { state: 'degraded', newest: 'partlyApplied', restartNeeded: [] },
      1,
      'degraded: in force, but for what could not be done, see below',
    ],
    [
      { state: 'degraded', newest: 'refused', restartNeeded: [] },
      1,
      'degraded: the newest document is refused, see below; what ran before goes on',
    ],
  ])('config status of %j ends with %i and says %s', async (status, code, state) => {
    const body = { status: { file: 'east.yaml', hash: 'h', since: SINCE, problems: [], ...status } };
    const said = await run(['config', 'status'], { body });
    expect(said.code).toBe(code);
    expect(said.stdout.split('\n')).toContainEqual(expect.stringMatching(new RegExp(`^state +${state}$`)));
  });

  it('fail with the code and the words of a problem', async () => {
    const body = { status: 404, code: 'FL_LINK_NOT_FOUND', detail: 'no link is named "x"; known: none' };
    expect(await run(['link', 'set', 'x', '--cost', '1'], { status: 404, body })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'FL_LINK_NOT_FOUND: no link is named "x"; known: none',
    });
  });

  it.each([
    [
      'what answers is no node',
      { body: '<html>' },
      /^FL_API_UNREACHABLE: .*API: it answered 200 with no word of a node$/,
    ],
    ['the answer is an error of something else', { status: 502, body: { error: 1 } }, /it answered 502 with no word/],
  ])('fail when %s', async (_what, said, pattern) => {
    const { code, stderr } = await run(['links'], said);
    expect(code).toBe(1);
    expect(stderr).toMatch(pattern);
  });

  it('fail when nobody answers, and say where they asked', async () => {
    const api = await node({ body: {} });
    await new Promise<void>((resolve) => server?.close(() => resolve()));
    server = undefined;
    const io = bufferIo();
    expect(await runCli(['status', '--api', api], io)).toBe(1);
    expect(io.stderr()).toMatch(
      new RegExp(`^FL_API_UNREACHABLE: cannot reach the management API at ${api}: .*ECONNREFUSED`),
    );
  });

  it('say what an address of the API looks like', async () => {
    const io = bufferIo();
    expect(await runCli(['status', '--api', '127.0.0.1:8080'], io)).toBe(1);
    expect(io.stderr()).toMatch(/at 127\.0\.0\.1:8080: this is no URL of HTTP; expected http:\/\/HOST:PORT$/);
  });

  it.each([
    ['127.0.0.1:8080', /this is no URL of HTTP; expected http:\/\/HOST:PORT$/],
    ['localhost:8080', /this is no URL of HTTP; expected http:\/\/HOST:PORT$/],
    ['http://127.0.0.1:9', /ECONNREFUSED 127\.0\.0\.1:9; --url names the http port of a running node$/],
  ])('say to who exposes a service why %s is no node', async (url, pattern) => {
    const io = bufferIo();
    expect(await runCli(['expose', '5432', '--as', 'shop', '--url', url], io)).toBe(1);
    expect(io.stderr()).toMatch(/^FL_API_UNREACHABLE: /);
    expect(io.stderr()).toMatch(pattern);
  });

  it.each(['my shop', 'queue/shop', ''])('expose no service by the name %j', async (name) => {
    const io = bufferIo();
    expect(await runCli(['expose', '5432', '--as', name], io)).toBe(1);
    expect(io.stderr()).toMatch(/'--as <name>' argument .* is invalid\. Expected the name of a service, such as shop/);
  });

  it('take the address from the environment', async () => {
    const api = await node({ body: { links: [] } });
    const io = { ...bufferIo(), env: { FAIRLEAD_API: api } };
    expect(await runCli(['links'], io)).toBe(0);
    expect(requests).toHaveLength(1);
  });
});
