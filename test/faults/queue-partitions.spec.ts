import type { Client, ClientConnection } from '../support/clients/client';
import { CLIENT_NAMES, startClient } from '../support/clients/foreign-clients';
import { eventually } from '../support/eventually';
import type { LedgerSender } from '../support/ledger-sender';
import { bodyOf, deliveryCountOf, put, take } from '../support/queue-messages';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { QueueWork } from './queue-work';

const random = randomOf(seedOf(__filename));
const CASE_MS = 120_000;
const HOME = 'b';
const ADDRESSES = [
  { match: 'jobs.#', kind: 'queue' as const, home: HOME },
  { match: 'spooled.#', kind: 'queue' as const, home: HOME, custody: 'ingress' as const },
];

describe.each(CLIENT_NAMES)('F31: a %s client of a queue, at a, that is cut off from its home b', (name) => {
  let faulty: FaultyMesh;
  let client: Client;
  let [away, home]: readonly ClientConnection[] = [];

  beforeAll(async () => {
    const document = { addresses: ADDRESSES, mesh: { partitionHold: '3s' } };
    faulty = await FaultyMesh.line(['a', HOME], { document }, random.u32());
    client = await startClient(name);
    [away, home] = await Promise.all(['a', HOME].map((node) => client.connect(faulty.node(node).amqpPort)));
  }, CASE_MS);

  afterAll(async () => {
    await client.close();
    await Promise.all([...faulty.mesh.nodes.values()].map((node) => node.dispose()));
  });

  async function cut(): Promise<void> {
    await faulty.link('a-b').cut();
    await eventually('b knows it', async () => (await faulty.node(HOME).nodes()).some(({ reachable }) => !reachable));
  }

  it(
    'for less than the hold: keeps what it has, and settles it afterwards',
    async () => {
      const address = 'queue/jobs.short';
      await put(await home!.openSender({ address }), ['one', 'two']);
      const consumer = await away!.openReceiver({ address, prefetch: 0 });
      const deliveries = await take(consumer, 2);
      await cut();
      deliveries[0]?.accept();
      await faulty.heal();
      deliveries[1]?.accept();
      await put(await home!.openSender({ address }), ['three']);
      const other = await home!.openReceiver({ address, prefetch: 0 });
      expect((await take(other, 1)).map(bodyOf)).toEqual(['three']);
      await Promise.all([consumer.close(), other.close()]);
    },
    CASE_MS,
  );

  it(
    'for longer: others get what it had, marked; it is told, and goes on after the heal',
    async () => {
      const address = 'queue/jobs.long';
      const sender = await home!.openSender({ address });
      await put(sender, ['one', 'two', 'three']);
      const consumer = await away!.openReceiver({ address, prefetch: 0 });
      await take(consumer, 2);
      // Without anything unsettled it is told nothing: its link goes on by itself.
      const idle = await away!.openReceiver({ address: 'queue/jobs.idle', prefetch: 10 });
      let ended = false;
      void idle.closed.then(() => (ended = true));
      await cut();
      const other = await home!.openReceiver({ address, prefetch: 0 });
      const taken = await take(other, 3);
      const seen = taken.map((delivery) => `${bodyOf(delivery)} ${deliveryCountOf(delivery)}`);
      expect(seen.sort()).toEqual(['one 1', 'three 0', 'two 1']);
      for (const delivery of taken) delivery.accept();
      const told = await consumer.closed;
      note(`${name} is told ${told?.condition}: ${told?.description}`);
      expect(told?.condition).toBe('fairlead:interrupted');
      expect(told?.description).toContain('jobs.long');
      await faulty.heal();
      await put(await home!.openSender({ address: 'queue/jobs.idle' }), ['still there']);
      const [delivery] = await idle.inbox.take(1);
      expect([delivery && bodyOf(delivery), ended]).toEqual(['still there', false]);
      const again = await away!.openReceiver({ address, prefetch: 0 });
      await put(sender, ['four']);
      expect((await take(again, 1)).map(bodyOf)).toEqual(['four']);
    },
    CASE_MS,
  );
});

describe('F32: a node that restarts while it is cut off from the home of queues', () => {
  it(
    'accepts nothing into nothing, though its publishers are back within 50 ms',
    async () => {
      const faulty = await FaultyMesh.line(['a', HOME], { document: { addresses: ADDRESSES } }, random.u32());
      // The last one has no rule: it is where it was first used.
      const queues = ['queue/jobs.x', 'queue/spooled.y', 'queue/free.z'];
      const receivers = queues.map((address) => ({ at: HOME, address }));
      const senders = queues.map((address) => ({ at: 'a', address, perSecond: 100, redialMs: 20 }));
      const work = await QueueWork.start(faulty, receivers, senders);
      const [jobs, spooled, free] = work.senders as [LedgerSender, LedgerSender, LedgerSender];
      for (const how of ['kill', 'stop'] as const) {
        await faulty.link('a-b').cut();
        await eventually('a knows it', async () =>
          (await faulty.node('a').nodes()).some(({ reachable }) => !reachable),
        );
        await faulty.node('a').restart(how);
        const before = work.senders.map((sender) => work.accepted(sender));
        await eventually('a takes care of what it may', () => work.accepted(spooled) > (before[1] as number) + 50);
        // Nobody can say that these are stored: their home is away, and there is no other.
        expect([work.accepted(jobs), work.accepted(free)]).toEqual([before[0], before[2]]);
        await faulty.heal();
        await work.progress();
      }
      await work.settle();
      note(work.ledger.summary());
      await work.nothingLeft();
      work.drop();
    },
    CASE_MS,
  );
});
