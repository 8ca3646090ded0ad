import { randomBytes } from 'node:crypto';
import type { AddressRef, Consumer, ConsumerHandler } from '../../../addresses/contract';
import type { FairleadError } from '../../../common/errors';
import { OUTCOME, type LargeBody, type Outcome } from '../../../streams/contract';
import type { Deadline } from '../../edge/deadlines';
import { HttpError } from '../errors';
import type { Exchange } from '../exchange';
import type { HttpEdgeOptions } from '../http-options';
import { RECEIVER_IDLE_MS } from '../limits';
import { answerLarge, answerMessage } from './raw-delivery';
import { consumerSpec, type ConsumeWish } from './subscription-wish';

/** A request that waits for a message. */
interface Waiter extends Deadline {
  readonly exchange: Exchange;
  readonly lockMs: number;
}

/** What a client has and has not settled. */
export class Delivery implements Deadline {
  readonly token = randomBytes(16).toString('base64url');
  /** Told when its outcome is in force, or why it is not. */
  onSettled: ((error: FairleadError | null) => void) | null = null;
  /** Its outcome is told; that may not be in force yet. */
  isSettled = false;

  constructor(
    readonly receiver: LockedReceiver,
    readonly meshToken: number,
    public dueAtMs: number,
  ) {}

  /** Its lock has ended: an attempt that has failed. */
  onDue(): void {
    this.receiver.settle(this, OUTCOME.modifiedFailed);
  }
}

/** Who keeps deliveries by their tokens. */
export interface DeliveryBook {
  readonly full: boolean;
  add(delivery: Delivery): void;
  remove(delivery: Delivery): void;
  /** The receiver has gone. */
  ended(receiver: LockedReceiver): void;
}

/** Consumes an address for requests of one client: one message for each, locked until it is settled or its time is over. */
export class LockedReceiver implements ConsumerHandler, Deadline {
  dueAtMs = Number.POSITIVE_INFINITY;
  readonly #waiting: Waiter[] = [];
  readonly #deliveries = new Map<number, Delivery>();
  #consumer: Consumer | null = null;
  #gone: FairleadError | null = null;

  /** @throws FairleadError when the address cannot be consumed */
  constructor(
    private readonly options: HttpEdgeOptions,
    private readonly book: DeliveryBook,
    private readonly wish: ConsumeWish,
    client: string,
  ) {
    this.#consumer = options.addresses.openConsumer(consumerSpec(wish, client, false), this);
    options.budget.links++;
    options.deadlines.add(this);
    if (this.#gone === null) return;
    this.#end(this.#gone);
    throw this.#gone as FairleadError;
  }

  get closed(): boolean {
    return this.#consumer === null;
  }

  /** Answers a request with the next message, or with nothing after a while. */
  receive(exchange: Exchange, waitMs: number, lockMs: number): void {
    const { deadlines } = this.options;
    const waiter: Waiter = {
      exchange,
      lockMs,
      dueAtMs: deadlines.now() + waitMs,
      onDue: () => {
        this.#leave(waiter);
        exchange.answer(204, {}, null);
      },
    };
    this.#waiting.push(waiter);
    deadlines.add(waiter);
    exchange.onGone = () => this.#leave(waiter);
    this.dueAtMs = Number.POSITIVE_INFINITY;
    this.#consumer?.pump();
  }

  #leave(waiter: Waiter): void {
    const at = this.#waiting.indexOf(waiter);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.options.deadlines.remove(waiter);
    waiter.exchange.onGone = null;
    // What was asked for on behalf of it must not wait here.
    if (this.#waiting.length === 0) this.#consumer?.drain();
    this.#look();
  }

  /** Nobody uses it: it goes after a while, for the next request mostly follows. */
  #look(): void {
    const idle = this.#waiting.length === 0 && this.#deliveries.size === 0;
    this.dueAtMs = idle ? this.options.deadlines.now() + RECEIVER_IDLE_MS : Number.POSITIVE_INFINITY;
  }

  onDue(): void {
    this.#end(null);
  }

  // --- what the mesh says ----------------------------------------------------------------------------------------------------

  ready(): boolean {
    return this.#waiting.length > 0 && !this.book.full;
  }

  credit(): number {
    return this.book.full ? 0 : this.#waiting.length;
  }

  deliver(token: number, _address: AddressRef, settled: boolean, payload: Buffer, start: number, end: number): void {
    const waiter = this.#next();
    if (waiter === null) this.#giveBack(token, settled);
    else answerMessage(waiter.exchange, this.#lock(token, settled, waiter), payload, start, end);
  }

  deliverLarge(token: number, _address: AddressRef, settled: boolean, body: LargeBody): void {
    const waiter = this.#next();
    if (waiter === null) this.#giveBack(token, settled);
    else answerLarge(waiter.exchange, this.#lock(token, settled, waiter), body);
  }

  /** There is room for another delivery. */
  pump(): void {
    this.#consumer?.pump();
  }

  #giveBack(token: number, settled: boolean): void {
    if (!settled) this.#consumer?.settle(token, OUTCOME.released, null);
  }

  #next(): Waiter | null {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) return null;
    this.options.deadlines.remove(waiter);
    waiter.exchange.onGone = null;
    return waiter;
  }

  /** @returns the headers that tell of the lock */
  #lock(token: number, settled: boolean, { lockMs, exchange }: Waiter): Record<string, string> {
    if (settled) return {};
    const delivery = new Delivery(this, token, this.options.deadlines.now() + lockMs);
    this.#deliveries.set(token, delivery);
    this.book.add(delivery);
    // An answer that did not leave is one that nobody has.
    exchange.onGone = () => this.settle(delivery, OUTCOME.released);
    return {
      location: `/v1/addresses/${encodeURIComponent(this.wish.address)}/deliveries/${delivery.token}`,
      'fairlead-mesh-locked-until': new Date(Date.now() + lockMs).toISOString(),
    };
  }

  onGap(): void {
    // What is kept has no gaps.
  }

  onConfirmed(): void {
    this.#consumer?.pump();
  }

  onDrained(): void {
    // Nobody waits for it.
  }

  onGone(error: FairleadError): void {
    this.#gone = error;
    if (this.#consumer !== null) this.#end(error);
  }

  // --- settlement ------------------------------------------------------------------------------------------------------------

  settle(delivery: Delivery, outcome: Outcome): void {
    if (delivery.isSettled || !this.#deliveries.has(delivery.meshToken)) return;
    delivery.isSettled = true;
    const asked = delivery.onSettled !== null;
    if (!asked) this.#deliveries.delete(delivery.meshToken);
    this.#consumer?.settle(delivery.meshToken, outcome, null, asked);
    this.book.remove(delivery);
    this.#look();
  }

  onSettled(token: number, error: FairleadError | null): void {
    const delivery = this.#deliveries.get(token);
    this.#deliveries.delete(token);
    delivery?.onSettled?.(error);
    this.#look();
  }

  #end(error: FairleadError | null): void {
    const consumer = this.#consumer;
    if (consumer === null) return;
    this.#consumer = null;
    const { deadlines, budget } = this.options;
    const why = error ?? new HttpError('FL_HTTP_DRAINING', 'the node is shutting down');
    deadlines.remove(this);
    budget.links--;
    for (let waiter = this.#next(); waiter !== null; waiter = this.#next()) waiter.exchange.problem(why);
    for (const delivery of this.#deliveries.values()) {
      this.book.remove(delivery);
      delivery.onSettled?.(why);
    }
    this.#deliveries.clear();
    consumer.close(false, false);
    this.book.ended(this);
  }
}
