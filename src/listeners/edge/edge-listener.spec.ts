import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { SILENT_JOURNAL } from '../../common/ports';
import type { ByteStream, ByteStreamUser } from '../../transport/byte-stream';
import { eventually } from '../../../test/support/eventually';
import { ClientBudget } from './client-budget';
import { EdgeListener } from './edge-listener';
import type { EdgeConnection, EdgePort, EdgeProtocol } from './edge-protocol';

/** Sends back what it gets, in capitals. */
class Echo implements EdgeConnection, ByteStreamUser {
  drained = false;

  constructor(
    readonly stream: ByteStream,
    private readonly port: EdgePort,
    private readonly polite: boolean,
  ) {
    stream.begin(this);
  }
  read(chunk: Buffer): void {
    this.stream.write([Buffer.from('<'), Buffer.from(chunk.toString().toUpperCase()), Buffer.from('>')]);
  }
  written(): void {
    // Nothing is held back.
  }
  closed(): void {
    this.port.closed(this);
  }
  drain(): void {
    this.drained = true;
  }
  shutdown(): void {
    if (!this.polite) return;
    this.stream.write([Buffer.from('bye')]);
    this.stream.end();
  }
}

class EchoProtocol implements EdgeProtocol {
  readonly subprotocols = ['echo'];
  readonly text = true;
  readonly opened: Echo[] = [];
  constructor(private readonly polite = true) {}
  open(stream: ByteStream, port: EdgePort): EdgeConnection {
    const echo = new Echo(stream, port, this.polite);
    this.opened.push(echo);
    return echo;
  }
}

async function started(connectionsMax = 10, protocol = new EchoProtocol()) {
  const budget = new ClientBudget(connectionsMax);
  const listener = new EdgeListener({ host: '127.0.0.1', port: 0 }, { protocol, budget, journal: SILENT_JOURNAL });
  const at = await listener.start();
  return { budget, listener, protocol, dial: () => dial(at.port) };
}

async function dial(port: number): Promise<Socket & { seen: () => string }> {
  const socket = connect(port, '127.0.0.1');
  let seen = '';
  socket.on('data', (chunk) => (seen += chunk.toString()));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return Object.assign(socket, { seen: () => seen });
}

describe('EdgeListener', () => {
  it('gives connections to its protocol, and counts them until they are closed', async () => {
    const { listener, dial: dialled, budget } = await started();
    const socket = await dialled();
    socket.write('hello');
    await eventually('the echo', () => socket.seen() === '<HELLO>');
    expect([listener.connections, budget.connections, listener.counters.accepted]).toEqual([1, 1, 1]);
    socket.destroy();
    await eventually('its end is counted', () => listener.connections + budget.connections === 0);
    await listener.stop();
  });

  it('refuses connections past what the node allows', async () => {
    const { listener, dial: dialled } = await started(1);
    const first = await dialled();
    await eventually('the connection is taken', () => listener.connections === 1);
    const second = await dialled();
    await once(second, 'close');
    expect(listener.counters.refused).toBe(1);
    first.write('still');
    await eventually('the echo', () => first.seen() === '<STILL>');
    await listener.stop();
  });

  it('lets each client be told before it stops', async () => {
    const { listener, dial: dialled, protocol } = await started();
    const socket = await dialled();
    await eventually('the connection is taken', () => protocol.opened.length === 1);
    await listener.drain();
    expect(protocol.opened[0]?.drained).toBe(true);
    const closed = once(socket, 'close');
    await listener.stop();
    await closed;
    expect(socket.seen()).toBe('bye');
  });

  it('cuts clients that do not go', async () => {
    const { listener, dial: dialled } = await started(10, new EchoProtocol(false));
    const socket = await dialled();
    await eventually('the connection is taken', () => listener.connections === 1);
    const closed = once(socket, 'close');
    await listener.stop();
    await closed;
    await eventually('its end is counted', () => listener.connections === 0);
  });
});
