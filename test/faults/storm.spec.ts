import { once } from 'node:events';
import { RawMqtt } from '../support/clients/mqtt-raw';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';
import { note, seedOf } from '../support/seed';
import { residentMiB } from './metrics';
import { pause } from './pause';
import { lengthOf } from './row-length';

seedOf(__filename);

/** Filters of each client. */
const EACH = 100;
const SUBSCRIPTIONS = lengthOf('F34', 10_000, 100_000);
const CLIENTS = SUBSCRIPTIONS / EACH;
const CASE_MS = lengthOf('F34', 180_000, 900_000);
const LISTENERS = [{ protocol: 'mqtt' as const, port: 0 }];
/** What of their throughput others keep. */
const SHARE_LEAST = 0.5;
const BASELINE_MS = 3_000;
/** PUBACK of MQTT 5 without a reason. */
const PUBACK_BYTES = 4;

/** Others who publish at one site and subscribe at another, as many messages a second as they are asked to, unless they are held up. */
class CalmFlow {
  static readonly #TICK_MS = 10;
  static readonly #PER_MS = 2;
  static readonly #WINDOW = 1_000;
  readonly #since = performance.now();
  #timer: NodeJS.Timeout | null = null;
  /** Those that were not sent in time for want of an acknowledgement are not made up for. */
  #skipped = 0;
  sent = 0;

  private constructor(
    private readonly publisher: RawMqtt,
    private readonly subscriber: RawMqtt,
    private readonly packet: Buffer,
    private readonly arrived: Buffer,
    private readonly before: { readonly acks: number; readonly messages: number },
  ) {}

  static async start(publishAt: number, subscribeAt: number): Promise<CalmFlow> {
    const subscriber = await RawMqtt.connect(subscribeAt, 'calm-subscriber');
    subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'calm', qos: 0 }] });
    await eventually('it has subscribed', () => subscriber.last[0] === 0x90);
    const publisher = await RawMqtt.connect(publishAt, 'calm-publisher');
    const publish = { cmd: 'publish', topic: 'calm', payload: Buffer.alloc(100, 1) };
    // The packet id is written over; those of 1,000 that are under way differ.
    const packet = RawMqtt.bytes({ ...publish, qos: 1, messageId: 1 });
    const before = { acks: publisher.received, messages: subscriber.received };
    const flow = new CalmFlow(publisher, subscriber, packet, RawMqtt.bytes({ ...publish, qos: 0 }), before);
    flow.#timer = setInterval(() => flow.#send(), CalmFlow.#TICK_MS);
    return flow;
  }

  #send(): void {
    const acknowledged = (this.publisher.received - this.before.acks) / PUBACK_BYTES;
    const due = Math.floor((performance.now() - this.#since) * CalmFlow.#PER_MS) - this.#skipped;
    while (this.sent < due && this.sent - acknowledged < CalmFlow.#WINDOW) {
      const packet = Buffer.from(this.packet);
      packet.writeUInt16BE((this.sent++ % 60_000) + 1, 2 + 2 + 'calm'.length);
      this.publisher.socket.write(packet);
    }
    this.#skipped += Math.max(0, due - this.sent);
  }

  get got(): number {
    return (this.subscriber.received - this.before.messages) / this.arrived.length;
  }

  /** Messages a second until something is done. */
  async rateUntil(done: Promise<unknown>): Promise<number> {
    const [got, since] = [this.got, performance.now()];
    await done;
    return ((this.got - got) * 1_000) / (performance.now() - since);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await eventually('all that others sent has come', () => this.got === this.sent, { withinMs: 60_000 });
    this.publisher.destroy();
    this.subscriber.destroy();
  }
}

/** SUBSCRIBE packets of a client, and its filters. */
const PACKETS = 10;
const PER_PACKET = EACH / PACKETS;
const SUBACKS = Buffer.concat(
  Array.from({ length: PACKETS }, (_, at) =>
    RawMqtt.bytes({ cmd: 'suback', messageId: at + 1, granted: Array.from({ length: PER_PACKET }, () => 0) }),
  ),
);

/** A client that connects, subscribes to many filters, and is published to from afar as soon as it is told that it has. */
async function stormy(port: number, index: number, publisher: RawMqtt): Promise<RawMqtt> {
  const client = await RawMqtt.connect(port, `storm-${index}`);
  const before = client.received;
  for (let at = 0; at < PACKETS; at++) {
    const subscriptions = Array.from({ length: PER_PACKET }, (_, n) => ({
      topic: `storm/${index}/${at}/${n}`,
      qos: 0,
    }));
    client.send({ cmd: 'subscribe', messageId: at + 1, subscriptions });
  }
  while (client.received - before < SUBACKS.length) await once(client.socket, 'data');
  publisher.send({ cmd: 'publish', topic: `storm/${index}/${index % PACKETS}/0`, payload: 'x', qos: 0 });
  return client;
}

describe('F34: a storm of subscriptions', () => {
  it(
    `${SUBSCRIPTIONS} at two sites cost the others no more than half of their throughput, and miss nothing from then on`,
    async () => {
      const mesh = await Mesh.line(['a', 'b', 'c'], { document: { listeners: LISTENERS } });
      await mesh.start();
      const port = (name: string): number => mesh.node(name).port('mqtt');
      const calm = await CalmFlow.start(port('a'), port('c'));
      const publisher = await RawMqtt.connect(port('a'), 'first');
      const alone = await calm.rateUntil(pause(BASELINE_MS));
      const storm = Promise.all(
        Array.from({ length: CLIENTS }, (_, index) => stormy(port(index % 2 === 0 ? 'b' : 'c'), index, publisher)),
      );
      const since = performance.now();
      const beside = await calm.rateUntil(storm);
      const clients = await storm;
      const seconds = ((performance.now() - since) / 1_000).toFixed(1);
      const memory = ['a', 'b', 'c'].map((name) => Math.round(residentMiB(mesh.node(name)))).join(', ');
      note(
        `others alone ${Math.round(alone)}/s, beside the storm of ${seconds} s ${Math.round(beside)}/s; ${memory} MiB`,
      );
      // Behind its SUBACK each client got the one message that was published for it.
      await eventually('the first message of each client', () => clients.every(({ last }) => last[0] === 0x30), {
        withinMs: 30_000,
      });
      expect(beside).toBeGreaterThan(alone * SHARE_LEAST);
      await calm.stop();
      for (const client of [...clients, publisher]) client.destroy();
      expect(await mesh.stop()).toEqual([0, 0, 0]);
    },
    CASE_MS,
  );
});
