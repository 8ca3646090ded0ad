import type { ClientConnection, ClientReceiver, ClientSender } from '../support/clients/client';
import { dataMessage } from '../support/clients/message';
import { RheaClient } from '../support/clients/rhea-client';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';

const client = new RheaClient();

afterAll(() => client.close());

function connect(mesh: Mesh, node: string): Promise<ClientConnection> {
  return client.connect(mesh.node(node).amqpPort);
}

/** A sender at one node, a receiver at another, and proof that all that is sent arrives, once and in order. */
class Stream {
  #sent = 0;
  #arrived = 0;

  private constructor(
    private readonly sender: ClientSender,
    private readonly receiver: ClientReceiver,
  ) {}

  static async open(mesh: Mesh, from: string, to: string): Promise<Stream> {
    const address = `topic/stream.${from}.${to}`;
    const receiver = await (await connect(mesh, to)).openReceiver({ address, autoAccept: true });
    return new Stream(await (await connect(mesh, from)).openSender({ address }), receiver);
  }

  send(count: number): Promise<unknown> {
    const outcomes: Promise<unknown>[] = [];
    for (let n = 0; n < count; n++) outcomes.push(this.sender.send(dataMessage(`${this.#sent++}`)));
    return Promise.all(outcomes);
  }

  /** Everything sent so far has come. */
  async arrived(): Promise<void> {
    const expected = Array.from({ length: this.#sent - this.#arrived }, (_, n) => dataMessage(`${this.#arrived + n}`));
    const deliveries = await this.receiver.inbox.take(expected.length);
    expect(deliveries.map(({ payload }) => payload)).toEqual(expected);
    this.#arrived = this.#sent;
    expect(this.receiver.inbox.waiting).toBe(0);
  }

  async carries(count: number): Promise<void> {
    await this.send(count);
    await this.arrived();
  }

  /** Keeps sending while something is done to the mesh, and sees that nothing of it was lost. */
  async survives(change: () => Promise<unknown>): Promise<void> {
    let over = false;
    const changed = change().finally(() => (over = true));
    while (!over) await this.send(20);
    await changed;
    await this.carries(20);
  }
}

/** Bytes that have left a node by a link; hellos are small against a burst. */
async function sentBy(mesh: Mesh, node: string, link: string): Promise<number> {
  const row = (await mesh.node(node).links()).find(({ name }) => name === link);
  return row?.bytesOut ?? 0;
}

describe('sites', () => {
  it.each([
    ['first to last', ['a', 'b', 'c']],
    ['last to first', ['c', 'b', 'a']],
    ['ends before the middle', ['a', 'c', 'b']],
  ])('start in any order: %s', async (_order, names) => {
    const mesh = await Mesh.line(['a', 'b', 'c']);
    for (const name of names) await mesh.node(name).start();
    await mesh.converged();
    await (await Stream.open(mesh, 'a', 'c')).carries(10);
    await (await Stream.open(mesh, 'c', 'a')).carries(10);
    expect(await mesh.stop()).toEqual([0, 0, 0]);
  });

  it('join and leave a running mesh by its documents', async () => {
    const mesh = await Mesh.prepare(['a', 'b', 'c'], [{ from: 'a', to: 'b' }]);
    await mesh.node('a').start();
    await mesh.node('b').start();
    await mesh.converged();
    const stream = await Stream.open(mesh, 'a', 'b');
    await stream.survives(async () => {
      await mesh.node('c').start();
      mesh.connect({ from: 'b', to: 'c' });
      await mesh.node('a').reaches('c');
    });
    await (await Stream.open(mesh, 'a', 'c')).carries(10);
    await stream.survives(async () => {
      mesh.disconnect('b', 'to-c');
      await eventually('a has lost c', async () =>
        (await mesh.node('a').nodes()).some(({ node, reachable }) => node === 'c' && !reachable),
      );
    });
    expect(await mesh.stop()).toEqual([0, 0, 0]);
  });
});

describe('two paths', () => {
  it('two links between the same nodes: losing one and moving to the other loses nothing', async () => {
    const edges = [
      { from: 'a', to: 'b', name: 'cheap', cost: 10 },
      { from: 'a', to: 'b', name: 'dear', cost: 20 },
    ];
    const mesh = await (await Mesh.prepare(['a', 'b'], edges)).start();
    const stream = await Stream.open(mesh, 'a', 'b');
    await stream.carries(100);
    await stream.survives(async () => {
      mesh.disconnect('a', 'cheap');
      await eventually('the cheap link is gone', async () => (await mesh.node('a').links()).length === 1);
    });
    mesh.connect(edges[0] as (typeof edges)[0]);
    await stream.survives(() => mesh.node('a').linksUp());
    await stream.carries(100);
  });

  it('a cost changed through the API moves traffic, and loses nothing', async () => {
    const edges = [
      { from: 'a', to: 'b', name: 'one', cost: 10 },
      { from: 'a', to: 'b', name: 'two', cost: 20 },
    ];
    const mesh = await (await Mesh.prepare(['a', 'b'], edges)).start();
    const stream = await Stream.open(mesh, 'a', 'b');
    await stream.carries(10);
    const moved = async (to: string): Promise<boolean> => {
      const before = await sentBy(mesh, 'a', to);
      await stream.carries(400);
      return (await sentBy(mesh, 'a', to)) - before > 400 * 20;
    };
    expect(await moved('one')).toBe(true);
    await stream.survives(() => mesh.node('a').setCost('one', 30));
    await eventually('traffic has moved', () => moved('two'));
    await stream.survives(() => mesh.node('a').setCost('one', 5));
    await eventually('traffic has come back', () => moved('one'));
  });

  it('a ring of four goes on when any one node is drained, which ends with 0 in time', async () => {
    const mesh = await (await Mesh.ring(['a', 'b', 'c', 'd'])).start();
    const stream = await Stream.open(mesh, 'a', 'c');
    await stream.carries(50);
    for (const between of ['b', 'd']) {
      const told = await (await connect(mesh, between)).openReceiver({ address: 'topic/told' });
      const witness = await connect(mesh, between);
      await stream.survives(async () => {
        const began = performance.now();
        expect(await mesh.node(between).stop()).toBe(0);
        // A promise to supervisors, not a measurement: what a drain may take.
        expect(performance.now() - began).toBeLessThan(5_000);
      });
      expect((await witness.events.next()).error?.condition).toBe('amqp:connection:forced');
      expect(told.inbox.count).toBe(0);
      await mesh.node(between).start();
      await mesh.converged();
    }
    await stream.carries(50);
  });
});
