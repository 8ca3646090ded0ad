import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Queue, QueueConsumer, QueueSink } from '../src/queues/contract';
import { DEFAULT_QUEUE_POLICY } from '../src/queues/default-policy';
import { createQueueHost } from '../src/queues/host';
import { LmdbQueueStore } from '../src/store/queue-store';
import { OUTCOME } from '../src/streams/contract';

/** CPU per message of a queue and its store alone: put, delivered and settled in one process, without sockets. */
const MESSAGES = 1_000_000;
const TICK_MS = 2;

/** A publisher with a window, and a consumer that accepts at once. */
class Load implements QueueSink {
  put = 0;
  received = 0;
  #outstanding = 0;
  #isScheduled = false;
  #consumer: QueueConsumer | null = null;
  onEnd: () => void = () => undefined;

  constructor(
    private readonly window: number,
    private readonly payload: Buffer,
    private readonly queue: Queue,
    private readonly flush: () => void,
  ) {}

  start(): void {
    const spec = { client: 'bench', browse: false, selector: null, notFrom: 0, endpoint: 0, exclusive: false };
    this.#consumer = this.queue.consume({ ...spec, settled: false, near: true, messageBytesMax: 1e9 }, this);
    this.#consumer.pump();
    this.#schedule();
  }

  credit(): number {
    return 1_000;
  }

  deliver(token: number): void {
    this.received++;
    this.#consumer?.settle(token, OUTCOME.accepted, null, false);
    this.#schedule();
    if (this.received === MESSAGES) this.onEnd();
  }

  deliverLarge(): void {}
  onSettled(): void {}
  onGone(): void {}

  onPut(): void {
    this.#outstanding--;
    this.#schedule();
  }

  /** As what comes from sockets: collected, in a turn of its own. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    while (this.#outstanding < this.window && this.put < MESSAGES) {
      this.put++;
      this.#outstanding++;
      this.queue.put(this.payload, 0, this.payload.length, 1, null, 0, this, 0);
    }
    this.flush();
  }
}

async function run(window: number, bytes: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-queues-'));
  const store = LmdbQueueStore.open(folder);
  const host = createQueueHost({
    store,
    clock: { wall: () => Date.now(), now: () => performance.now() },
    events: {
      onQueue: () => undefined,
      onRoom: () => undefined,
      onDamage: () => undefined,
      forward: () => undefined,
      forwardLarge: () => undefined,
    },
  });
  const payload = Buffer.concat([
    Buffer.from([0x00, 0x53, 0x70, 0xc0, 0x02, 0x01, 0x41, 0, 0x53, 0x75, 0xb0]),
    Buffer.alloc(4 + bytes),
  ]);
  payload.writeUInt32BE(bytes, 11);
  const load = new Load(window, payload, host.open('bench', DEFAULT_QUEUE_POLICY), () => host.flush());
  const ticks = setInterval(() => host.tick(performance.now()), TICK_MS);
  const cpu = process.cpuUsage();
  const from = performance.now();
  await new Promise<void>((resolve) => {
    load.onEnd = resolve;
    load.start();
  });
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const perMessage = (user + system) / MESSAGES;
  process.stdout.write(
    `queue, window ${window}, ${bytes} B: ${(MESSAGES / seconds / 1_000).toFixed(0)} k msg/s, ${perMessage.toFixed(2)} CPU-us a message\n`,
  );
  clearInterval(ticks);
  await store.close();
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  for (const window of [1_000, 100]) for (const bytes of [100, 1_024]) await run(window, bytes);
}

void main();
