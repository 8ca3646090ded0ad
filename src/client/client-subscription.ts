import type { AmqpErrorFields, Source } from '../amqp/codec/types';
import type { ReceiverHandler, ReceiverLink } from '../amqp/receiver-link';
import { LostError, RefusedError } from './errors';

/** Capability of a subscription that is found by its name alone, whatever the container-id of who looks for it. */
export const OF_NO_CLIENT = 'global';

/** The source of a durable subscription that belongs to no client. */
export function durableSource(address: string | null): Source {
  return {
    type: 'source',
    address,
    durable: 2,
    expiryPolicy: 'never',
    distributionMode: 'copy',
    capabilities: ['topic', OF_NO_CLIENT],
  };
}

type Answered = <T>(
  what: string,
  begin: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
) => Promise<T>;

/** A durable subscription that was found by its name; nothing of it is received. */
export class ClientSubscription implements ReceiverHandler {
  #ending: { resolve(): void; reject(error: Error): void } | null = null;

  constructor(
    private readonly link: ReceiverLink,
    private readonly name: string,
    private readonly answered: Answered,
  ) {
    link.handler = this;
  }

  /** What it subscribes to. */
  get address(): string | null {
    return this.link.remote?.source?.address ?? null;
  }

  /** Ends it, with all that it holds. @throws RefusedError when somebody receives from it, NoAnswerError, LostError */
  end(): Promise<void> {
    return this.#detach(`the end of subscription '${this.name}'`, true);
  }

  /** Lets go of it; it stays. @throws NoAnswerError, LostError */
  leave(): Promise<void> {
    return this.#detach(`leaving subscription '${this.name}'`, false);
  }

  #detach(what: string, closed: boolean): Promise<void> {
    return this.answered<void>(what, (resolve, reject) => {
      this.#ending = { resolve: () => resolve(undefined), reject };
      this.link.detach(null, closed);
    });
  }

  onTransfer(): void {
    // It gives no credit.
  }

  onDetachAnswered(_link: ReceiverLink, error: AmqpErrorFields | null): void {
    if (error === null) this.#ending?.resolve();
    else this.#ending?.reject(new RefusedError(`the end of subscription '${this.name}'`, error));
  }

  onDetached(_link: ReceiverLink, error: AmqpErrorFields | null): void {
    // Told within `end` as well, where the answer follows.
    if (error !== null) this.#ending?.reject(new LostError(`subscription '${this.name}'`, error));
  }
}
