import type { AddressRef, Consumer } from '../../addresses/contract';
import { PutFields, readDeliveryTimes } from '../../message/put-fields';
import type { LargeBody } from '../../streams/contract';
import type { ClientBudget } from './client-budget';
import { DELAYED_BYTES_MAX, DELAYED_MESSAGES_MAX } from './limits';

/** Of a large message so much is looked at for its annotations. */
const HEAD_BYTES = 32 * 1024;
/** The longest time that a timer of Node knows. */
const TIMER_MS_MAX = 0x7fff_ffff;

/** A message that waits for its time: whole, or a large one. */
interface Waiting {
  readonly dueAt: number;
  readonly bytes: number;
  readonly address: AddressRef;
  readonly message: Buffer | LargeBody;
}

/** A plain subscriber of topics, whatever its protocol. */
export interface DelayedSubscriber {
  /** Whether its client can be given a message now. */
  takes(): boolean;
  /** Gives its client one whose time has come. */
  give(address: AddressRef, payload: Buffer, start: number, end: number): void;
  /** The same of a large one. @param body retained by whoever reads it after this call */
  giveLarge(address: AddressRef, body: LargeBody): void;
  /** The time of one has come: it asks for it by {@link DelayedDeliveries.giveDue}, and the mesh for what was held up. */
  goOn(): void;
}

const FIELDS = new PutFields();

/**
 * Messages of a topic that say when they may be delivered (`x-opt-delivery-time`, `x-opt-delivery-delay`), on their way to a plain
 * subscriber: others pass them. They are gone with it, as all is that a plain subscriber has not got.
 */
export class DelayedDeliveries {
  /** In the order of their times; of one time in the order in which they came. */
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  private constructor(
    private readonly budget: ClientBudget,
    private readonly subscriber: DelayedSubscriber,
  ) {}

  /** Of a consumer; null for one of a queue, and so of a subscription, for those hold messages back themselves. */
  static of(
    consumer: Pick<Consumer, 'address'> | null,
    budget: ClientBudget,
    by: DelayedSubscriber,
  ): DelayedDeliveries | null {
    return consumer?.address.kind === 'topic' ? new DelayedDeliveries(budget, by) : null;
  }

  /** It holds as much as it may. */
  get full(): boolean {
    const { length } = this.#waiting;
    if (length === 0) return false;
    return (
      length >= DELAYED_MESSAGES_MAX ||
      this.#bytes >= DELAYED_BYTES_MAX ||
      this.budget.delayedBytes >= this.budget.delayedBytesMax
    );
  }

  /** Keeps a message, copied, until its time. @returns false for one whose time has come */
  keeps(address: AddressRef, bytes: Buffer, start: number, end: number): boolean {
    const dueAt = dueTime(bytes, start, end);
    if (dueAt === 0 || dueAt <= Date.now()) return false;
    this.#add({ dueAt, bytes: end - start, address, message: Buffer.from(bytes.subarray(start, end)) });
    return true;
  }

  /** The same of a large one, which is retained. */
  keepsLarge(address: AddressRef, body: LargeBody): boolean {
    const head = Buffer.allocUnsafe(Math.min(HEAD_BYTES, body.length));
    const dueAt = dueTime(head, 0, body.read(0, head));
    if (dueAt === 0 || dueAt <= Date.now()) return false;
    body.retain();
    this.#add({ dueAt, bytes: body.length, address, message: body });
    return true;
  }

  #add(one: Waiting): void {
    const found = this.#waiting.findIndex(({ dueAt }) => dueAt > one.dueAt);
    const place = found < 0 ? this.#waiting.length : found;
    this.#waiting.splice(place, 0, one);
    this.#bytes += one.bytes;
    this.budget.delayedBytes += one.bytes;
    if (place === 0) this.#arm();
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const [first] = this.#waiting;
    this.#timer = null;
    if (first === undefined) return;
    const ms = Math.min(Math.max(0, first.dueAt - Date.now()), TIMER_MS_MAX);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (first.dueAt <= Date.now()) this.subscriber.goOn();
      else this.#arm();
    }, ms).unref();
  }

  /** Gives those whose time has come, as far as their subscriber takes them; it is called too when that takes some again. */
  giveDue(): void {
    while (this.#waiting.length > 0 && this.subscriber.takes()) {
      const [first] = this.#waiting as [Waiting];
      if (first.dueAt > Date.now()) {
        if (this.#timer === null) this.#arm();
        return;
      }
      this.#waiting.shift();
      this.#forget(first);
      this.#give(first);
    }
  }

  #give({ address, message }: Waiting): void {
    if (Buffer.isBuffer(message)) {
      this.subscriber.give(address, message, 0, message.length);
      return;
    }
    this.subscriber.giveLarge(address, message);
    message.release();
  }

  #forget({ bytes }: Waiting): void {
    this.#bytes -= bytes;
    this.budget.delayedBytes -= bytes;
  }

  /** Its subscriber has gone. */
  clear(): void {
    for (const one of this.#waiting.splice(0)) {
      this.#forget(one);
      if (!Buffer.isBuffer(one.message)) one.message.release();
    }
    this.#arm();
  }
}

/** Wall-clock ms; 0 for at once. */
function dueTime(bytes: Buffer, start: number, end: number): number {
  if (!readDeliveryTimes(bytes, start, end, FIELDS)) return 0;
  return FIELDS.deliveryTime >= 0 ? FIELDS.deliveryTime : Date.now() + FIELDS.deliveryDelay;
}
