import { createHash } from 'node:crypto';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-ports';
import { Mesh } from '../support/mesh';
import { FaultProxy } from '../support/proxy';
import { sendPattern, TestCaller, TestServer } from '../support/tcp-services';

jest.setTimeout(900_000);

const MIB = 1024 * 1024;
/** `FAIRLEAD_TCP_MIB=1024` for a gibibyte each way. */
const BYTES = Number(process.env['FAIRLEAD_TCP_MIB'] ?? 200) * MIB;

let mesh: Mesh;
let proxy: FaultProxy;
let server: TestServer;
/** What the server has had of its one connection. */
let received = 0;
let hashThere = '';
let sentBack: Promise<string>;

/** The way through the proxy is the one that is taken, from both ends. */
async function cheapWay(): Promise<void> {
  for (const [from, to] of [
    ['laptop', 'public'],
    ['public', 'laptop'],
  ] as const)
    await eventually(`${from} reaches ${to} the cheap way`, async () =>
      (await mesh.node(from).nodes()).some(({ node, cost }) => node === to && cost === 20),
    );
}

beforeAll(async () => {
  server = await TestServer.listen((socket) => {
    const hash = createHash('sha256');
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      hash.update(chunk);
    });
    socket.on('end', () => {
      hashThere = hash.digest('hex');
      sentBack = sendPattern(socket, BYTES);
    });
  });
  mesh = await Mesh.prepare(
    ['laptop', 'private', 'public'],
    [
      { from: 'private', to: 'public' },
      { from: 'laptop', to: 'public', cost: 100 },
    ],
    {
      documents: {
        laptop: { listeners: [{ name: 'bulk', protocol: 'tcp', port: await freePort(), address: 'bulk' }] },
        public: { services: [{ address: 'bulk', connect: server.at }] },
      },
    },
  );
  await mesh.start();
  // The cheap way leads through a proxy, so that it can be cut.
  proxy = await FaultProxy.listen(mesh.node('private').meshPort);
  mesh.connect({ from: 'laptop', to: 'private', port: proxy.port });
  await cheapWay();
});

afterAll(async () => {
  await mesh.stop();
  await proxy.close();
  await server.close();
});

it('a transfer comes whole, both ways, though the link that it is on is cut in the middle of each', async () => {
  const caller = await TestCaller.dial(mesh.node('laptop').port('bulk'), { hashed: true });
  const sent = sendPattern(caller.socket, BYTES);
  await eventually('a third is there', () => received > BYTES / 3, { withinMs: 300_000 });
  expect(proxy.passed('up')).toBeGreaterThan(BYTES / 4);
  await proxy.cut();
  await eventually('all is there', () => hashThere !== '', { withinMs: 300_000 });
  expect([received, hashThere]).toEqual([BYTES, await sent]);
  await proxy.heal();
  await cheapWay();
  await eventually('a third is back', () => caller.bytes > BYTES / 3, { withinMs: 300_000 });
  proxy.reset();
  await caller.closed;
  expect([caller.end, caller.bytes, caller.hash?.digest('hex')]).toEqual(['ended', BYTES, await sentBack]);
  const { body } = await mesh.node('laptop').http('/metrics');
  expect(String(body)).toMatch(/^fairlead_tunnels_reset_total\{reason="lost"\} 0$/m);
});
