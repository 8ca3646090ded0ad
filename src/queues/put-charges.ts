import { REFUSAL, type Refusal } from './refusals';

/** Why a put of a transaction would be refused, and by which queue. */
export interface Refused {
  readonly refusal: Refusal;
  readonly queue: string;
}

interface Charge {
  messages: number;
  bytes: number;
}

/** What a transaction is to put into each queue, while it is asked whether all of it would be taken. */
export class PutCharges {
  /** Messages in all queues that have them by an intake. */
  copies = 0;
  readonly #charges = new Map<object, Charge>();

  /** @param refusalOf why a queue would not take one more, after so many messages and bytes */
  add(
    queue: { readonly name: string },
    length: number,
    refusalOf: (messages: number, bytes: number) => Refusal,
  ): Refused | null {
    const charge = this.#charges.get(queue) ?? { messages: 0, bytes: 0 };
    const refusal = refusalOf(charge.messages, charge.bytes);
    if (refusal !== REFUSAL.none) return { refusal, queue: queue.name };
    charge.messages++;
    charge.bytes += length;
    this.#charges.set(queue, charge);
    return null;
  }
}
