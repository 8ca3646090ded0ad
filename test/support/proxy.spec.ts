import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { FaultProxy } from './proxy';

/** A server that keeps what it receives and answers every chunk with itself. */
class Echo {
  readonly sockets: Socket[] = [];
  readonly ended: string[] = [];
  readonly chunks: Buffer[] = [];

  private constructor(private readonly server: Server) {}

  static async listen(): Promise<Echo> {
    const server = createServer();
    const echo = new Echo(server);
    server.on('connection', (socket) => {
      echo.sockets.push(socket);
      socket.on('error', (error: NodeJS.ErrnoException) => echo.ended.push(error.code ?? ''));
      socket.on('end', () => echo.ended.push('end'));
      socket.on('data', (chunk) => {
        echo.chunks.push(chunk);
        socket.write(chunk);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return echo;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

class Client {
  got = '';
  error: string | null = null;

  constructor(readonly socket: Socket) {
    socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code ?? error.message));
    socket.on('data', (chunk) => (this.got += chunk.toString('latin1')));
  }

  static open(port: number): Client {
    return new Client(connect({ port, host: '127.0.0.1', noDelay: true }));
  }

  async until(text: string): Promise<void> {
    while (this.got !== text) {
      expect(text.startsWith(this.got)).toBe(true);
      await once(this.socket, 'data');
    }
  }
}

/** Unlike `once`, does not take an error before it for a failure. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
}

const TEXT = 'the quick brown fox jumps over the lazy dog';

describe('the faulty proxy', () => {
  let echo: Echo;
  let proxy: FaultProxy;
  beforeEach(async () => {
    echo = await Echo.listen();
    proxy = await FaultProxy.listen(echo.port, 7);
  });
  afterEach(async () => {
    await proxy.close();
    echo.close();
  });

  async function opened(): Promise<Client> {
    const client = Client.open(proxy.port);
    client.socket.write(TEXT);
    await client.until(TEXT);
    return client;
  }

  it('passes bytes and ends in order', async () => {
    const client = await opened();
    client.socket.end();
    await closed(client.socket);
    expect([client.error, echo.ended]).toEqual([null, ['end']]);
    expect([proxy.passed('up'), proxy.connections]).toEqual([0, 0]);
  });

  it('cuts, refuses, and heals at the same port', async () => {
    const client = await opened();
    const gone = closed(client.socket);
    const { port } = proxy;
    await proxy.cut();
    await gone;
    expect(client.error).toBe('ECONNRESET');
    const refused = Client.open(port);
    await closed(refused.socket);
    expect(refused.error).toBe('ECONNREFUSED');
    await proxy.heal();
    expect(proxy.port).toBe(port);
    await opened();
  });

  it('swallows one direction only', async () => {
    const client = await opened();
    proxy.blackHole('down');
    client.socket.write('-more');
    const [server] = echo.sockets;
    await once(server as Socket, 'data');
    expect(echo.text).toBe(`${TEXT}-more`);
    const reset = closed(client.socket);
    await proxy.heal();
    await reset;
    expect(client.got).toBe(TEXT);
  });

  it('leaves one end of a broken connection without news', async () => {
    const client = await opened();
    const [server] = echo.sockets as [Socket];
    proxy.halfOpen('listener');
    await closed(server);
    expect(client.socket.destroyed).toBe(false);
    client.socket.write('into nothing');
    await proxy.heal();
    await closed(client.socket);
    expect(echo.text).toBe(TEXT);
  });

  it('resets in the middle of what is sent', async () => {
    const client = await opened();
    const done = proxy.resetAfter('up', 10);
    client.socket.write('0123456789abcdef');
    await done;
    await closed(client.socket);
    expect(client.error).toBe('ECONNRESET');
    expect(`${TEXT}0123456789`.startsWith(echo.text)).toBe(true);
  });

  it('resets each connection after so many bytes of its own', async () => {
    proxy.resetEachAfter('down', 5);
    for (let n = 0; n < 2; n++) {
      const client = Client.open(proxy.port);
      client.socket.write(TEXT);
      await closed(client.socket);
      expect(TEXT.slice(0, 5).startsWith(client.got)).toBe(true);
    }
    proxy.resetEachAfter('down', null);
    await opened();
  });

  it('changes exactly one bit', async () => {
    const client = await opened();
    void proxy.corruptAfter('up', 3);
    client.socket.write('ABCDEF');
    while (client.got.length < TEXT.length + 6) await once(client.socket, 'data');
    const damaged = client.got.slice(TEXT.length);
    expect(damaged.slice(0, 3) + damaged.slice(4)).toBe('ABCEF');
    const bits = 'D'.charCodeAt(0) ^ damaged.charCodeAt(3);
    expect([bits !== 0, bits & (bits - 1)]).toEqual([true, 0]);
  });

  it('slices into small writes and loses nothing', async () => {
    proxy.slice(3);
    const client = await opened();
    expect(client.got).toBe(TEXT);
    expect(echo.chunks.length).toBeGreaterThan(1);
  });

  it('delays without narrowing, and narrows without losing', async () => {
    proxy.delay(30);
    const started = performance.now();
    await opened();
    expect(performance.now() - started).toBeGreaterThanOrEqual(55);
    proxy.delay(0);
    proxy.rate(20_000);
    const client = Client.open(proxy.port);
    const text = 'z'.repeat(4_000);
    client.socket.write(text);
    await client.until(text);
  });
});
