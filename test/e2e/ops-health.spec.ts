import { connect } from 'node:net';
import { LINK, PROBLEM } from '../../src/management/schemas';
import { OPERATIONS } from '../../src/management/openapi';
import { fairlead } from '../support/command';
import { eventually } from '../support/eventually';
import type { FairleadNode } from '../support/fairlead-node';
import { Mesh } from '../support/mesh';

jest.setTimeout(180_000);

interface Health {
  readonly status: string;
  readonly details: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

let mesh: Mesh;
let east: FairleadNode;
let west: FairleadNode;

beforeAll(async () => {
  mesh = await Mesh.line(['east', 'west'], {
    document: { addresses: [{ match: 'alerts', kind: 'multicast' }], log: { level: 'info' } },
  });
  await mesh.start();
  [east, west] = [mesh.node('east'), mesh.node('west')];
});

async function health(node: FairleadNode, path: string): Promise<Health & { code: number }> {
  const { status: code, body } = await node.http(`/health/${path}`);
  return { code, ...(body as Health) };
}

async function metrics(node: FairleadNode): Promise<Map<string, number>> {
  const { status, body } = await node.http('/metrics');
  expect(status).toBe(200);
  const lines = String(body)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('health', () => {
  it('live and ready say up, in the shape of terminus', async () => {
    expect(await health(east, 'live')).toMatchObject({
      code: 200,
      status: 'ok',
      details: { process: { status: 'up' } },
    });
    expect(await health(east, 'ready')).toMatchObject({
      code: 200,
      status: 'ok',
      details: {
        node: { status: 'up', phase: 'ready' },
        config: { status: 'up', degraded: false },
        addressRules: { status: 'up', degraded: false },
        store: { status: 'up', failedWrites: 0, queues: 'ok' },
      },
    });
  });

  it('links tells state, peer, cost, round-trip time and since when', async () => {
    const link = await eventually('a round trip was measured', async () => {
      const { 'to-west': row } = (await health(east, 'links')).details;
      return typeof row?.['roundTripMs'] === 'number' ? row : undefined;
    });
    expect(link).toMatchObject({
      status: 'up',
      state: 'up',
      configured: true,
      cost: 10,
      peer: { node: 'west', site: 'west' },
      whyDown: null,
    });
    expect(Date.parse(String(link['since']))).toBeGreaterThan(Date.now() - 600_000);
    expect((await health(west, 'links')).details['to-west']).toMatchObject({
      configured: false,
      peer: { node: 'east' },
    });
  });

  it('links is down, with the reason, while a configured neighbour is away; ready stays up', async () => {
    await west.stop();
    const down = await eventually('the link is told down', async () => {
      const answer = await health(east, 'links');
      const { state, whyDown } = answer.details['to-west'] ?? {};
      return answer.code === 503 && state === 'down' && typeof whyDown === 'string' ? answer : undefined;
    });
    expect(down.status).toBe('error');
    expect(down.details['to-west']).toMatchObject({ status: 'down', peer: { node: 'west' } });
    expect((await health(east, 'ready')).code).toBe(200);
    await west.start();
    await mesh.converged();
    expect((await health(east, 'links')).code).toBe(200);
  });
});

describe('metrics', () => {
  it('count messages, connections, links, bytes, pools and the loop', async () => {
    const roundTrip = 'fairlead_link_round_trip_seconds{link="to-west",peer="west"}';
    const before = await eventually('a round trip was measured', async () => {
      const all = await metrics(east);
      return all.has(roundTrip) ? all : undefined;
    });
    for (const name of [
      'fairlead_connections{listener="amqp",protocol="amqp"}',
      'fairlead_connections_accepted_total{listener="amqp"}',
      'fairlead_messages_in_total',
      'fairlead_messages_out_total',
      'fairlead_links{state="up"}',
      'fairlead_link_bytes_total{link="to-west",peer="west",direction="in"}',
      'fairlead_link_bytes_total{link="to-west",peer="west",direction="out"}',
      'fairlead_link_cost{link="to-west",peer="west"}',
      'fairlead_event_loop_lag_seconds{quantile="0.99"}',
    ])
      expect([name, before.get(name)]).toEqual([name, expect.any(Number)]);
    expect(before.get('fairlead_links{state="up"}')).toBe(1);
    for (const pool of ['ingress', 'retention', 'receive'])
      expect(before.get(`fairlead_pool_capacity_bytes{pool="${pool}"}`)).toBe(64 * 1024 * 1024);
  });

  it.each(['amqp', 'mesh'])('count a peer that breaks the protocol at %s', async (listener) => {
    const name = `fairlead_protocol_errors_total{listener="${listener}",condition="amqp:connection:framing-error"}`;
    const before = (await metrics(east)).get(name) ?? 0;
    const socket = connect(east.port(listener), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end('GET / HTTP/1.1\r\n\r\n');
    await eventually('the error is counted', async () => ((await metrics(east)).get(name) ?? 0) > before);
    // What a node logs comes by its output, which may be later than an answer of its management.
    await eventually('the log tells it', () => /protocol-error.*protocol header 'GET/.test(east.log()));
  });

  it('a client at a port of links is told so, and the log has the code to look it up by', async () => {
    const url = `amqp://127.0.0.1:${east.port('mesh')}`;
    const { code, stderr } = await fairlead('receive', 'topic/a', '--url', url);
    expect(code).toBe(1);
    expect(stderr).toContain('clients connect to a listener');
    await eventually('the log tells it', () => /"link-refused".*"code":"FL_LINK_HELLO"/.test(east.log()));
  });
});

describe('the management API', () => {
  it('tells the node, its listeners, rules and neighbours', async () => {
    expect((await east.http('/api/v1/status')).body).toMatchObject({
      node: 'east',
      site: 'east',
      phase: 'ready',
      links: { up: 1, total: 1 },
      nodes: { reachable: 2, total: 2, names: ['east', 'west'], unreachable: [] },
      config: 'inForce',
    });
    expect((await east.http('/api/v1/listeners')).body).toMatchObject({
      listeners: [{ name: 'amqp', protocol: 'amqp', host: '127.0.0.1', port: east.amqpPort }],
    });
    expect((await east.http('/api/v1/addresses')).body).toMatchObject({
      defaultKind: 'topic',
      rules: [{ match: 'alerts', kind: 'multicast', ack: 'all', saidBy: ['east', 'west'] }],
      conflicts: [],
    });
    expect((await east.http('/')).body).toContain('Fairlead node east');
  });

  it.each(
    OPERATIONS.filter(({ method, path }) => method === 'get' && !path.includes('{')).map(
      ({ path, answer }) => [path, answer] as const,
    ),
  )('answers %s as /api/docs describes it', async (path, answer) => {
    const { body } = await east.http('/api/docs');
    expect((body as { paths: object }).paths).toHaveProperty([path]);
    expect(answer.safeParse((await east.http(path)).body).error).toBeUndefined();
  });

  it('changes a cost live: the path takes it, and the link stays', async () => {
    const since = (await east.links())[0]?.since;
    expect(await east.http('/api/v1/links/to-west', 'PATCH', { cost: 25 })).toMatchObject({
      status: 200,
      body: { name: 'to-west', cost: 25, state: 'up' },
    });
    await eventually('the path costs 25', async () =>
      (await east.nodes()).some(({ node, cost }) => node === 'west' && cost === 25),
    );
    await eventually('the neighbour has the same cost', async () =>
      (await west.nodes()).some(({ node, cost }) => node === 'east' && cost === 25),
    );
    const [link] = await east.links();
    expect(link).toMatchObject({ state: 'up', cost: 25, since });
    expect(LINK.safeParse(link).error).toBeUndefined();
  });

  it.each([
    ['/api/v1/links/nope', { cost: 1 }, 404, 'FL_LINK_NOT_FOUND', 'known: to-west'],
    ['/api/v1/links/to-west', { cost: 0 }, 400, 'FL_REQUEST_INVALID', 'cost: expected a whole number from 1'],
    ['/api/v1/links/to-west', { cots: 1 }, 400, 'FL_REQUEST_INVALID', 'cost'],
    ['/api/v1/links/to-west', [], 400, 'FL_REQUEST_INVALID', 'body: expected a JSON object'],
  ])('%s with %j is answered with a problem', async (path, body, status, code, detail) => {
    const answer = await east.http(path, 'PATCH', body);
    expect(answer).toMatchObject({ status, body: { status, code, instance: path } });
    expect((answer.body as { detail: string }).detail).toContain(detail);
    expect(PROBLEM.safeParse(answer.body).error).toBeUndefined();
  });

  it.each(['/api/v1/links/%', '/api/v1/links/%E0%A4%A'])(
    'answers %s, whose percent escape is bad, with a problem',
    async (path) => {
      const { status, body } = await east.http(path);
      expect([status, body]).toEqual([400, expect.objectContaining({ code: 'FL_REQUEST_INVALID', instance: path })]);
      expect(PROBLEM.safeParse(body).error).toBeUndefined();
    },
  );

  it('answers an unknown path with a problem', async () => {
    expect(await east.http('/api/v1/nothing')).toMatchObject({ status: 404, body: { code: 'FL_NOT_FOUND' } });
  });
});
