import { RawMqtt } from './mqtt-raw';

const TOPIC = 'load/';
const DIGITS = 4;
const ROUND_DIGITS = 6;
const PUBACK = 0x40;
const PUBACK_BYTES = 4;

function packetOf(publisher: number): Buffer {
  const topic = `${TOPIC}${String(publisher).padStart(DIGITS, '0')}`;
  return RawMqtt.bytes({ cmd: 'publish', topic, payload: '0'.repeat(ROUND_DIGITS), qos: 1, messageId: 1 });
}

/** Every packet has this length and the same fields at the same places. */
const PACKET_BYTES = packetOf(0).length;
const PUBLISHER_AT = 2 + 2 + TOPIC.length;
const ID_AT = PUBLISHER_AT + DIGITS;
const ROUND_AT = PACKET_BYTES - ROUND_DIGITS;

/** Publishes numbered messages of QoS 1: so cheap that a thousand of them are in one process. */
export class LoadPublisher {
  readonly #packet: Buffer;
  readonly #before: number;
  sent = 0;

  private constructor(
    private readonly client: RawMqtt,
    index: number,
  ) {
    this.#packet = packetOf(index);
    this.#before = client.received;
  }

  static async connect(port: number, index: number): Promise<LoadPublisher> {
    return new LoadPublisher(await RawMqtt.connect(port, `load-publisher-${index}`), index);
  }

  publish(): void {
    const packet = Buffer.from(this.#packet);
    packet.writeUInt16BE((this.sent % 0xffff) + 1, ID_AT);
    packet.write(String(this.sent).padStart(ROUND_DIGITS, '0'), ROUND_AT, 'latin1');
    this.sent++;
    this.client.socket.write(packet);
  }

  get acknowledged(): number {
    return (this.client.received - this.#before) / PUBACK_BYTES;
  }

  get closed(): boolean {
    return this.client.closed;
  }

  close(): void {
    this.client.destroy();
  }
}

/** Notes every message of all publishers, and acknowledges it. */
export class LoadSubscriber {
  count = 0;
  /** Came again. */
  doubled = 0;
  readonly #seen: Uint8Array;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(
    private readonly client: RawMqtt,
    publishers: number,
    private readonly each: number,
  ) {
    this.#seen = new Uint8Array(publishers * each);
    client.socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  /** Subscribed to all publishers; @param each messages of one publisher */
  static async connect(port: number, name: string, publishers: number, each: number): Promise<LoadSubscriber> {
    const client = await RawMqtt.connect(port, name);
    const answered = new Promise<Buffer>((resolve) => client.socket.once('data', resolve));
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `${TOPIC}#`, qos: 1 }] });
    const suback = await answered;
    if (suback.at(-1) !== 1) throw new Error(`SUBACK ${suback.toString('hex')}`);
    return new LoadSubscriber(client, publishers, each);
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const count = Math.floor(bytes.length / PACKET_BYTES);
    const acks = Buffer.allocUnsafe(count * PUBACK_BYTES);
    for (let n = 0; n < count; n++) {
      const at = n * PACKET_BYTES;
      const publisher = Number(bytes.toString('latin1', at + PUBLISHER_AT, at + PUBLISHER_AT + DIGITS));
      const place = publisher * this.each + Number(bytes.toString('latin1', at + ROUND_AT, at + PACKET_BYTES));
      if (this.#seen[place] === 0) this.count++;
      else this.doubled++;
      this.#seen[place] = 1;
      acks.writeUInt16BE((PUBACK << 8) | 2, n * PUBACK_BYTES);
      bytes.copy(acks, n * PUBACK_BYTES + 2, at + ID_AT, at + ID_AT + 2);
    }
    this.#rest = Buffer.from(bytes.subarray(count * PACKET_BYTES));
    if (count > 0) this.client.socket.write(acks);
  }

  get closed(): boolean {
    return this.client.closed;
  }

  close(): void {
    this.client.destroy();
  }
}
