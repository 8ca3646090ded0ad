import type { RetainedCursor, RetainedMessages } from '../../addresses/client-contract';
import { isHiddenFrom } from '../../message/mapping/mqtt-topic';
import { Delivery, readDelivery } from './delivery';
import type { Outgoing, Waiter } from './outgoing';
import type { Peer } from './peer';
import type { Subscription } from './subscription';

const DELIVERY = new Delivery();

/** Retained messages on their way to a client that has subscribed (3.3.1.3): one subscription after the other, as the client takes them. */
export class RetainedFeed implements Waiter {
  /** None of it was sent before: what a session had open is not looked for here. */
  mayComeAgain = false;
  #queue: { readonly subscription: Subscription; readonly cursor: RetainedCursor }[] = [];
  #waits = false;

  constructor(
    private readonly peer: Peer,
    private readonly outgoing: Outgoing,
    private readonly retained: RetainedMessages,
  ) {}

  /** @throws AddressError */
  begin(subscription: Subscription): void {
    this.stop(subscription);
    this.#queue.push({ subscription, cursor: this.#cursorOf(subscription) });
    // Behind the SUBACK.
    this.#wait();
    this.peer.touch();
  }

  #cursorOf({ isSystem, meshFilter }: Subscription): RetainedCursor {
    return (isSystem ? this.peer.system : this.retained).retained(meshFilter);
  }

  /** What is left for it is not sent any more. */
  stop(subscription: Subscription): void {
    this.#queue = this.#queue.filter((one) => one.subscription !== subscription);
  }

  pump(): void {
    this.#waits = false;
    for (;;) {
      const [first] = this.#queue;
      if (first === undefined) return;
      if (!this.outgoing.ready(first.subscription.options.qosMax)) break;
      if (!this.#next(first.subscription, first.cursor)) this.#queue.shift();
    }
    this.#wait();
  }

  #wait(): void {
    if (this.#waits || this.peer.over) return;
    this.#waits = true;
    this.outgoing.wait(this);
  }

  /** @returns false when there is no more */
  #next(subscription: Subscription, cursor: RetainedCursor): boolean {
    const message = cursor.next();
    if (message === null) return false;
    const { address, payload } = message;
    if (isHiddenFrom(address.name, subscription.meshFilter)) return true;
    if (!readDelivery(payload, 0, payload.length, this.peer.facts.version === 5, DELIVERY)) return true;
    DELIVERY.retain = true;
    DELIVERY.again = false;
    // [MQTT-3.3.1-8]: whatever the subscription says of messages that come.
    this.outgoing.send(this, -1, address, DELIVERY, { ...subscription.options, retainAsPublished: true });
    return true;
  }

  settle(): void {
    // Nobody waits for what becomes of it.
  }
}
