import { note, randomOf, seedOf } from '../support/seed';
import { SwiftReceiver } from '../support/swift-receiver';
import { SwiftSender } from '../support/swift-sender';
import { FaultyMesh } from './faulty-mesh';
import { pause } from './pause';
import { lengthOf } from './row-length';
import { ORDERS, RULES } from './rules';
import { Workload } from './workload';

const random = randomOf(seedOf(__filename));
const CASE_MS = 90_000;
const STANDSTILLS_MS = lengthOf('F4', [1_000, 5_000], [1_000, 5_000, 30_000]);
const PER_SECOND = 10_000;
const BURST = 3 * PER_SECOND;

describe('nodes of a diamond (a and d at the ends, b and c between them)', () => {
  let faulty: FaultyMesh;
  let work: Workload;

  beforeAll(async () => {
    const edges = ['a-b:10', 'b-d:10', 'a-c:30', 'c-d:30'];
    const document = { addresses: RULES };
    faulty = await FaultyMesh.start(['a', 'b', 'c', 'd'], edges, { document }, random.u32());
    const topic = { address: 'orders.#', wants: ORDERS };
    work = await Workload.start(
      faulty,
      [
        { at: 'd', by: 'rhea', ...topic },
        { at: 'd', by: 'proton', ...topic },
        { at: 'a', by: 'proton', ...topic },
        { at: 'd', by: 'rhea', address: 'alerts' },
        { at: 'd', by: 'proton', address: 'quote.x', claim: 'share' },
      ],
      [
        { at: 'a', address: 'topic/orders.new', perSecond: 300 },
        { at: 'd', address: 'topic/orders.old', perSecond: 100, bodyBytes: 5_000 },
        { at: 'a', address: 'alerts', perSecond: 50 },
        { at: 'a', address: 'quote.x', perSecond: 100 },
      ],
    );
  }, CASE_MS);

  /** After each fault: heal, drain, check; the next fault meets flowing traffic. */
  afterEach(async () => {
    await work.healAndSettle();
    work.resume();
  }, CASE_MS);

  afterAll(() => work.close(), CASE_MS);

  it(
    'F1: the middle is killed and comes back after 2 s: the ends notice nothing',
    async () => {
      await faulty.node('b').kill();
      await work.progress();
      await pause(2_000);
      await faulty.node('b').start();
      await work.progress();
    },
    CASE_MS,
  );

  it(
    'F3: each of the middle nodes in turn is told to end, and exits with 0',
    async () => {
      for (const name of ['b', 'c']) {
        const told = performance.now();
        await expect(faulty.node(name).stop()).resolves.toBe(0);
        const tookMs = performance.now() - told;
        note(`${name} ended after ${Math.round(tookMs)} ms`);
        // What supervisors are promised.
        expect(tookMs).toBeLessThan(5_000);
        await work.progress();
        await faulty.node(name).start();
        await faulty.mesh.converged();
      }
    },
    CASE_MS,
  );

  it.each(STANDSTILLS_MS)(
    'F4: the middle stands still for %d ms',
    async (ms) => {
      faulty.node('b').pause();
      await pause(ms);
      await work.progress();
      faulty.node('b').resume();
      await work.progress();
    },
    CASE_MS + Math.max(...STANDSTILLS_MS),
  );
});

describe('F29: an event loop that stands still for 2 s', () => {
  it(
    'gives up no neighbour whose bytes wait in its sockets',
    async () => {
      // Only the neighbour is patient enough: what the stalled node does is looked at.
      const documents = { a: { mesh: { dead: '1500ms' } }, b: { mesh: { dead: '20s' } } };
      const faulty = await FaultyMesh.start(['a', 'b'], ['a-b', 'a-b-2'], { documents }, random.u32());
      const work = await Workload.start(
        faulty,
        [{ at: 'b', by: 'proton', address: 'topic/orders.new' }],
        [{ at: 'a', address: 'topic/orders.new', perSecond: 300 }],
      );
      const node = faulty.node('a');
      const links = async () => (await node.links()).map(({ name, state, since }) => `${name} ${state} ${since}`);
      const before = await links();
      for (let n = 0; n < 3; n++) {
        node.pause();
        await pause(2_000);
        node.resume();
        await work.progress();
      }
      expect(await links()).toEqual(before);
      await work.settle();
      await work.close();
    },
    CASE_MS,
  );
});

describe('a diamond under 10,000 messages a second', () => {
  it(
    'loses, doubles and reorders nothing when each of the middle nodes is killed',
    async () => {
      const edges = ['a-b:10', 'b-d:10', 'a-c:10', 'c-d:10'];
      const faulty = await FaultyMesh.start(['a', 'b', 'c', 'd'], edges, {}, random.u32());
      const thin = 'topic/load.thin';
      const work = await Workload.start(
        faulty,
        [{ at: 'd', by: 'proton', address: thin }],
        [{ at: 'a', address: thin, perSecond: 100 }],
      );
      const { ledger } = work;
      const receiver = await SwiftReceiver.attach({
        name: 'swift-d',
        port: faulty.node('d').amqpPort,
        address: 'load.#',
        wants: () => true,
        ledger,
      });
      const [port, address] = [faulty.node('a').amqpPort, 'topic/load.thick'];
      const sender = await SwiftSender.attach({ name: 'swift-a', port, address, ledger, bodyBytes: 100 });
      for (const name of ['b', 'c']) {
        const rate = sender.send(BURST, PER_SECOND);
        await faulty.node(name).kill();
        await work.progress();
        await faulty.node(name).start();
        await faulty.mesh.converged();
        note(`${BURST} messages at ${await rate} per second while ${name} was killed and came back`);
      }
      await sender.answered();
      await work.settle();
      expect(sender.sent).toBe(2 * BURST);
      sender.close();
      receiver.close();
      await work.close();
    },
    CASE_MS,
  );
});
