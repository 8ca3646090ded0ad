import { join } from 'node:path';
import { DISK, FaultyDisk, itWithShim, NONE, someOf } from '../support/disk/disk-shim';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { LedgerSender } from '../support/ledger-sender';
import { QueueLedger } from '../support/queue-ledger';
import { QueueReceiver } from '../support/queue-receiver';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { pause } from './pause';
import { QueueWork } from './queue-work';
import { lengthOf } from './row-length';

const random = randomOf(seedOf(__filename));
const LOSSES = lengthOf('F18', 5, 60);
const CASE_MS = 180_000 + LOSSES * 15_000;
const UP_MS_MAX = 1_200;
/** With a disk that takes half a second for each sync, much of what is written is not durable when the power goes. */
const SLOW_MS = 1_200;
const NODES = ['a', 'b'];

const ADDRESSES = [
  { match: 'jobs.#', kind: 'queue' as const, home: 'b' },
  { match: 'spooled.#', kind: 'queue' as const, home: 'b', custody: 'ingress' as const },
];

/** Gives a node that has not begun yet a disk that can lose what is not durable. */
function withFaultyDisk(node: FairleadNode): FaultyDisk {
  const disk = new FaultyDisk(node.dataDir);
  node.env = { ...node.env, ...disk.env };
  return disk;
}

describe('F18: power loss at nodes with queues (a before their home b)', () => {
  itWithShim(
    `loses nothing that was accepted, and brings nothing back that was settled, ${LOSSES} times`,
    async () => {
      const faulty = await FaultyMesh.prepare(NODES, ['a-b'], { document: { addresses: ADDRESSES } }, random.u32());
      const disks = new Map(NODES.map((name) => [name, withFaultyDisk(faulty.node(name))] as const));
      await faulty.mesh.start();
      const work = await QueueWork.start(
        faulty,
        [
          { at: 'b', address: 'queue/jobs.x' },
          { at: 'a', address: 'queue/jobs.x', by: 'proton' },
          { at: 'a', address: 'queue/spooled.y' },
        ],
        [
          { at: 'a', address: 'queue/jobs.x', perSecond: 150 },
          { at: 'b', address: 'queue/jobs.x', perSecond: 100, bodyBytes: 2_000 },
          { at: 'a', address: 'queue/spooled.y', perSecond: 100 },
        ],
      );
      for (let n = 0; n < LOSSES; n++) {
        const doomed = random.below(3) === 0 ? NODES : [NODES[random.below(NODES.length)] as string];
        const slow = random.chance(0.5);
        if (slow) for (const name of doomed) disks.get(name)?.becomes(DISK.slow);
        await pause(slow ? SLOW_MS : random.below(UP_MS_MAX));
        await Promise.all(doomed.map((name) => faulty.node(name).kill()));
        for (const name of doomed) {
          disks.get(name)?.losesPower(random.chance(0.5) ? NONE : someOf(random));
          disks.get(name)?.becomes(DISK.sound);
        }
        await Promise.all(doomed.map((name) => faulty.node(name).start()));
        await work.progress();
      }
      await faulty.heal();
      await work.settle();
      note(work.ledger.summary());
      await work.nothingLeft();
      work.drop();
    },
    CASE_MS,
  );

  itWithShim(
    'is noticed at a node that accepts before it is on the disk (a canary)',
    async () => {
      const node = await FairleadNode.prepare({ document: { site: 'a', addresses: ADDRESSES.map(atHome) } });
      const disk = withFaultyDisk(node);
      node.env = { ...node.env, NODE_OPTIONS: `--require ${join(__dirname, '../support/disk/early-store.js')}` };
      await node.start();
      const ledger = new QueueLedger();
      const address = 'queue/jobs.x';
      const at = { address, port: node.amqpPort };
      const sender = await new LedgerSender({
        ...at,
        name: 'put',
        ledger: ledger.sent,
        perSecond: 200,
        durable: true,
      }).ready();
      sender.begin();
      await eventually('some are accepted', () => ledger.missing().length > 50);
      disk.becomes(DISK.slow);
      const before = ledger.missing().length;
      await eventually('more are accepted', () => ledger.missing().length > before + 100);
      await node.kill();
      sender.pause();
      disk.losesPower(NONE);
      disk.becomes(DISK.sound);
      await node.start();
      const receiver = await new QueueReceiver({ ...at, name: 'get', ledger }).ready();
      // Behind all that was put before: when it is there, so is all that has survived.
      await sender.send(1);
      await sender.answered();
      const last = sender.sent - 1;
      await eventually('the last one arrives', () => !ledger.missing().some(({ seq }) => seq === last));
      const lost = ledger.judge().filter(({ kind }) => kind === 'lost');
      note(`canary: ${lost.length} of ${sender.sent} lost`);
      expect(lost.length).toBeGreaterThan(20);
      sender.drop();
      receiver.drop();
    },
    CASE_MS,
  );
});

function atHome({ match, kind }: (typeof ADDRESSES)[0]): { match: string; kind: 'queue' } {
  return { match, kind };
}
