import { connect } from 'node:net';
import { connectAsync } from 'mqtt';
import rhea from 'rhea';
import WebSocket from 'ws';
import { eventually, within } from '../support/eventually';
import { httpCall } from '../support/http-call';
import { Mesh } from '../support/mesh';

let mesh: Mesh;
let port: number;

beforeAll(async () => {
  mesh = await Mesh.line(['east', 'west'], {
    document: {
      listeners: [
        { protocol: 'amqp', port: 0 },
        { name: 'web', protocol: 'http', port: 0, cors: { origins: ['https://app.example.com'] } },
      ],
    },
  });
  await mesh.start();
  port = mesh.node('east').port('web');
});

const opened: rhea.Connection[] = [];
afterAll(() => opened.forEach((connection) => connection.close()));

/** rhea over a WebSocket, as in a browser. */
function overWebSocket(node: string): rhea.Connection {
  const container = rhea.create_container();
  const dial = container.websocket_connect(WebSocket as never);
  const url = `ws://127.0.0.1:${mesh.node(node).port('web')}/anywhere`;
  // The subprotocols are given to the WebSocket as they are.
  const details = dial(url, ['amqp'], {} as never) as unknown as () => rhea.ConnectionOptions;
  const connection = container.connect({ connection_details: details, reconnect: false } as never);
  connection.on('disconnected', () => undefined);
  opened.push(connection);
  return connection;
}

describe('AMQP over WebSocket', () => {
  it('carries messages between sites, small and large', async () => {
    const got: Buffer[] = [];
    const receiver = overWebSocket('west').open_receiver('topic/over.websocket');
    receiver.on('message', ({ message }: rhea.EventContext) =>
      got.push((message?.body as { content: Buffer }).content),
    );
    await new Promise((resolve) => receiver.once('receiver_open', resolve));
    const sender = overWebSocket('east').open_sender('topic/over.websocket');
    await new Promise((resolve) => sender.once('sendable', resolve));
    const sent = [1, 10_000, 70_000, 3_000_000].map((length, n) => Buffer.alloc(length, n + 1));
    let accepted = 0;
    sender.on('accepted', () => accepted++);
    for (const body of sent) sender.send({ body: rhea.message.data_section(body) });
    await eventually('all are there', () => got.length === sent.length && accepted === sent.length);
    expect(got.map((body) => body.length)).toEqual(sent.map((body) => body.length));
    got.forEach((body, at) => expect(body.equals(sent[at] as Buffer)).toBe(true));
  });

  it('hears of a shutdown and of its end', async () => {
    const node = mesh.node('west');
    const connection = overWebSocket('west');
    await new Promise((resolve) => connection.once('connection_open', resolve));
    let condition = '';
    connection.on(
      'connection_error',
      () => (condition = (connection.error as { condition?: string } | undefined)?.condition ?? ''),
    );
    expect(await node.stop()).toBe(0);
    await eventually('the client was told', () => condition === 'amqp:connection:forced');
    await node.start();
    await mesh.converged();
  });
});

describe('STOMP over WebSocket', () => {
  it('is spoken in messages of text', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/stomp`, ['v12.stomp', 'amqp']);
    let text = '';
    let binary = 0;
    socket.on('message', (data: Buffer, isBinary) => {
      text += data.toString();
      if (isBinary) binary++;
    });
    await new Promise((resolve) => socket.once('open', resolve));
    expect(socket.protocol).toBe('v12.stomp');
    socket.send('CONNECT\naccept-version:1.2\nhost:east\n\n\0');
    await eventually('it is connected', () => text.startsWith('CONNECTED\n'));
    socket.send(Buffer.from('SUBSCRIBE\nid:1\ndestination:/topic/snow\nreceipt:r\n\n\0'));
    await eventually('it is subscribed', () => text.includes('RECEIPT\n'));
    await httpCall(port, '/v1/addresses/topic/snow', { body: '☃', headers: { 'content-type': 'text/plain' } });
    await eventually('the message is there', () => text.includes('\n\n☃\0'));
    expect(binary).toBe(0);
    socket.terminate();
  });
});

describe('MQTT over WebSocket', () => {
  it('carries packets of any size, in messages as the client cuts them', async () => {
    const client = await connectAsync(`ws://127.0.0.1:${port}/mqtt`, { protocolVersion: 5, reconnectPeriod: 0 });
    const got: Buffer[] = [];
    client.on('message', (_topic, payload) => got.push(payload));
    await client.subscribeAsync('large/#', { qos: 1 });
    const sent = [Buffer.from('small'), Buffer.alloc(2_000_000, 'x')];
    for (const payload of sent) await client.publishAsync('large/one', payload, { qos: 1 });
    await eventually('both are there', () => got.length === 2);
    got.forEach((payload, at) => expect(payload.equals(sent[at] as Buffer)).toBe(true));
    await client.endAsync();
  });
});

interface End {
  readonly code: number;
  readonly opened: boolean;
  readonly status: number | null;
}

/** What becomes of a WebSocket that sends something once it is open. */
function endOf(
  options: { protocols?: string[]; headers?: Record<string, string>; version?: number },
  send?: (socket: WebSocket) => void,
): Promise<End> {
  const { protocols = ['amqp'], headers, version } = options;
  const more = { ...(headers && { headers }), ...(version !== undefined && { protocolVersion: version }) };
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocols, more);
  let wasOpen = false;
  let status: number | null = null;
  const end = new Promise<End>((resolve) => {
    socket.on('open', () => {
      wasOpen = true;
      send?.(socket);
    });
    socket.on('unexpected-response', (_request, response) => {
      status = response.statusCode ?? null;
      response.resume();
      resolve({ code: 0, opened: false, status });
    });
    socket.on('error', () => undefined);
    socket.on('close', (code) => resolve({ code, opened: wasOpen, status }));
  });
  return within('the WebSocket ends', end);
}

describe('a WebSocket', () => {
  it.each<[string, Parameters<typeof endOf>[0], number]>([
    ['of a page of another site', { headers: { origin: 'https://evil.example' } }, 403],
    ['of a sandbox', { headers: { origin: 'null' } }, 403],
    ['by another name', { headers: { host: 'evil.example' } }, 403],
    ['without a subprotocol that is served', { protocols: ['soap'] }, 400],
    ['of version 8', { version: 8 }, 400],
  ])('%s is refused', async (_what, options, status) => {
    expect(await endOf(options)).toMatchObject({ opened: false, status });
  });

  it('of a page whose origin the document names is taken', async () => {
    const end = await endOf({ headers: { origin: 'https://app.example.com' } }, (socket) => socket.close());
    expect(end).toMatchObject({ opened: true, code: 1000 });
  });

  it('that speaks text is told that its protocol is binary', async () => {
    expect(await endOf({}, (socket) => socket.send('hello'))).toMatchObject({ opened: true, code: 1003 });
  });

  it('that speaks no AMQP ends as its protocol says', async () => {
    expect(await endOf({}, (socket) => socket.send(Buffer.from('no AMQP at all')))).toMatchObject({ opened: true });
  });

  it('is answered its pings', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, ['amqp']);
    await new Promise((resolve) => socket.once('open', resolve));
    const answer = new Promise<string>((resolve) => socket.once('pong', (payload) => resolve(payload.toString())));
    socket.ping('here?');
    expect(await answer).toBe('here?');
    socket.terminate();
  });

  it('that ends within a frame leaves nothing behind', async () => {
    const before = async (): Promise<number> => {
      const { body } = await mesh.node('east').http('/api/v1/listeners');
      return (
        (body as { listeners: { name: string; connections: number }[] }).listeners.find(({ name }) => name === 'web')
          ?.connections ?? -1
      );
    };
    await eventually('nobody is connected', async () => (await before()) <= 2);
    const count = await before();
    const socket = connect(port, '127.0.0.1');
    const key = Buffer.alloc(16).toString('base64');
    socket.write(
      `GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\nsec-websocket-protocol: amqp\r\n\r\n`,
    );
    socket.write(Buffer.from([0x82, 0xfe, 0xff]));
    await eventually('it is counted', async () => (await before()) === count + 1);
    socket.destroy();
    await eventually('it is gone', async () => (await before()) === count);
    expect((await httpCall(port, '/nothing')).status).toBe(404);
  });
});
