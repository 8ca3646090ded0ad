import { createMeshNode } from '../../src/mesh/mesh-node';
import { ModelDisk } from '../../src/sessions/model-disk.fixture';
import { ModelStore } from '../../src/queues/model-store.fixture';
import type { MeshNode } from '../../src/mesh/contract';
import { anonymousServer } from '../../src/amqp/sasl/mechanisms';
import { SeededRandom, SILENT_JOURNAL } from '../../src/common/ports';
import { nodeIdOf } from '../../src/links/contract';
import { AmqpWire } from '../../src/links/amqp-wire';
import type { LinkDialler } from '../../src/links/link-dialler';
import { ClientBudget } from '../../src/listeners/edge/client-budget';
import { EdgeListener } from '../../src/listeners/edge/edge-listener';
import { AmqpEdge } from '../../src/listeners/amqp/amqp-edge';
import { TurnScheduler } from '../../src/runtime/turn-scheduler';
import type { TcpAddress } from '../../src/transport/tcp';
import { eventually } from './eventually';

const LOOPBACK: TcpAddress = { host: '127.0.0.1', port: 0 };
const MIB = 1024 * 1024;
const LIMITS = {
  helloMs: 500,
  deadMs: 60_000,
  partitionHoldMs: 120_000,
  startHoldMs: 0,
  ingressPoolBytes: 64 * MIB,
  retentionPoolBytes: 64 * MIB,
  receivePoolBytes: 64 * MIB,
  linkQueueBytes: 4 * MIB,
};

interface Site {
  readonly node: MeshNode;
  readonly turns: TurnScheduler;
  readonly listener: EdgeListener;
  readonly wire: AmqpWire;
  readonly amqp: TcpAddress;
  readonly mesh: TcpAddress & { close(): Promise<void> };
}

async function startSite(name: string): Promise<Site> {
  const turns = new TurnScheduler();
  const node = createMeshNode({
    identity: { id: nodeIdOf(name), name, site: name, incarnation: 65_536 },
    rules: [],
    defaultKind: 'topic',
    limits: LIMITS,
    clock: { now: () => performance.now(), wall: () => Date.now() },
    random: new SeededRandom(1),
    journal: SILENT_JOURNAL,
    spool: {
      create: () => {
        throw new Error('no large messages here');
      },
    },
    durable: { saveKnownNodes: () => undefined, saveFacts: () => undefined },
    lastRun: { knownNodes: [], facts: [] },
    queueStore: new ModelStore(),
    clientDisk: new ModelDisk(),
    scheduleFlush: turns.schedule,
    onWithdrawn: (reason) => {
      throw new Error(reason);
    },
  });
  turns.attach(node);
  const budget = new ClientBudget(100);
  const protocol = new AmqpEdge({
    addresses: node.addresses,
    containerId: name,
    queue: turns.connections,
    mechanisms: [anonymousServer()],
    saslOptional: true,
    budget,
    messageBytesMax: MIB,
    idleTimeOutMs: 0,
  });
  const listener = new EdgeListener(LOOPBACK, { protocol, budget, journal: SILENT_JOURNAL });
  const wire = new AmqpWire({ owner: node, queue: turns.connections, journal: SILENT_JOURNAL });
  return { node, turns, listener, wire, amqp: await listener.start(), mesh: await wire.listen(LOOPBACK) };
}

/** Nodes in a line in this process, over loopback sockets, as `fairlead run` joins them but without its application around. */
export class InProcessLine {
  private constructor(
    private readonly sites: readonly Site[],
    private readonly diallers: readonly LinkDialler[],
  ) {}

  static async start(names: readonly string[]): Promise<InProcessLine> {
    const sites: Site[] = [];
    for (const name of names) sites.push(await startSite(name));
    const diallers = sites.slice(1).map(({ wire }, at) => {
      const { host, port } = (sites[at] as Site).mesh;
      return wire.dial({ name: 'link', host, port, cost: 1 });
    });
    const known = ({ node }: Site): number => [...node.nodes()].filter(({ reachable }) => reachable).length;
    await eventually('every node knows the others', () => sites.every((site) => known(site) === names.length));
    return new InProcessLine(sites, diallers);
  }

  /** Where clients of the first and the last node connect. */
  get ends(): readonly [TcpAddress, TcpAddress] {
    return [(this.sites[0] as Site).amqp, (this.sites[this.sites.length - 1] as Site).amqp];
  }

  async stop(): Promise<void> {
    await Promise.all(this.sites.map(({ listener }) => listener.stop()));
    await Promise.all(this.diallers.map((dialler) => dialler.close()));
    await Promise.all(this.sites.map(({ mesh }) => mesh.close()));
    for (const { turns } of this.sites) turns.stop();
  }
}
