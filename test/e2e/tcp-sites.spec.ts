import { createHash } from 'node:crypto';
import type { ServicesAnswer, ServiceSiteRow } from '../../src/management/service-rows';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-ports';
import { Mesh } from '../support/mesh';
import { sendPattern, TestCaller, TestServer } from '../support/tcp-services';

/** Sites that offer the service: two at the same cost, and one farther away. Callers are at `hub`. */
const SITES = ['east', 'west', 'far'] as const;
type Site = (typeof SITES)[number];
const COSTS: Readonly<Record<Site, number>> = { east: 10, west: 10, far: 50 };
const MIB = 1024 * 1024;
/** How long a node that is gone is waited for; it costs its tunnels nothing before. */
const PARTITION_HOLD = '5s';

let mesh: Mesh;
const servers = new Map<Site, TestServer>();

/** Says who it is, then sends back what it gets; a transfer is answered by its hash. */
function named(site: Site, port?: number): Promise<TestServer> {
  return TestServer.listen((socket) => {
    socket.write(`${site}:`);
    const hash = createHash('sha256');
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      bytes += chunk.length;
      if (bytes < MIB) socket.write(chunk);
    });
    socket.on('end', () => socket.end(bytes < MIB ? '' : hash.digest('hex')));
  }, port);
}

const siteOf = ({ text }: TestCaller): string => text.slice(0, text.indexOf(':'));

/** Connections to the service, each of which knows by whom it was taken. */
async function dial(count: number): Promise<TestCaller[]> {
  const port = mesh.node('hub').port('shop');
  const callers = await Promise.all(Array.from({ length: count }, () => TestCaller.dial(port)));
  await eventually(`all of ${count} are taken`, () => callers.every(({ text }) => text.includes(':')), {
    otherwise: () => `${callers.filter(({ text }) => text === '').length} are not\n${mesh.node('hub').logTail()}`,
  });
  return callers;
}

/** How many of them are at each site. */
function shares(callers: readonly TestCaller[]): Record<Site, number> {
  const at = (site: Site): number => callers.filter((caller) => siteOf(caller) === site).length;
  return { east: at('east'), west: at('west'), far: at('far') };
}

const of = (site: Site, callers: readonly TestCaller[]): TestCaller[] =>
  callers.filter((caller) => siteOf(caller) === site);

/** Each of them is open, and what it sends comes back. */
async function alive(callers: readonly TestCaller[]): Promise<void> {
  const before = callers.map(({ text }) => text);
  for (const { socket } of callers) socket.write('still here,');
  await eventually('all have an answer', () => callers.every(({ text }, n) => text === `${before[n]}still here,`));
  expect(callers.filter(({ end }) => end !== 'open')).toEqual([]);
}

async function leave(callers: readonly TestCaller[]): Promise<void> {
  for (const { socket } of callers) socket.end();
  await Promise.all(callers.map(({ closed }) => closed));
}

/** What the hub sees of the sites. */
async function sites(): Promise<Map<string, ServiceSiteRow>> {
  const { body } = await mesh.node('hub').http('/api/v1/services');
  const shop = (body as ServicesAnswer).services.find(({ address }) => address === 'anycast/shop');
  return new Map(shop?.sites.map((row) => [row.node, row]));
}

async function seen(what: string, as: (of: (site: Site) => ServiceSiteRow | undefined) => boolean): Promise<void> {
  let rows = new Map<string, ServiceSiteRow>();
  await eventually(what, async () => as((rows = await sites()).get.bind(rows)), {
    otherwise: () => `${JSON.stringify([...rows.values()])}\n${mesh.node('hub').logTail()}`,
  });
}

/** The sites are offered at their costs, none has a connection, and none has refused lately. */
const settled = (): Promise<void> =>
  seen('all sites are there, and free', (site) =>
    SITES.every((name) => {
      const row = site(name);
      return row?.cost === COSTS[name] && row.open === 0 && !row.failing;
    }),
  );

const server = (site: Site): TestServer => servers.get(site) as TestServer;

beforeAll(async () => {
  for (const site of SITES) servers.set(site, await named(site));
  const offers = (site: Site) => ({ services: [{ address: 'anycast/shop', connect: server(site).at }] });
  mesh = await Mesh.prepare(
    ['hub', ...SITES],
    SITES.map((site) => ({ from: 'hub', to: site, cost: COSTS[site] })),
    {
      document: { mesh: { partitionHold: PARTITION_HOLD } },
      documents: {
        hub: { listeners: [{ name: 'shop', protocol: 'tcp', port: await freePort(), address: 'anycast/shop' }] },
        east: offers('east'),
        west: offers('west'),
        far: offers('far'),
      },
    },
  );
  await mesh.start();
});

beforeEach(settled);

afterAll(async () => {
  await mesh.stop();
  await Promise.all([...servers.values()].map((each) => each.close()));
});

describe('a service that several sites offer', () => {
  it('shares its connections among the nearest by how many each has', async () => {
    const callers = await dial(200);
    expect(shares(callers)).toEqual({ east: 100, west: 100, far: 0 });
    expect([server('east').sockets.size, server('west').sockets.size]).toEqual([100, 100]);
    await seen('the API says so', (site) => site('east')?.open === 100 && site('west')?.open === 100);
    const gone = of('east', callers).slice(0, 60);
    await leave(gone);
    await seen('60 have left', (site) => site('east')?.open === 40);
    const next = await dial(60);
    expect(shares(next)).toEqual({ east: 60, west: 0, far: 0 });
    const left = [...callers.filter((caller) => !gone.includes(caller)), ...next];
    await alive(left);
    await leave(left);
  });

  it('is taken where it costs least, as costs change; what is open stays where it is', async () => {
    const before = await dial(20);
    await mesh.node('hub').setCost('to-west', 30);
    await seen('west costs more', (site) => site('west')?.cost === 30);
    const after = await dial(20);
    expect(shares(after)).toEqual({ east: 20, west: 0, far: 0 });
    await alive([...before, ...after]);
    await mesh.node('hub').setCost('to-west', COSTS.west);
    await seen('it does no more', (site) => site('west')?.cost === COSTS.west);
    const again = await dial(20);
    expect(shares(again)).toEqual({ east: 0, west: 20, far: 0 });
    await leave([...before, ...after, ...again]);
  });

  it('sends a connection that a site refuses to the next one, and comes back to the site', async () => {
    const open = await dial(10);
    const { port } = server('east');
    await server('east').close();
    await leave(of('east', open));
    const callers = await dial(50);
    expect(shares(callers)).toEqual({ east: 0, west: 50, far: 0 });
    expect(mesh.node('east').log()).toContain('"event":"service-failed"');
    await alive([...of('west', open), ...callers]);
    servers.set('east', await named('east', port));
    await seen('east is asked again', (site) => site('east')?.failing === false);
    const back = await dial(40);
    expect(shares(back)).toEqual({ east: 40, west: 0, far: 0 });
    await leave([...of('west', open), ...callers, ...back]);
  });

  it('goes to the next site, however far, with what the near ones have no room for', async () => {
    const bound = (site: 'east' | 'west', connections: number): void =>
      mesh.node(site).rewrite((document) => ({
        ...document,
        services: document.services?.map((service) => ({ ...service, connections })),
      }));
    bound('east', 5);
    bound('west', 10);
    const applied = async (site: 'east' | 'west', connections: number): Promise<void> => {
      await eventually(`${site} has its bound`, async () => {
        const { body } = await mesh.node(site).http('/api/v1/services');
        const [here] = (body as ServicesAnswer).services.flatMap((service) => service.here);
        return here?.connectionsMax === connections;
      });
    };
    await applied('east', 5);
    await applied('west', 10);
    await settled();
    const callers = await dial(30);
    expect(shares(callers)).toEqual({ east: 5, west: 10, far: 15 });
    await alive(callers);
    await leave(callers);
    bound('east', 4_096);
    bound('west', 4_096);
    await applied('east', 4_096);
    await applied('west', 4_096);
  });
});

describe('a site that goes away', () => {
  it('costs only its own connections when it is killed, and is given new ones when it is back', async () => {
    const callers = await dial(100);
    expect(shares(callers)).toEqual({ east: 50, west: 50, far: 0 });
    const [lost, kept] = [of('east', callers), of('west', callers)];
    const [bulk, ...others] = kept as [TestCaller, ...TestCaller[]];
    const sent = sendPattern(bulk.socket, 64 * MIB);
    await mesh.node('east').kill();
    await seen('east is out of reach', (site) => site('east')?.cost === null);
    const during = await dial(20);
    expect(shares(during)).toEqual({ east: 0, west: 20, far: 0 });
    await alive([...others, ...during]);
    await bulk.closed;
    expect([bulk.end, bulk.text.endsWith(await sent)]).toEqual(['ended', true]);
    await Promise.all(lost.map(({ closed }) => closed));
    expect(lost.filter(({ end }) => end !== 'reset')).toEqual([]);
    await eventually('the server is told of all', () => server('east').sockets.size === 0);
    await mesh.node('east').start();
    await mesh.converged();
    await seen('east is back', (site) => site('east')?.cost === COSTS.east);
    const back = await dial(50);
    expect(shares(back)).toEqual({ east: 50, west: 0, far: 0 });
    await alive([...others, ...during, ...back]);
    await leave([...others, ...during, ...back]);
  });

  it('costs only its own connections when it is told to end, and no new one', async () => {
    const callers = await dial(40);
    const [lost, kept] = [of('west', callers), of('east', callers)];
    const ended = mesh.node('west').stop();
    await seen('west takes no more', (site) => site('west') === undefined);
    const during = await dial(20);
    expect(shares(during)).toEqual({ east: 20, west: 0, far: 0 });
    expect(await ended).toBe(0);
    await Promise.all(lost.map(({ closed }) => closed));
    expect(lost.map(({ end }) => end)).toEqual(lost.map(() => 'reset'));
    await alive([...kept, ...during]);
    await mesh.node('west').start();
    await mesh.converged();
    await leave([...kept, ...during]);
  });
});
