import type { AmqpErrorFields } from '../../src/amqp/codec/types';
import { AMQP_OUTCOME, type AmqpOutcome } from '../../src/amqp/constants';
import type { SenderHandler, SenderLink } from '../../src/amqp/sender-link';
import { connect } from './client';
import { Histogram } from './histogram';
import { monotonicUs, Payload, STAMPED_TOGETHER, TurnClock } from './payload';
import type { Job } from './protocol';

/** A pause shorter than this is not worth giving the processor away. */
const PAUSE_US_MIN = 20;

/** Sends as fast as credit allows, or by the clock. */
export class Sender implements SenderHandler {
  sent = 0;
  /** Outcomes other than `accepted`. */
  refused = 0;
  /** From sending to the outcome, where there is a window. */
  readonly latencies = new Histogram();
  /** When the message of a token left; tokens are places in the window. */
  readonly #sentUs: Float64Array;
  readonly #freeTokens: Int32Array;
  #free: number;
  #limit = 0;
  #startUs = 0;
  #onIdle: (() => void) | null = null;
  readonly #payload: Payload;
  readonly #clock = new TurnClock();
  /** Sleeps on it without giving up the turn: a timer of the event loop is a whole millisecond late. */
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));

  private constructor(
    private readonly link: SenderLink,
    private readonly job: Job & { role: 'sender' },
  ) {
    this.#payload = new Payload(job.bodyBytes, job.durable);
    this.#sentUs = new Float64Array(job.window);
    this.#freeTokens = Int32Array.from({ length: job.window }, (_, token) => token);
    this.#free = job.window;
    link.handler = this;
  }

  static async open(job: Job & { role: 'sender' }): Promise<Sender> {
    const connection = await connect(job.at);
    const link = connection.begin().attachSender(`bench-${process.pid}`, {
      sndSettleMode: job.settled ? 1 : 0,
      target: { type: 'target', address: job.address, capabilities: job.durable ? ['queue'] : [] },
    });
    return new Promise((resolve) => {
      const sender = new Sender(link, job);
      sender.onAttached = () => resolve(sender);
    });
  }

  onAttached: () => void = () => undefined;

  go(limit: number): void {
    this.#limit = limit === 0 ? Infinity : limit;
    this.#startUs = monotonicUs();
    if (this.job.rate > 0) this.#paced();
    else this.#more();
  }

  #more(): void {
    if (this.job.window > 0) this.#fill();
    else this.#burst();
  }

  /** Everything that credit and the buffers allow now. */
  #burst(): void {
    const { link } = this;
    const payload = this.#payload;
    const { bytes } = payload;
    const { settled } = this.job;
    while (this.sent < this.#limit && link.canSend()) {
      if (this.sent % STAMPED_TOGETHER === 0) payload.time(monotonicUs());
      payload.sequence(this.sent++);
      link.send(bytes, 0, bytes.length, 0, settled, 0);
    }
  }

  /** As many as the window holds. */
  #fill(): void {
    const { link } = this;
    const payload = this.#payload;
    const { bytes } = payload;
    const now = this.#clock.us;
    payload.time(now);
    while (this.#free > 0 && this.sent < this.#limit && link.canSend()) {
      const token = this.#freeTokens[--this.#free] as number;
      this.#sentUs[token] = now;
      payload.sequence(this.sent++);
      link.send(bytes, 0, bytes.length, token, false, 0);
    }
  }

  /** Each message carries the moment at which it was meant to leave: a stall of anything counts for all that it held up. */
  #paced(): void {
    const everyUs = 1e6 / this.job.rate;
    const payload = this.#payload;
    let due = this.#startUs + this.sent * everyUs;
    const wait = due - monotonicUs();
    if (wait > PAUSE_US_MIN) Atomics.wait(this.#pause, 0, 0, wait / 1000);
    const now = monotonicUs();
    while (due <= now && this.sent < this.#limit && this.link.canSend()) {
      payload.time(due);
      payload.sequence(this.sent++);
      this.link.send(payload.bytes, 0, payload.bytes.length, 0, this.job.settled, 0);
      due = this.#startUs + this.sent * everyUs;
    }
    if (this.sent < this.#limit) setImmediate(() => this.#paced());
  }

  /** Sends no more; resolves when every outcome has come. */
  stop(): Promise<void> {
    this.#limit = this.sent;
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      this.#settled();
    });
  }

  #settled(): void {
    if (this.#onIdle !== null && this.link.unsettled === 0) this.#onIdle();
  }

  onWritable(): void {
    if (this.job.rate === 0) this.#more();
  }

  onCredit(): void {
    if (this.job.rate === 0) this.#more();
  }

  onOutcome(_link: SenderLink, _id: number, token: number, outcome: AmqpOutcome): void {
    if (outcome !== AMQP_OUTCOME.accepted) this.refused++;
    if (this.job.window > 0) {
      this.latencies.add(this.#clock.us - (this.#sentUs[token] as number));
      this.#freeTokens[this.#free++] = token;
      this.#fill();
    }
    this.#settled();
  }

  onDetached(_link: SenderLink, error: AmqpErrorFields | null): void {
    throw new Error(`the sender's link was detached: ${error?.condition ?? ''} ${error?.description ?? ''}`);
  }
}
