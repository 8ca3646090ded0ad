import { OUTCOME } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { Verdict } from './contract';
import type { DurableTopics } from './durable-topics';
import { FanOut } from './fan-out.forwarder';
import type { ForwarderPorts } from './forwarder';
import { LargePublish } from './large-publish';
import type { LocalPublisher } from './local-publisher';
import type { DurableRoute } from './durable-route';

/** In place of a publisher's token: subscriptions have the message. */
const KEPT = -1;

/** Topics: fanned out to whoever wants a message now, and kept for subscriptions, where any hold the topic. */
export class Topics extends FanOut {
  constructor(
    ports: ForwarderPorts,
    private readonly durable: DurableTopics,
  ) {
    super(ports);
  }

  protected override keep(
    route: DurableRoute,
    publisher: LocalPublisher,
    entry: AddressEntry,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    token: number,
  ): Verdict {
    if (token === KEPT) return OUTCOME.accepted;
    return this.durable.publish(route, publisher, entry, flags, payload, start, end, token);
  }

  /** A message whose subscriptions have it already, in another way: it is fanned out, and nobody is told. */
  publishVolatile(publisher: LocalPublisher, entry: AddressEntry, flags: number, message: Buffer): void {
    this.publish(publisher, entry, flags, message, 0, message.length, KEPT);
  }

  override begin(publisher: LocalPublisher, entry: AddressEntry, flags: number, token: number): LargePublish {
    const { audience, streams, large, chokes, self } = this.ports;
    audience.refresh(entry);
    const { set, locals, givenUp, durable } = entry;
    if (durable === null) return super.begin(publisher, entry, flags, token);
    const largeId = set === null ? -1 : streams.beginLarge(set, entry.cls, entry.wire, flags, -1);
    return new LargePublish(streams, large, largeId, 'whole', {
      complete: (body) => {
        this.countMissed(givenUp, false);
        if (body === null) return OUTCOME.rejected;
        for (const consumer of locals) if (consumer.wantsOf(publisher)) consumer.offerLarge(entry, body, -1);
        if (chokes.anySlow) chokes.review(entry, self);
        // Where it is kept may be another place by now, and what comes behind it goes there.
        audience.refresh(entry);
        if (entry.durable === null) return OUTCOME.accepted;
        return this.durable.publishLarge(entry.durable, publisher, entry, flags, body, token);
      },
      aborted: () => undefined,
    });
  }

  override allowance(entry: AddressEntry): number {
    const allowed = super.allowance(entry);
    return allowed === 0 || entry.durable === null || this.durable.hasRoom(entry) ? allowed : 0;
  }

  override congested(entry: AddressEntry): boolean {
    return super.congested(entry) || (entry.durable !== null && !this.durable.hasRoom(entry));
  }
}
