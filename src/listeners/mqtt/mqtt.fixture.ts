import { generate, parser, type Packet } from 'mqtt-packet';
import type { AddressKind, AddressRef, KindHint } from '../../addresses/contract';
import { dataBody, type Message } from '../../message/message';
import { encodeMessage } from '../../message/encode-message';
import { SILENT_JOURNAL } from '../../common/ports';
import { PeerErrorLog } from '../../transport/peer-error-log';
import { FlushQueue } from '../../transport/flush-queue';
import type { ByteStream, ByteStreamUser } from '../../transport/byte-stream';
import { FixtureClientSpace } from '../../addresses/client-space.fixture';
import { FakeAddresses } from '../edge/addresses.fixture';
import { ClientBudget } from '../edge/client-budget';
import { Deadlines } from '../edge/deadlines';
import type { EdgeConnection, EdgePort } from '../edge/edge-protocol';
import { ListenerCounters } from '../edge/listener-counters';
import { MqttEdge } from './mqtt-edge';
import type { MqttTotals } from './totals';

/** A stream whose other end is the test. */
class TestStream implements ByteStream {
  readonly remoteAddress = 'test';
  unwrittenBytes = 0;
  user: ByteStreamUser | null = null;
  readonly written: Buffer[] = [];
  paused = false;
  ended = false;

  begin(user: ByteStreamUser): void {
    this.user = user;
  }
  write(buffers: readonly Buffer[]): void {
    for (const buffer of buffers) this.written.push(Buffer.from(buffer));
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.user?.closed('ended');
  }
  destroy(): void {
    this.end();
  }
}

/** An address layer without a mesh, where names are topics unless they say otherwise. */
export class TestAddresses extends FakeAddresses {
  override resolve(address: string, hint: KindHint): AddressRef {
    const [, prefix, name = address] = /^(topic|multicast|anycast|queue)\/(.*)$/.exec(address) ?? [];
    super.resolve(address, hint);
    return { name, kind: (prefix as AddressKind | undefined) ?? 'topic' };
  }
}

/** A node's MQTT without a node. */
export class TestNode {
  readonly space = new FixtureClientSpace();
  readonly addresses = new TestAddresses();
  readonly budget = new ClientBudget(100);
  readonly counters = new ListenerCounters();
  readonly errors = new PeerErrorLog(SILENT_JOURNAL);
  readonly queue = new FlushQueue(() => undefined);
  nowMs = 0;
  readonly deadlines = new Deadlines(() => this.nowMs);
  readonly edge = new MqttEdge({
    addresses: this.addresses,
    space: this.space,
    queue: this.queue,
    budget: this.budget,
    messageBytesMax: 1_000_000,
    deadlines: this.deadlines,
    version: '1.2.3',
  });

  get totals(): MqttTotals {
    return this.edge.totals;
  }

  client(version: 4 | 5 = 5): TestClient {
    return new TestClient(this, version);
  }

  /** A turn of the event loop. */
  turn(): void {
    for (let times = 0; times < 5; times++) this.queue.flush();
  }

  /** Some time passes. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.deadlines.look();
    this.turn();
  }
}

/** One client, whose packets go to and fro at once. */
export class TestClient {
  readonly stream = new TestStream();
  readonly connection: EdgeConnection;
  readonly #parser;
  readonly #packets: Packet[] = [];
  #seen = 0;
  closed = false;

  constructor(
    readonly node: TestNode,
    private readonly version: 4 | 5,
  ) {
    this.#parser = parser({ protocolVersion: version } as never);
    this.#parser.on('packet', (packet) => this.#packets.push(packet));
    this.#parser.on('error', (error) => this.#packets.push({ cmd: 'unreadable', error } as never));
    const port: EdgePort = { counters: node.counters, errors: node.errors, closed: () => (this.closed = true) };
    this.connection = node.edge.open(this.stream, port);
  }

  /** Sends bytes as they are. */
  raw(bytes: Buffer | readonly number[]): this {
    this.stream.user?.read(Buffer.from(bytes));
    this.node.turn();
    return this;
  }

  send(packet: object): this {
    return this.raw(this.bytes(packet));
  }

  bytes(packet: object): Buffer {
    return generate(packet as Packet, { protocolVersion: this.version } as never);
  }

  /** What came since this was asked last; without what `mqtt-packet` says about lengths. */
  take(): Record<string, unknown>[] {
    for (; this.#seen < this.stream.written.length; this.#seen++)
      this.#parser.parse(this.stream.written[this.#seen] as Buffer);
    return this.#packets.splice(0).map((packet) => JSON.parse(JSON.stringify(packet)) as Record<string, unknown>);
  }

  /** The bytes that came since this was asked last. */
  takeBytes(): Buffer {
    const bytes = Buffer.concat(this.stream.written.slice(this.#seen));
    this.#seen = this.stream.written.length;
    return bytes;
  }

  /** A CONNECT that is let in. */
  connect(more: object = {}): this {
    this.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: this.version,
      clean: true,
      clientId: 'client',
      keepalive: 60,
      ...more,
    });
    return this;
  }

  connected(more: object = {}): this {
    this.connect(more);
    expect(this.take()).toEqual([expect.objectContaining({ cmd: 'connack' })]);
    return this;
  }

  subscribe(topic: string, qos: 0 | 1 | 2 = 0, more: object = {}, properties: object = {}): this {
    const subscription = { topic, qos, nl: false, rap: false, rh: 0, ...more };
    return this.send({ cmd: 'subscribe', messageId: 7, subscriptions: [subscription], properties });
  }

  /** What the client was told last: the reason of its DISCONNECT or CONNACK; null when it was only cut off. */
  get farewell(): number | null {
    const last = this.take().at(-1);
    expect(this.closed).toBe(true);
    return (last?.['reasonCode'] as number | undefined) ?? (last?.['returnCode'] as number | undefined) ?? null;
  }
}

/** A message as it comes out of the mesh. */
export function amqpMessage(body: string, more: Partial<Message> = {}): Buffer {
  return encodeMessage({ ...more, body: dataBody(Buffer.from(body)) });
}
