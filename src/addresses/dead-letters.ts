import { OUTCOME, type Outcome } from '../streams/contract';
import { PENDING, PUBLISH_FLAG, type AddressRef, type Publisher, type PublisherHandler } from './contract';
import { AddressError } from './errors';

/** A message on its way from a queue here to another address. */
interface DeadLetter {
  readonly address: string;
  readonly payload: Buffer;
  readonly done: (outcome: Outcome) => void;
}

/** Publishes what queues here send to other addresses. */
export class DeadLetters {
  #waiting: DeadLetter[] = [];
  readonly #sent = new Map<number, (outcome: Outcome) => void>();
  #publisher: Publisher | null = null;
  #last = 0;
  readonly #handler: PublisherHandler = {
    // Queues send no more at once than they may have under way: they do not wait for credit.
    onCredit: () => undefined,
    onHold: () => undefined,
    onGone: () => undefined,
    onOutcome: (token, outcome) => this.#settle(token, outcome),
  };

  constructor(
    private readonly resolve: (address: string) => AddressRef,
    private readonly open: (handler: PublisherHandler) => Publisher,
    private readonly scheduleFlush: () => void,
  ) {}

  /** Sends a message at the end of the turn. */
  add(address: string, payload: Buffer, done: (outcome: Outcome) => void): void {
    this.#waiting.push({ address, payload, done });
    this.scheduleFlush();
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const letter of waiting) this.#send(letter);
  }

  #send({ address, payload, done }: DeadLetter): void {
    const to = this.#target(address);
    if (to === null) {
      done(OUTCOME.rejected);
      return;
    }
    const token = ++this.#last;
    this.#sent.set(token, done);
    this.#publisher ??= this.open(this.#handler);
    const verdict = this.#publisher.publish(to, PUBLISH_FLAG.durable, payload, 0, payload.length, token);
    if (verdict !== PENDING) this.#settle(token, verdict);
  }

  /** Null for an address that cannot be used by the rules there are now. */
  #target(address: string): AddressRef | null {
    try {
      return this.resolve(address);
    } catch (error) {
      if (error instanceof AddressError) return null;
      throw error;
    }
  }

  #settle(token: number, outcome: Outcome): void {
    const done = this.#sent.get(token);
    this.#sent.delete(token);
    done?.(outcome);
  }
}
