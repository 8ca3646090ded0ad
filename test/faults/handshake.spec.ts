import { SILENT_JOURNAL } from '../../src/common/ports';
import { AmqpWire } from '../../src/links/amqp-wire';
import { nodeIdOf } from '../../src/links/contract';
import type { MeshNode } from '../../src/mesh/contract';
import { createMeshNode } from '../../src/mesh/mesh-node';
import { ModelDisk } from '../../src/sessions/model-disk.fixture';
import { ModelStore } from '../../src/queues/model-store.fixture';
import { TurnScheduler } from '../../src/runtime/turn-scheduler';
import { dialTcp } from '../../src/transport/tcp';
import { eventually, within } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { type Direction, FaultProxy } from '../support/proxy';
import { note, randomOf, seedOf } from '../support/seed';

const random = randomOf(seedOf(__filename));
const CASE_MS = 120_000;
/** Attempts at the same time. */
const LANES = 24;
const MIB = 1024 * 1024;

/** A mesh node in this process that dials when it is told to, and never by itself. */
function ownNode(): { readonly wire: AmqpWire; readonly turns: TurnScheduler; readonly node: MeshNode } {
  const turns = new TurnScheduler();
  const node = createMeshNode({
    identity: { id: nodeIdOf('dialler'), name: 'dialler', site: 'dialler', incarnation: 65_536 },
    rules: [],
    defaultKind: 'topic',
    limits: {
      helloMs: 500,
      deadMs: 1_500,
      partitionHoldMs: 5_000,
      startHoldMs: 0,
      ingressPoolBytes: MIB,
      retentionPoolBytes: MIB,
      receivePoolBytes: MIB,
      linkQueueBytes: MIB,
    },
    clock: { now: () => performance.now(), wall: () => Date.now() },
    random,
    journal: SILENT_JOURNAL,
    spool: {
      create: () => {
        throw new Error('nothing large is sent here');
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
  const wire = new AmqpWire({ owner: node, queue: turns.connections, journal: SILENT_JOURNAL });
  return { wire, turns, node };
}

describe('F9: the handshake of a link', () => {
  it(
    'may be cut at every byte, in both directions: each attempt ends, and the next one works',
    async () => {
      const acceptor = await FairleadNode.start({ document: { site: 'acceptor' } });
      const { wire, turns, node } = ownNode();

      /** One attempt through a proxy of its own; resolves with why it ended. */
      async function attempt(direction: Direction, bytes: number): Promise<string> {
        const proxy = await FaultProxy.listen(acceptor.meshPort);
        proxy.resetEachAfter(direction, bytes);
        const socket = await dialTcp({ host: '127.0.0.1', port: proxy.port }, 5_000);
        const closed = new Promise<string>((done) => {
          const spec = { name: `${direction}-${bytes}`, cost: 10, host: '127.0.0.1', port: proxy.port };
          wire.open(socket, spec, { onOpen: () => undefined, onClosed: done });
        });
        const reason = await within(`${direction} ${bytes} ends`, closed);
        await proxy.close();
        return reason;
      }

      /** Opens a whole link, and tells how many bytes that took in each direction. */
      async function whole(name: string): Promise<Record<Direction, number>> {
        const proxy = await FaultProxy.listen(acceptor.meshPort);
        const socket = await dialTcp({ host: '127.0.0.1', port: proxy.port }, 5_000);
        const closed = new Promise<string>((done) => {
          const spec = { name, cost: 10, host: '127.0.0.1', port: proxy.port };
          wire.open(socket, spec, { onOpen: () => undefined, onClosed: done });
        });
        const isUp = (): boolean => node.links().some((link) => link.name === name && link.state === 'up');
        await eventually(`${name} is up`, isUp, { everyMs: 1 });
        const bytes = { up: proxy.passed('up'), down: proxy.passed('down') };
        await proxy.close();
        await within(`${name} ends`, closed);
        return bytes;
      }

      const bytes = await whole('first');
      note(`a handshake is ${bytes.up} bytes up, ${bytes.down} bytes down`);
      expect(Math.min(bytes.up, bytes.down)).toBeGreaterThan(500);
      const attempts = (['up', 'down'] as const).flatMap((direction) =>
        Array.from({ length: bytes[direction] }, (_, n) => [direction, n] as const),
      );
      const lane = async (): Promise<void> => {
        for (let next = attempts.pop(); next !== undefined; next = attempts.pop()) await attempt(...next);
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      await whole('last');
      await eventually('the acceptor keeps none of them', async () => (await acceptor.links()).length === 0);
      expect(node.links().filter(({ state }) => state !== 'down')).toEqual([]);
      turns.stop();
      await expect(acceptor.stop()).resolves.toBe(0);
    },
    CASE_MS,
  );
});
