import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Histogram } from '../load/histogram';
import type { Endpoint } from '../load/protocol';
import type { PublishRing } from './packets';
import { ACK_BYTES, connectPacket, PUBACK, SUBACK, subscribePacket } from './packets';

/** Packets of a ring: more than can be under way, so that none is written over before the kernel has it. */
export const RING_SLOTS = 8_192;
/** Bytes that the kernel has not taken, past which a publisher of QoS 0 waits. */
const UNWRITTEN_MAX = 256 * 1024;
/** Packets written at once. */
const TOGETHER = 256;

let clients = 0;

async function client({ host, port }: Endpoint): Promise<Socket> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  socket.setNoDelay(true);
  socket.write(connectPacket(`bench-${process.pid}-${clients++}`));
  const [connack] = (await once(socket, 'data')) as [Buffer];
  if (connack.length !== 4 || connack[3] !== 0) throw new Error(`CONNACK ${connack.toString('hex')}`);
  return socket;
}

/** Cuts what comes into pieces of one length; what is left over waits for the rest. */
class Cutter {
  #rest: Buffer = Buffer.alloc(0);

  constructor(private readonly length: number) {}

  /** @returns whole pieces, one behind the other */
  take(chunk: Buffer): Buffer {
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const whole = all.length - (all.length % this.length);
    this.#rest = whole === all.length ? Buffer.alloc(0) : Buffer.from(all.subarray(whole));
    return all.subarray(0, whole);
  }
}

/** Publishes from a ring: as fast as its window or the kernel lets it, or at a pace. */
export class BenchPublisher {
  sent = 0;
  #acknowledged = 0;
  #stopped = false;
  #scheduled = false;
  readonly #acks = new Cutter(ACK_BYTES);
  #pace: NodeJS.Timeout | null = null;

  private constructor(
    private readonly socket: Socket,
    readonly ring: PublishRing,
    /** Messages of QoS 1 that are not acknowledged. */
    private readonly window: number,
  ) {
    socket.on('data', (chunk: Buffer) => this.#onAcks(this.#acks.take(chunk)));
    socket.on('drain', () => this.#send());
  }

  static async open(at: Endpoint, ring: PublishRing, window: number): Promise<BenchPublisher> {
    return new BenchPublisher(await client(at), ring, window);
  }

  #onAcks(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += ACK_BYTES)
      if (bytes[at] !== PUBACK) throw new Error(`packet of type ${(bytes[at] as number) >>> 4} for a publisher`);
    this.#acknowledged += bytes.length / ACK_BYTES;
    if (this.#pace === null) this.#send();
  }

  start(): void {
    this.#send();
  }

  /** So many a second; each is stamped with the moment at which it was meant to leave, so that a stall counts for all that it holds up. */
  startPaced(perSecond: number): void {
    const begin = performance.now() * 1_000;
    const dueUs = (number: number): number => begin + (number * 1e6) / perSecond;
    this.#pace = setInterval(() => {
      const due = Math.floor(((performance.now() * 1_000 - begin) / 1e6) * perSecond);
      while (this.sent < due) this.#write(due - this.sent, dueUs);
    }, 1);
  }

  #room(): number {
    if (this.#stopped) return 0;
    if (this.ring.qos > 0) return this.window - (this.sent - this.#acknowledged);
    return this.socket.writableLength < UNWRITTEN_MAX ? TOGETHER : 0;
  }

  #send(): void {
    const room = this.#room();
    if (room <= 0) return;
    const now = performance.now() * 1_000;
    this.#write(Math.min(room, TOGETHER), () => now);
    if (this.#scheduled || this.#room() <= 0) return;
    this.#scheduled = true;
    // What comes is read in between.
    setImmediate(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #write(most: number, leftAtUs: (number: number) => number): void {
    const bytes = this.ring.next(this.sent, most, leftAtUs);
    this.sent += bytes.length / this.ring.packetBytes;
    this.socket.write(bytes);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#pace !== null) clearInterval(this.#pace);
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Counts what comes of one ring, acknowledges it, and takes the time that it was under way. */
export class BenchSubscriber {
  received = 0;
  /** Repeats and inversions. */
  wrong = 0;
  readonly latency = new Histogram();
  readonly #packets: Cutter;
  #next = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly ring: PublishRing,
  ) {
    this.#packets = new Cutter(ring.packetBytes);
    socket.on('data', (chunk: Buffer) => this.#onPackets(this.#packets.take(chunk)));
  }

  static async open(at: Endpoint, ring: PublishRing, topic: string): Promise<BenchSubscriber> {
    const socket = await client(at);
    socket.write(subscribePacket(topic, ring.qos));
    const [suback] = (await once(socket, 'data')) as [Buffer];
    if (suback[0] !== SUBACK || suback[4] !== ring.qos) throw new Error(`SUBACK ${suback.toString('hex')}`);
    return new BenchSubscriber(socket, ring);
  }

  #onPackets(bytes: Buffer): void {
    const { ring } = this;
    const { packetBytes } = ring;
    const count = bytes.length / packetBytes;
    if (count === 0) return;
    const now = performance.now() * 1_000;
    const acks = Buffer.allocUnsafe(ring.qos > 0 ? count * ACK_BYTES : 0);
    for (let at = 0, ack = 0; at < bytes.length; at += packetBytes, ack += ACK_BYTES) {
      ring.check(bytes, at);
      const number = ring.numberOf(bytes, at);
      if (number < this.#next) this.wrong++;
      else this.#next = number + 1;
      this.latency.add(now - ring.leftAtUs(bytes, at));
      if (ring.qos > 0) acks.writeUInt32BE((PUBACK << 24) | (2 << 16) | ring.idOf(bytes, at), ack);
    }
    this.received += count;
    if (acks.length > 0) this.socket.write(acks);
  }

  close(): void {
    this.socket.destroy();
  }
}
