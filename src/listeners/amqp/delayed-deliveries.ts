import { PutFields, readDeliveryTimes } from '../../message/put-fields';
import type { LargeBody } from '../../streams/contract';
import type { ClientBudget } from '../edge/client-budget';
import { DELAYED_BYTES_MAX, DELAYED_MESSAGES_MAX } from './limits';

/** Of a large message so much is looked at for its annotations. */
const HEAD_BYTES = 32 * 1024;
/** The longest time that a timer of Node knows. */
const TIMER_MS_MAX = 0x7fff_ffff;

/** A message that waits for its time: whole, or a large one. */
interface Waiting {
  readonly dueAt: number;
  readonly bytes: number;
  readonly message: Buffer | LargeBody;
}

const FIELDS = new PutFields();

/**
 * Messages of a topic that say when they may be delivered (`x-opt-delivery-time`, `x-opt-delivery-delay`), on their way to a plain
 * subscriber: others pass them. They are gone with its link, as all is that a plain subscriber has not got.
 */
export class DelayedDeliveries {
  /** In the order of their times; of one time in the order in which they came. */
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  /** @param onDue the time of one has come */
  constructor(
    private readonly budget: ClientBudget,
    private readonly onDue: () => void,
  ) {}

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
  keeps(bytes: Buffer, start: number, end: number): boolean {
    const dueAt = dueTime(bytes, start, end);
    if (dueAt === 0 || dueAt <= Date.now()) return false;
    this.#add({ dueAt, bytes: end - start, message: Buffer.from(bytes.subarray(start, end)) });
    return true;
  }

  /** The same of a large one, which is retained. */
  keepsLarge(body: LargeBody): boolean {
    const head = Buffer.allocUnsafe(Math.min(HEAD_BYTES, body.length));
    const dueAt = dueTime(head, 0, body.read(0, head));
    if (dueAt === 0 || dueAt <= Date.now()) return false;
    body.retain();
    this.#add({ dueAt, bytes: body.length, message: body });
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
      if (first.dueAt <= Date.now()) this.onDue();
      else this.#arm();
    }, ms).unref();
  }

  /** The next message whose time has come, a large one with its claim; null when there is none. */
  takeDue(): Buffer | LargeBody | null {
    const [first] = this.#waiting;
    if (first === undefined || first.dueAt > Date.now()) {
      if (this.#timer === null) this.#arm();
      return null;
    }
    this.#waiting.shift();
    this.#forget(first);
    return first.message;
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
