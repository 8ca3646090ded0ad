import { connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { eventually } from '../eventually';

/** A message as it came. */
export interface MqttArrival {
  readonly topic: string;
  readonly text: string;
  readonly packet: IPublishPacket;
}

const open = new Set<MqttJsClient>();

// At import, so that no test can forget it.
afterAll(() => Promise.all([...open].map((client) => client.cut())));

/** MQTT.js, with what it gets kept in order. It does not come back by itself. */
export class MqttJsClient {
  readonly arrivals: MqttArrival[] = [];
  closed = false;
  /** Why the server ended the connection; null while it has not said so. */
  farewell: number | null = null;

  private constructor(readonly client: MqttClient) {
    open.add(this);
    client.on('message', (topic, payload, packet) => {
      this.arrivals.push({ topic, text: payload.toString(), packet: packet as IPublishPacket });
    });
    client.on('disconnect', ({ reasonCode = 0 }) => (this.farewell = reasonCode));
    client.on('close', () => (this.closed = true));
    client.on('error', () => undefined);
  }

  static async connect(port: number, options: IClientOptions = {}): Promise<MqttJsClient> {
    const { protocolVersion = 5, ...more } = options;
    const all: IClientOptions = { protocolVersion, reconnectPeriod: 0, connectTimeout: 20_000, ...more };
    return new MqttJsClient(await connectAsync(`mqtt://127.0.0.1:${port}`, all, false));
  }

  /** Over a WebSocket. */
  static async connectWebSocket(port: number, options: IClientOptions = {}): Promise<MqttJsClient> {
    const all: IClientOptions = { protocolVersion: 5, reconnectPeriod: 0, connectTimeout: 20_000, ...options };
    return new MqttJsClient(await connectAsync(`ws://127.0.0.1:${port}/mqtt`, all, false));
  }

  /** The texts that came, once there are so many. */
  async texts(count: number, withinMs?: number): Promise<string[]> {
    await eventually(`${count} messages`, () => this.arrivals.length >= count, {
      ...(withinMs !== undefined && { withinMs }),
      otherwise: () => `${this.arrivals.length}: ${JSON.stringify(this.arrivals.slice(-5).map(({ text }) => text))}`,
    });
    return this.arrivals.map(({ text }) => text);
  }

  /** Says farewell. */
  async end(): Promise<void> {
    open.delete(this);
    await this.client.endAsync();
  }

  /** Goes without a word. */
  async cut(): Promise<void> {
    open.delete(this);
    await this.client.endAsync(true).catch(() => undefined);
  }
}
