import rhea from 'rhea';
import { eventually } from '../support/eventually';
import type { LedgerSender } from '../support/ledger-sender';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { ORDERS, RULES } from './rules';
import { Workload } from './workload';

const random = randomOf(seedOf(__filename));
const CASE_MS = 90_000;
/** Together less than what passes a node in the time that it gives them. */
const LARGE_BYTES = 2_000_000;
const LARGE_COUNT = 10;

describe('SIGTERM', () => {
  it(
    'at the ingress: whatever was accepted arrives, and the exit code is 0',
    async () => {
      const faulty = await FaultyMesh.line(['a', 'b', 'c'], { document: { addresses: RULES } }, random.u32());
      const work = await Workload.start(
        faulty,
        [
          { at: 'c', by: 'rhea', address: 'orders.#', wants: ORDERS },
          { at: 'b', by: 'proton', address: 'orders.#', wants: ORDERS },
          { at: 'c', by: 'proton', address: 'quote.x', claim: 'share' },
          { at: 'c', by: 'proton', address: 'alerts' },
        ],
        [
          { at: 'a', address: 'topic/orders.new', perSecond: 2_000 },
          { at: 'a', address: 'topic/orders.large', perSecond: 20, bodyBytes: 200_000 },
          { at: 'a', address: 'alerts', perSecond: 100 },
          { at: 'a', address: 'quote.x', perSecond: 100 },
        ],
      );
      const started = performance.now();
      await expect(faulty.node('a').stop()).resolves.toBe(0);
      note(`ended after ${Math.round(performance.now() - started)} ms`);
      expect(faulty.node('a').log()).not.toContain('drain-incomplete');
      await work.settle();
      await work.close();
    },
    CASE_MS,
  );

  it(
    'while a consumer sits on a delivery: no new links, then an end all the same, with 0',
    async () => {
      const faulty = await FaultyMesh.start(['a', 'b'], ['a-b'], { document: { addresses: RULES } }, random.u32());
      const node = faulty.node('a');
      const stuck = rhea.create_container().connect({ port: faulty.node('b').amqpPort, reconnect: false });
      const receiver = stuck.open_receiver({
        source: 'quote.x',
        credit_window: 0,
        autoaccept: false,
        autosettle: false,
      });
      receiver.add_credit(1);
      const container = rhea.create_container();
      const client = container.connect({ port: node.amqpPort, reconnect: false });
      const sender = client.open_sender('quote.x');
      const outcomes: string[] = [];
      for (const name of ['accepted', 'released', 'modified', 'rejected'] as const)
        container.on(name, () => outcomes.push(name));
      await eventually('credit', () => sender.sendable());
      sender.send({ body: 'held' });
      await new Promise((resolve) => receiver.once('message', resolve));
      node.signal('SIGTERM');
      await eventually('it drains', async () => {
        const { status, body } = await node.http('/health/ready');
        return status === 503 && JSON.stringify(body).includes('draining');
      });
      const late = client.open_sender('topic/late');
      await new Promise((resolve) => late.once('sender_error', resolve));
      expect(late.error).toMatchObject({ condition: 'amqp:connection:forced' });
      const refused = rhea.create_container().connect({ port: node.amqpPort, reconnect: false });
      refused.on('connection_error', () => undefined);
      await new Promise((resolve) => refused.once('disconnected', resolve));
      expect(await node.exited()).toEqual({ code: 0, signal: null });
      expect(node.log()).toContain('drain-incomplete');
      stuck.close();
    },
    CASE_MS,
  );

  it(
    'at a node on the way: neighbours reroute before its sockets close',
    async () => {
      const faulty = await FaultyMesh.start(['a', 'b', 'c'], ['a-b:10', 'b-c:10', 'a-c:90'], {}, random.u32());
      const work = await Workload.start(
        faulty,
        [{ at: 'c', by: 'proton', address: 'topic/orders.new' }],
        [{ at: 'a', address: 'topic/orders.new', perSecond: 1_000 }],
      );
      const resent = () => metric(faulty, 'a', 'resent');
      const before = await resent();
      await expect(faulty.node('b').stop()).resolves.toBe(0);
      await work.progress();
      await work.settle();
      // Told in time, a drops nothing that it has to send again.
      expect(await resent()).toBe(before);
      await work.close();
    },
    CASE_MS,
  );

  it(
    'at the only node on the way of large messages: what was begun arrives, or its sender is told otherwise',
    async () => {
      const faulty = await FaultyMesh.line(['a', 'b', 'c'], { document: { addresses: RULES } }, random.u32());
      const work = await Workload.start(
        faulty,
        [
          { at: 'c', by: 'rhea', address: 'alerts' },
          { at: 'c', by: 'proton', address: 'alerts' },
        ],
        [{ at: 'a', address: 'alerts', perSecond: 5, bodyBytes: LARGE_BYTES }],
      );
      const [sender] = work.senders as [LedgerSender];
      sender.pause();
      await sender.answered();
      const passed = () => metric(faulty, 'b', 'forwarded');
      const before = await passed();
      await sender.send(LARGE_COUNT);
      await eventually('they pass b', async () => (await passed()) > before);
      const started = performance.now();
      await expect(faulty.node('b').stop()).resolves.toBe(0);
      const tookMs = performance.now() - started;
      // What did not get through, and what its node did not even take from the client any more, goes on when b is back.
      await faulty.node('b').start();
      await sender.answered();
      const cut = faulty.node('b').log().includes('transit-unfinished');
      note(`b ended after ${Math.round(tookMs)} ms, ${cut ? 'before' : 'after'} the last; refused: ${told(sender)}`);
      // The promise is 5 s; a busy machine may take longer to end a process.
      expect(tookMs).toBeLessThan(10_000);
      await work.healAndSettle();
      await work.close();
    },
    CASE_MS,
  );
});

/** What of a sender's messages was not accepted. */
function told({ refusals }: LedgerSender): string {
  return JSON.stringify(Object.fromEntries(refusals));
}

async function metric(faulty: FaultyMesh, node: string, part: string): Promise<number> {
  const { body } = await faulty.node(node).http('/metrics');
  const lines = String(body)
    .split('\n')
    .filter((line) => line.includes(part) && !line.startsWith('#'));
  if (lines.length === 0) throw new Error(`no metric of ${node} is named like ${part}`);
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
