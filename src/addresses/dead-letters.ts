import { FairleadError } from '../common/errors';
import { OUTCOME, type LargeBody, type Outcome } from '../streams/contract';
import { SEGMENT_BYTES } from '../streams/limits';
import {
  PENDING,
  PUBLISH_FLAG,
  type AddressRef,
  type Publisher,
  type PublisherHandler,
  type Verdict,
} from './contract';
import { AddressError } from './errors';

/** A message on its way from a queue here to another address. */
interface DeadLetter {
  readonly address: string;
  /** A large one is held until it is sent. */
  readonly message: Buffer | LargeBody;
  readonly done: (outcome: Outcome) => void;
}

/** A large one that is being published. */
interface Publishing {
  readonly body: LargeBody;
  readonly token: number;
  at: number;
}

const PART = Buffer.allocUnsafeSlow(SEGMENT_BYTES);

/** Publishes what queues here send to other addresses. */
export class DeadLetters {
  #waiting: DeadLetter[] = [];
  readonly #sent = new Map<number, (outcome: Outcome) => void>();
  #publisher: Publisher | null = null;
  #last = 0;
  #large: Publishing | null = null;
  #isHeld = false;
  readonly #handler: PublisherHandler = {
    // Queues send no more at once than they may have under way: they do not wait for credit.
    onCredit: () => undefined,
    onHold: (hold) => {
      this.#isHeld = hold;
      if (!hold) this.scheduleFlush();
    },
    onGone: () => undefined,
    onOutcome: (token, outcome) => this.#settle(token, outcome),
  };

  constructor(
    private readonly resolve: (address: string) => AddressRef,
    private readonly open: (handler: PublisherHandler) => Publisher,
    private readonly scheduleFlush: () => void,
  ) {}

  /** Sends a message at the end of the turn. */
  add(address: string, message: Buffer, done: (outcome: Outcome) => void): void {
    this.#waiting.push({ address, message, done });
    this.scheduleFlush();
  }

  /** The same of a large one, as fast as it leaves. */
  addLarge(address: string, body: LargeBody, done: (outcome: Outcome) => void): void {
    body.retain();
    this.#waiting.push({ address, message: body, done });
    this.scheduleFlush();
  }

  flush(): void {
    if (this.#large !== null) this.#goOn(this.#large);
    while (this.#large === null) {
      const letter = this.#waiting.shift();
      if (letter === undefined) return;
      this.#send(letter);
    }
  }

  #send({ address, message, done }: DeadLetter): void {
    const to = this.#target(address);
    if (to === null) {
      if (!Buffer.isBuffer(message)) message.release();
      done(OUTCOME.rejected);
      return;
    }
    const token = ++this.#last;
    this.#sent.set(token, done);
    this.#publisher ??= this.open(this.#handler);
    if (Buffer.isBuffer(message)) {
      this.#ended(token, this.#publisher.publish(to, PUBLISH_FLAG.durable, message, 0, message.length, token));
      return;
    }
    this.#publisher.begin(to, PUBLISH_FLAG.durable, token);
    this.#large = { body: message, token, at: 0 };
    this.#goOn(this.#large);
  }

  #ended(token: number, verdict: Verdict): void {
    if (verdict !== PENDING) this.#settle(token, verdict);
  }

  #goOn(large: Publishing): void {
    const { body, token } = large;
    const publisher = this.#publisher as Publisher;
    try {
      while (large.at < body.length) {
        if (this.#isHeld) return;
        const bytes = body.read(large.at, PART);
        publisher.part(PART, 0, bytes);
        large.at += bytes;
      }
      this.#ended(token, publisher.end());
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      // It cannot be read for now: its queue tries again.
      publisher.abort();
      this.#settle(token, OUTCOME.released);
    }
    this.#large = null;
    body.release();
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
