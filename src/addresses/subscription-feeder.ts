import type { FairleadError } from '../common/errors';
import type { PutSink, Queue } from '../queues/contract';
import type { MessageFilter } from '../queues/message-filter';
import { LARGE_HEAD_BYTES } from '../queues/limits';
import type { LargeBody } from '../streams/contract';
import type { AddressRef, Consumer, ConsumerHandler } from './contract';

/** Nobody waits for what becomes of a message in memory. */
const NOBODY: PutSink = { onPut: () => undefined };

/** What a feeder tells the subscription that it feeds. */
export interface FeederPorts {
  confirmed(unconfirmed: readonly string[]): void;
  gone(error: FairleadError): void;
  scheduleFlush(): void;
}

/** The consumer of a topic that fills the queue of a subscription which keeps nothing: whoever shares it takes from there. */
export class SubscriptionFeeder implements ConsumerHandler {
  #consumer: Consumer | null = null;
  /** Of the message that came last, and what it is put with. */
  #topic: string | null = null;
  #head: Buffer = Buffer.alloc(0);

  constructor(
    private readonly queue: Queue,
    private readonly selector: MessageFilter | null,
    private readonly ports: FeederPorts,
  ) {}

  open(consumer: Consumer): void {
    this.#consumer = consumer;
  }

  close(): void {
    this.#consumer?.close();
    this.#consumer = null;
  }

  /** The queue has room again. */
  pump(): void {
    this.#consumer?.pump();
  }

  ready(): boolean {
    return this.queue.room > 0;
  }

  credit(): number {
    return this.queue.room;
  }

  deliver(_token: number, address: AddressRef, _settled: boolean, payload: Buffer, start: number, end: number): void {
    if (this.selector !== null && !this.selector.matches(payload, start, end)) return;
    const head = this.#headOf(address);
    const put = Buffer.concat([head, payload.subarray(start, end)]);
    this.queue.put(put, 0, put.length, 0, null, 0, NOBODY, 0, 0, head.length);
    this.ports.scheduleFlush();
  }

  #headOf({ name }: AddressRef): Buffer {
    if (name !== this.#topic) {
      this.#topic = name;
      this.#head = Buffer.from(name);
    }
    return this.#head;
  }

  deliverLarge(_token: number, address: AddressRef, _settled: boolean, body: LargeBody): void {
    if (this.selector !== null) {
      const head = Buffer.allocUnsafe(Math.min(LARGE_HEAD_BYTES, body.length));
      if (!this.selector.matches(head, 0, body.read(0, head))) return;
    }
    this.queue.putLarge(body, 0, null, 0, NOBODY, 0, 0, this.#headOf(address));
    this.ports.scheduleFlush();
  }

  onGap(): void {
    // Those who share it cannot be told apart: what was missed is counted where it was given up.
  }

  onConfirmed(unconfirmed: readonly string[]): void {
    this.ports.confirmed(unconfirmed);
  }

  onSettled(): void {
    // It settles on delivery.
  }

  onDrained(): void {
    // It never drains.
  }

  onGone(error: FairleadError): void {
    this.#consumer = null;
    this.ports.gone(error);
  }
}
