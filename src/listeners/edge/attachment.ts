import type { Consumer, ConsumerHandler, ConsumerSpec } from '../../addresses/contract';
import { FairleadError } from '../../common/errors';

/** Ends of a consumer behind which another one is served: what the client had is delivered again, marked. */
const PASSING: readonly string[] = ['FL_QUEUE_MOVED', 'FL_QUEUE_INTERRUPTED'];

/**
 * The consumer of a subscription whose client cannot be told that its consumer has ended, but by ending its connection. Where the queue
 * has moved, or the way to it broke, another consumer takes the place of the one that ended; what that had delivered and the client has
 * not answered is void, and comes again.
 */
export class Attachment {
  #consumer: Consumer | null = null;
  #spec: ConsumerSpec | null = null;
  #isClosed = false;

  /** @param handler of the consumers that `consume` opens */
  constructor(
    private readonly consume: (spec: ConsumerSpec) => Consumer,
    private readonly handler: Pick<ConsumerHandler, 'onGone'>,
  ) {}

  /** Null before it is opened, behind its end, and until another one is attached. */
  get consumer(): Consumer | null {
    return this.#consumer;
  }

  /** @throws AddressError */
  open(spec: ConsumerSpec): void {
    this.#spec = spec;
    const consumer = this.consume(spec);
    // The mesh may have ended it, and the client been cut, within the call.
    if (this.#isClosed) consumer.close();
    else this.#consumer = consumer;
  }

  /**
   * To be asked by `onGone`, first of all. From then on nothing that was delivered can be settled.
   * @returns true when another consumer is attached as soon as the mesh has done what it is about; if that is refused, `onGone` tells
   */
  goesOn({ code }: FairleadError): boolean {
    this.#consumer = null;
    const spec = this.#spec;
    if (this.#isClosed || spec === null || !PASSING.includes(code)) return false;
    // Not within the call: the mesh is ending consumers of that queue.
    queueMicrotask(() => this.#again(spec));
    return true;
  }

  #again(spec: ConsumerSpec): void {
    if (this.#isClosed) return;
    try {
      this.open(spec);
      // It may have been confirmed within the call.
      this.#consumer?.pump();
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.handler.onGone(error);
    }
  }

  /** As {@link Consumer.close}. */
  close(failed: boolean, ended?: boolean): void {
    this.#isClosed = true;
    this.#consumer?.close(failed, ended);
    this.#consumer = null;
  }
}
