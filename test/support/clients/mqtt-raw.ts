import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { generate, type Packet } from 'mqtt-packet';

/** A client of MQTT 5 that is bytes alone: many of them are cheap, and they may be as bad as a test wants. */
export class RawMqtt {
  /** Bytes that came. */
  received = 0;
  closed = false;
  #last: Buffer = Buffer.alloc(0);

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.received += chunk.length;
      this.#last = chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  /** What came last. */
  get last(): Buffer {
    return this.#last;
  }

  static async dial(port: number): Promise<RawMqtt> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    const client = new RawMqtt(socket);
    await once(socket, 'connect');
    return client;
  }

  /** Let in: the CONNACK is there. */
  static async connect(port: number, clientId: string, keepalive = 60): Promise<RawMqtt> {
    const client = await RawMqtt.dial(port);
    client.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: true, clientId, keepalive });
    await once(client.socket, 'data');
    if (client.last[0] !== 0x20) throw new Error(`no CONNACK: ${client.last.toString('hex')}`);
    return client;
  }

  static bytes(packet: object): Buffer {
    return generate(packet as Packet, { protocolVersion: 5 } as never);
  }

  send(packet: object): void {
    this.socket.write(RawMqtt.bytes(packet));
  }

  destroy(): void {
    this.socket.destroy();
  }
}
