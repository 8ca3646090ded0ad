import type { SessionWill } from '../addresses/client-contract';
import { PUBLISH_FLAG, type AddressRef, type AddressSpace, type Publisher } from '../addresses/contract';
import { FairleadError } from '../common/errors';
import type { Journal } from '../common/ports';
import { WILLS_WAITING_MAX } from './limits';

export interface WillsPorts {
  readonly addresses: Pick<AddressSpace, 'resolve' | 'openPublisher'>;
  readonly journal: Journal;
  retain(address: AddressRef, payload: Buffer): void;
  scheduleFlush(): void;
}

/** Publishes for clients that have gone, as fast as there is credit for it. */
export class Wills {
  #publisher: Publisher | null = null;
  #credit = 0;
  readonly #waiting: SessionWill[] = [];
  #token = 0;
  /** Not published: there were too many, or their address can not be used. */
  dropped = 0;

  constructor(private readonly ports: WillsPorts) {}

  get waiting(): number {
    return this.#waiting.length;
  }

  add(will: SessionWill): void {
    if (this.#waiting.length >= WILLS_WAITING_MAX) {
      this.#waiting.shift();
      this.dropped++;
    }
    this.#waiting.push(will);
    this.ports.scheduleFlush();
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    this.#publisher ??= this.#open();
    while (this.#credit > 0) {
      const will = this.#waiting.shift();
      if (will === undefined) return;
      this.#publish(will);
    }
  }

  #open(): Publisher {
    return this.ports.addresses.openPublisher(
      { address: null, hint: null, client: 'wills' },
      {
        onCredit: (more) => {
          this.#credit += more;
          if (this.#waiting.length > 0) this.ports.scheduleFlush();
        },
        onOutcome: () => undefined,
        onHold: () => undefined,
        onGone: () => {
          this.#publisher = null;
          this.#credit = 0;
        },
      },
    );
  }

  #publish({ address, payload, durable, retain }: SessionWill): void {
    try {
      const to = this.ports.addresses.resolve(address, 'topic');
      const flags = durable ? PUBLISH_FLAG.durable : PUBLISH_FLAG.settled;
      this.#credit--;
      this.#publisher?.publish(to, flags, payload, 0, payload.length, ++this.#token);
      if (retain) this.ports.retain(to, payload);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.dropped++;
      this.ports.journal.warn('will-dropped', { address, code: error.code, error: error.message });
    }
  }
}
