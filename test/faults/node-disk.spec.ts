import { DISK, FaultyDisk, itWithShim } from '../support/disk/disk-shim';
import { itWithVolume, SmallVolume } from '../support/disk/small-volume';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { LedgerSender } from '../support/ledger-sender';
import { PlainTraffic } from '../support/plain-traffic';
import { QueueLedger } from '../support/queue-ledger';
import { QueueReceiver } from '../support/queue-receiver';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { pause } from './pause';
import { QueueWork } from './queue-work';

const random = randomOf(seedOf(__filename));
const CASE_MS = 180_000;
const VOLUME_BYTES = 48 * 1024 ** 2;
const ADDRESS = 'queue/jobs.x';
const ADDRESSES = [{ match: 'jobs.#', kind: 'queue' as const }];
const DRAIN_MS = 90_000;
const FULL = 'amqp:resource-limit-exceeded';

/** A queue at one node, its clients, and what they saw. */
class OneQueue {
  readonly ledger = new QueueLedger();
  readonly sender: LedgerSender;
  #receiver: QueueReceiver | null = null;

  constructor(
    readonly node: FairleadNode,
    bodyBytes: number,
  ) {
    const { amqpPort: port } = node;
    const options = { name: 'put', port, address: ADDRESS, ledger: this.ledger.sent, durable: true };
    this.sender = new LedgerSender({ ...options, perSecond: 150, bodyBytes });
  }

  refused(condition: string): Promise<unknown> {
    const before = this.sender.refusals.get(condition) ?? 0;
    return eventually(`refused: ${condition}`, () => (this.sender.refusals.get(condition) ?? 0) > before, {
      withinMs: DRAIN_MS,
      otherwise: () => `${this.state()}\n${this.node.logTail()}`,
    });
  }

  async takes(): Promise<void> {
    const accepted = (): number => this.ledger.sent.senders.get('put')?.filter(isAccepted).length ?? 0;
    const before = accepted();
    await eventually('messages are accepted again', () => accepted() > before + 10, {
      otherwise: () => `${this.state()}\n${this.node.logTail()}`,
    });
  }

  async consume(): Promise<void> {
    const { ledger, node } = this;
    this.#receiver = new QueueReceiver({ name: 'get', port: node.amqpPort, address: ADDRESS, ledger });
    await this.#receiver.ready();
  }

  /** All that was accepted arrives, and nothing is wrong. */
  async drained(): Promise<void> {
    await eventually('all has arrived', () => this.ledger.missing().length === 0, {
      withinMs: DRAIN_MS,
      otherwise: () => `${this.ledger.missing().length} missing\n${this.state()}\n${this.node.logTail()}`,
    });
    await this.#receiver?.confirmed();
    expect(this.ledger.judge()).toEqual([]);
  }

  async stop(): Promise<void> {
    this.sender.pause();
    await this.sender.answered();
  }

  state(): string {
    return `${this.ledger.summary()}, refused ${JSON.stringify([...this.sender.refusals])}`;
  }

  drop(): void {
    this.sender.drop();
    this.#receiver?.drop();
  }
}

function isAccepted({ answer }: { readonly answer: string }): boolean {
  return answer === 'accepted';
}

describe('F20: the disk of a node with queues', () => {
  itWithVolume(
    'fills: it says so to senders, consumers make room, and it goes on by itself',
    async () => {
      const small = SmallVolume.mount(VOLUME_BYTES);
      if (!small) throw new Error('a tmpfs could be mounted before');
      const document = { site: 'a', addresses: ADDRESSES, dataDir: small.dataDir };
      const queue = new OneQueue(await FairleadNode.start({ document }), 40_000);
      await queue.sender.ready();
      queue.sender.begin();
      await queue.refused(FULL);
      // Others take what was left.
      small.fill();
      await queue.refused(FULL);
      await queue.stop();
      await queue.consume();
      await queue.drained();
      small.clear();
      queue.sender.begin();
      await queue.takes();
      await queue.stop();
      await queue.drained();
      note(queue.state());
      queue.drop();
      expect(await queue.node.stop()).toBe(0);
      small.unmount();
    },
    CASE_MS,
  );

  itWithShim.each([
    ['has no room for any write', DISK.noRoom, FULL],
    ['fails to write', DISK.writesFail, 'amqp:internal-error'],
    ['fails to sync', DISK.syncsFail, 'amqp:internal-error'],
  ])(
    '%s: senders are told, links and consumers stay, and it goes on by itself',
    async (_what, mode, condition) => {
      const node = await FairleadNode.prepare({ document: { site: 'a', addresses: ADDRESSES } });
      const disk = new FaultyDisk(node.dataDir);
      node.env = disk.env;
      await node.start();
      const queue = new OneQueue(node, 1_000);
      await queue.sender.ready();
      await queue.consume();
      queue.sender.begin();
      for (let round = 0; round < 2; round++) {
        await queue.takes();
        disk.becomes(mode);
        await queue.refused(condition);
        disk.becomes(DISK.sound);
        await queue.takes();
      }
      await queue.stop();
      await queue.drained();
      note(queue.state());
      expect(queue.sender.cuts).toBe(0);
      queue.drop();
      expect(await node.stop()).toBe(0);
    },
    CASE_MS,
  );
});

/** Each lasts for several syncs of a slow disk. */
const PACE_MS = 1_500;
const PING_EVERY_MS = 20;
const WINDOW = 500;

interface Pace {
  readonly perSecond: number;
  readonly medianMs: number;
}

/** How many messages pass when many do, and how long one takes when it is alone. */
async function paceOf(traffic: PlainTraffic): Promise<Pace> {
  const from = performance.now();
  let sent = 0;
  for (; performance.now() - from < PACE_MS; sent += WINDOW) await traffic.send(WINDOW, WINDOW);
  const perSecond = (sent * 1_000) / (performance.now() - from);
  const times: number[] = [];
  for (const end = performance.now() + PACE_MS; performance.now() < end; await pause(PING_EVERY_MS)) {
    const began = performance.now();
    await traffic.send(1, 1);
    times.push(performance.now() - began);
  }
  return { perSecond, medianMs: times.sort((a, b) => a - b)[Math.floor(times.length / 2)] as number };
}

describe('F21: a disk that takes 500 ms for each sync', () => {
  itWithShim(
    'holds up what waits for it and nothing else: links stay up, and volatile messages pass as before',
    async () => {
      const addresses = [{ match: 'jobs.#', kind: 'queue' as const, home: 'b' }];
      const faulty = await FaultyMesh.prepare(['a', 'b'], ['a-b'], { document: { addresses } }, random.u32());
      const [a, b] = [faulty.node('a'), faulty.node('b')];
      const disk = new FaultyDisk(b.dataDir);
      b.env = disk.env;
      await faulty.mesh.start();
      const plan = { address: ADDRESS, perSecond: 100 };
      const work = await QueueWork.start(
        faulty,
        [{ at: 'a', address: ADDRESS }],
        [
          { at: 'a', ...plan },
          { at: 'b', ...plan },
        ],
      );
      const traffic = new PlainTraffic(false);
      const at = ({ amqpPort: port }: FairleadNode) => ({ host: '127.0.0.1', port });
      await traffic.open(at(a), at(b), 'topic/news');
      const links = async (): Promise<string[]> =>
        (await a.links()).map(({ name, state, since }) => `${name} ${state} ${since}`);
      const before = await links();
      await paceOf(traffic);
      const sound = await paceOf(traffic);
      disk.becomes(DISK.slow);
      await work.progress();
      const slow = await paceOf(traffic);
      note(`sound ${told(sound)}, slow ${told(slow)}`);
      expect(await links()).toEqual(before);
      // A node that waits for its disk passes some hundred messages a second, each after half a second.
      expect(slow.perSecond).toBeGreaterThan(sound.perSecond / 3);
      expect(slow.medianMs).toBeLessThan(50 + sound.medianMs * 3);
      disk.becomes(DISK.sound);
      await work.progress();
      await work.settle();
      traffic.close();
      work.drop();
    },
    CASE_MS,
  );
});

function told({ perSecond, medianMs }: Pace): string {
  return `${Math.round(perSecond)} msg/s, ${medianMs.toFixed(1)} ms`;
}
