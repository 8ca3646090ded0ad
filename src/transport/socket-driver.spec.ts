import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { AMQP_OUTCOME, CONDITION } from '../amqp/constants';
import type { Connection, ConnectionOptions } from '../amqp/connection';
import type { Link } from '../amqp/link';
import { Inbox, Outbox, Recorder } from '../amqp/pair.fixture';
import { AMQP_HEADER, frame, performative, uint } from '../amqp/raw-peer.fixture';
import type { ReceiverLink } from '../amqp/receiver-link';
import { eventually } from '../../test/support/eventually';
import { FlushQueue } from './flush-queue';
import { SocketDriver } from './socket-driver';
import { dialTcp, TcpListener } from './tcp';

// A bound for what hangs: on a busy machine these take many times what they take alone.
jest.setTimeout(60_000);

interface Served {
  readonly listener: TcpListener;
  readonly handler: Recorder;
  readonly drivers: SocketDriver[];
}

const listeners: TcpListener[] = [];
afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.close())));

async function serve(options: Partial<ConnectionOptions> = {}, link?: (link: Link) => void): Promise<Served> {
  const queue = FlushQueue.standalone();
  const handler = new Recorder(link);
  const drivers: SocketDriver[] = [];
  const listener = await TcpListener.listen({ host: '127.0.0.1', port: 0 }, (socket) => {
    drivers.push(new SocketDriver(socket, queue, handler, { role: 'server', containerId: 'server', ...options }));
  });
  listeners.push(listener);
  return { listener, handler, drivers };
}

async function dial(
  { listener }: Served,
  handler = new Recorder(),
  options: Partial<ConnectionOptions> = {},
): Promise<Connection> {
  const socket = await dialTcp(listener.address, 10_000);
  return new SocketDriver(socket, FlushQueue.standalone(), handler, {
    role: 'client',
    containerId: 'client',
    ...options,
  }).connection;
}

function rawly({ listener }: Served): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(listener.address, () => resolve(socket));
  });
}

function collected(socket: Socket): { bytes: Buffer; closed: boolean } {
  const seen = { bytes: Buffer.alloc(0), closed: false };
  socket.on('data', (chunk) => (seen.bytes = Buffer.concat([seen.bytes, chunk])));
  socket.on('close', () => (seen.closed = true));
  return seen;
}

describe('SocketDriver', () => {
  it('carries deliveries and their outcomes over real sockets, a large one too', async () => {
    const inbox = new Inbox((link, id) => link.dispose(id, AMQP_OUTCOME.accepted, true));
    const served = await serve({}, (link) => {
      link.accept();
      (link as ReceiverLink).handler = inbox;
      (link as ReceiverLink).addCredit(1_000);
    });
    const client = await dial(served);
    await eventually('opened', () => client.opened);
    const outbox = new Outbox();
    const sender = client.begin().attachSender('s', {});
    sender.handler = outbox;
    await eventually('credit', () => sender.canSend());
    const sizes = [0, 1, 1_000, 40_000, 3_000_000];
    sizes.forEach((size, token) => sender.send(Buffer.alloc(size, token), 0, size, token, false, 0));
    await eventually('all outcomes', () => outbox.outcomes.length === sizes.length);
    expect(inbox.deliveries.map(({ body }) => body.length)).toEqual(sizes);
    expect(inbox.deliveries.every(({ body }, n) => body.equals(Buffer.alloc(sizes[n] as number, n)))).toBe(true);
  });

  it('holds no more unsent than its bound for a peer that does not read, and goes on when it does', async () => {
    const served = await serve({ outboundBytesMax: 256 * 1024 }, (link) => link.accept());
    const client = await dial(served);
    await eventually('opened', () => client.opened);
    const inbox = new Inbox();
    const receiver = client.begin().attachReceiver('r', {});
    receiver.handler = inbox;
    receiver.addCredit(100_000);
    await eventually(
      'credit',
      () =>
        served.handler.links[0] !== undefined && (served.handler.links[0] as unknown as { credit: number }).credit > 0,
    );
    const [driver] = served.drivers as [SocketDriver];
    const [link] = served.handler.links as unknown as [
      { canSend(): boolean; send(...args: unknown[]): number; handler: unknown },
    ];
    const body = Buffer.alloc(10_000);
    let sent = 0;
    let most = 0;
    const fill = (): void => {
      while (sent < 3_000 && link.canSend()) {
        link.send(body, 0, body.length, 0, true, 0);
        sent++;
        most = Math.max(most, driver.connection.unsentBytes);
      }
    };
    link.handler = { onWritable: fill, onCredit: fill, onOutcome: () => undefined, onDetached: () => undefined };
    fill();
    await eventually('all has come', () => inbox.deliveries.length === 3_000);
    expect(most).toBeLessThan(256 * 1024 + 2 * body.length);
  });

  it('ends a peer that says nothing, or half of its handshake, in its time', async () => {
    const served = await serve({ handshakeMs: 200 });
    for (const bytes of [Buffer.alloc(0), AMQP_HEADER.subarray(0, 5), AMQP_HEADER]) {
      const socket = await rawly(served);
      const seen = collected(socket);
      socket.write(bytes);
      await eventually('closed by the node', () => seen.closed);
    }
    expect(served.handler.errors.map(({ condition }) => condition)).toEqual(Array(3).fill(CONDITION.limit));
    await eventually('no socket is left', () => served.listener.connections === 0);
  });

  it('ends a peer that falls silent', async () => {
    const served = await serve({ idleTimeOutMs: 300 });
    const socket = await rawly(served);
    const seen = collected(socket);
    socket.write(Buffer.concat([AMQP_HEADER, frame(0, performative('open', ['silent']))]));
    await eventually('closed by the node', () => seen.closed);
    expect(served.handler.errors.map(({ description }) => description)).toEqual(['nothing heard for 300 ms']);
  });

  it('beats for a peer that wants to hear of it', async () => {
    const served = await serve();
    const socket = await rawly(served);
    const seen = collected(socket);
    socket.write(
      Buffer.concat([AMQP_HEADER, frame(0, performative('open', ['listener', null, null, null, uint(100)]))]),
    );
    const beat = Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]);
    await eventually('three heart-beats', () => seen.bytes.includes(Buffer.concat([beat, beat, beat])));
    socket.destroy();
  });

  it('lets the last words out before the end, to a peer that goes on sending too', async () => {
    const served = await serve();
    const socket = await rawly(served);
    const seen = collected(socket);
    socket.on('error', () => undefined);
    socket.write(Buffer.concat([AMQP_HEADER, frame(0, performative('open', ['c'])), Buffer.alloc(100_000, 0xff)]));
    await eventually('closed by the node', () => seen.closed);
    expect(seen.bytes.includes(CONDITION.framing)).toBe(true);
  });

  it('tells why a connection is over', async () => {
    const served = await serve();
    const handler = new Recorder();
    const client = await dial(served, handler);
    await eventually('opened', () => client.opened);
    served.drivers[0]?.destroy('cut for a test');
    await eventually('both know', () => handler.closed !== undefined && served.handler.closed !== undefined);
    expect(served.handler.closed).toEqual({ condition: CONDITION.forced, description: 'cut for a test' });
    expect(handler.closed?.condition).toBe(CONDITION.forced);
  });

  it('does not end when a connection cannot be accepted', async () => {
    const errors: string[] = [];
    const listener = await TcpListener.listen(
      { host: '127.0.0.1', port: 0 },
      () => undefined,
      (error) => errors.push(error.message),
    );
    listeners.push(listener);
    const { server } = listener as unknown as { server: NodeJS.EventEmitter };
    server.emit('error', new Error('accept EMFILE'));
    server.emit('error', new Error('accept EMFILE'));
    expect(errors).toEqual(['accept EMFILE', 'accept EMFILE']);
  });
});
