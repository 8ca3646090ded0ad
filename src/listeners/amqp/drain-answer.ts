import type { Consumer } from '../../addresses/contract';
import type { SenderLink } from '../../amqp/sender-link';

/**
 * Gives credit back that a client has asked to be used up (part 2.6.7): at once when nothing waits here, else when the mesh says that
 * nothing more comes, which may be later.
 */
export class DrainAnswer {
  consumer: Consumer | null = null;
  /** The client has asked, and the mesh was not asked yet. */
  asked = false;
  /** Answers of a queue that are on their way: only the last one is about the credit that is left now. */
  #pending = 0;

  constructor(private readonly link: SenderLink) {}

  answer(): void {
    const { link, consumer } = this;
    if (!link.draining || consumer === null) return;
    link.available = consumer.waiting;
    if (link.credit === 0) {
      this.asked = false;
      link.drained();
      return;
    }
    if (consumer.address.kind !== 'queue') consumer.drain();
    else if (this.asked) {
      this.asked = false;
      this.#pending++;
      consumer.drain();
    }
  }

  /** A delivery has used credit, perhaps the last. */
  onSent(): void {
    if (this.link.draining && this.link.credit === 0) this.link.drained();
  }

  onDrained(): void {
    const { link } = this;
    if (this.#pending > 0 && --this.#pending > 0) return;
    // Held up by a window it took nothing, though something may wait: asked again when it can send.
    if (link.draining && link.credit > 0 && !link.canSend()) this.asked = true;
    else link.drained();
  }
}
