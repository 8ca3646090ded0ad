import { create_container, types, type Connection } from 'rhea';
import { eventually, within } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { MEMORY_BYTES_MAX } from './limits';
import { residentBytes } from './node-memory';
import { SteadyPair } from './steady-pair';

const MIB = 1024 * 1024;

let node: FairleadNode;
let pair: SteadyPair;
beforeAll(async () => {
  const document = { site: 'large', limits: { messageBytes: '4MiB' }, mesh: { startHold: '0ms' } };
  node = await FairleadNode.start({ document });
  pair = await SteadyPair.start(node.amqpPort, 'topic/steady');
}, 120_000);

async function connect(): Promise<Connection> {
  const connection = create_container().connect({ host: '127.0.0.1', port: node.amqpPort, reconnect: false });
  await within('connected', new Promise((resolve) => connection.once('connection_open', resolve)));
  return connection;
}

/** Closes it and waits until the node has let go of it. */
async function closed(connection: Connection): Promise<void> {
  const end = new Promise((resolve) => connection.once('connection_close', resolve));
  connection.close();
  await within('closed', end);
}

describe('more than is usual (F27)', () => {
  it('10,000 links on one connection are served, and leave nothing behind', async () => {
    const connection = await connect();
    let open = 0;
    let refused = 0;
    connection.on('sender_open', () => open++);
    connection.on('receiver_open', () => open++);
    connection.on('sender_error', () => refused++);
    connection.on('receiver_error', () => refused++);
    for (let n = 0; n < 10_000; n++) {
      const address = `topic/many.${n % 100}`;
      if (n % 2 === 0) connection.open_sender({ target: { address } });
      else connection.open_receiver({ source: { address }, credit_window: 1 });
    }
    await eventually('all links are open', () => open === 10_000, {
      withinMs: 90_000,
      otherwise: () => `${open} open, ${refused} refused\n${node.logTail()}`,
    });
    expect(refused).toBe(0);
    expect(residentBytes(node.pid)).toBeLessThan(MEMORY_BYTES_MAX);
    await closed(connection);
  }, 180_000);

  it('5,000 addresses, a message through each by way of one link', async () => {
    const connection = await connect();
    let got = 0;
    let accepted = 0;
    const receiver = connection.open_receiver({ source: { address: 'topic/wide.#' }, credit_window: 500 });
    receiver.on('message', () => got++);
    await within('attached', new Promise((resolve) => receiver.once('receiver_open', resolve)));
    const sender = connection.open_sender({ target: {} });
    sender.on('accepted', () => accepted++);
    let sent = 0;
    sender.on('sendable', () => {
      for (; sent < 5_000 && sender.sendable(); sent++) sender.send({ to: `topic/wide.${sent}.x`, body: sent });
    });
    await eventually('every address has had its message', () => got === 5_000 && accepted === 5_000, {
      withinMs: 60_000,
      otherwise: () => `${sent} sent, ${accepted} accepted, ${got} received`,
    });
    expect(residentBytes(node.pid)).toBeLessThan(MEMORY_BYTES_MAX);
    await closed(connection);
  }, 120_000);

  it.each([
    ['its own address', 'topic/annotated', undefined],
    ['the anonymous relay', undefined, 'topic/annotated'],
  ])('an annotation of 64 kB before the properties goes through %s unchanged', async (_what, address, to) => {
    const connection = await connect();
    const note = 'n'.repeat(64_000);
    const receiver = connection.open_receiver({ source: { address: 'topic/annotated' } });
    const message = new Promise<unknown>((resolve) => {
      receiver.once('message', (context) => resolve(context.message?.message_annotations?.['x-opt-note']));
    });
    await within('attached', new Promise((resolve) => receiver.once('receiver_open', resolve)));
    const sender = connection.open_sender({ target: address === undefined ? {} : { address } });
    await within('sendable', new Promise((resolve) => sender.once('sendable', resolve)));
    const accepted = new Promise((resolve) => sender.once('accepted', resolve));
    sender.send({ to, body: 'b', message_annotations: { 'x-opt-note': types.wrap_string(note) } });
    expect(await within('the annotated message', message)).toBe(note);
    await within('its outcome', accepted);
    await closed(connection);
  });

  it('through the anonymous relay a `to` behind a megabyte of annotations is rejected, not detached', async () => {
    const connection = await connect();
    const sender = connection.open_sender({ target: {} });
    await within('sendable', new Promise((resolve) => sender.once('sendable', resolve)));
    const rejected = new Promise<string | undefined>((resolve) => {
      sender.once('rejected', ({ delivery }) =>
        resolve((delivery?.remote_state as { error?: { condition?: string } })?.error?.condition),
      );
    });
    sender.send({ to: 'topic/annotated', body: 'b', message_annotations: { 'x-opt-note': 'n'.repeat(MIB) } });
    expect(await within('its outcome', rejected)).toBe('amqp:resource-limit-exceeded');
    const accepted = new Promise((resolve) => sender.once('accepted', resolve));
    sender.send({ to: 'topic/annotated', body: 'b' });
    await within('the next is accepted', accepted);
    await closed(connection);
  });

  it('a message over the limit ends its link with a condition, and holds nobody up', async () => {
    const connection = await connect();
    let whole = 0;
    const receiver = connection.open_receiver({ source: { address: 'topic/oversize' } });
    receiver.on('message', () => whole++);
    await within('attached', new Promise((resolve) => receiver.once('receiver_open', resolve)));
    const greedy = await connect();
    // rhea goes on with the frames of a delivery whose link has been detached, and loses its session for that.
    greedy.on('session_error', () => undefined);
    const sender = greedy.open_sender({ target: { address: 'topic/oversize' } });
    await within('sendable', new Promise((resolve) => sender.once('sendable', resolve)));
    expect(
      Number(
        (sender as unknown as { remote: { attach: { max_message_size: number } } }).remote.attach.max_message_size,
      ),
    ).toBe(4 * MIB);
    const error = new Promise<string | undefined>((resolve) => {
      sender.once('sender_error', () => resolve((sender.error as { condition?: string } | undefined)?.condition));
    });
    sender.send({ body: Buffer.alloc(100 * MIB, 0x61) });
    expect(await within('the refusal', error, 60_000)).toBe('amqp:link:message-size-exceeded');
    expect(residentBytes(node.pid)).toBeLessThan(MEMORY_BYTES_MAX);
    // The receiver's lane is not stuck behind what was cut off.
    const next = connection.open_sender({ target: { address: 'topic/oversize' } });
    await within('sendable', new Promise((resolve) => next.once('sendable', resolve)));
    next.send({ body: 'small' });
    await eventually('the next message has come', () => whole === 1);
    await closed(connection);
    await closed(greedy);
  }, 120_000);

  it('and the pair beside all this has noticed nothing', async () => {
    const { sent, received } = await pair.finish();
    expect(pair.complaints).toEqual([]);
    expect(received).toEqual(Array.from({ length: sent }, (_, n) => n));
    expect(await node.stop()).toBe(0);
  });
});
