import type { NodeId } from '../links/contract';
import { MESSAGE_FLAG, OUTCOME, type Outcome, type OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import { PENDING, PUBLISH_FLAG, type Verdict } from './contract';
import { FanOut } from './fan-out.forwarder';
import type { ForwarderPorts } from './forwarder';
import { LargePublish } from './large-publish';
import type { LocalPublisher } from './local-publisher';
import { SiteAnswers } from './site-answers';

/**
 * Multicast: every consumer at every site gets it. Where the policy asks for it the sender learns who accepted; otherwise it is
 * fanned out like a topic. The sites are those that want it when it is published.
 */
export class Multicast extends FanOut {
  readonly #answers = new SiteAnswers();
  #nextDeadline = Infinity;

  constructor(ports: ForwarderPorts) {
    super(ports);
  }

  override publish(
    publisher: LocalPublisher,
    entry: AddressEntry,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    token: number,
  ): Verdict {
    if (!acknowledged(entry, flags)) return super.publish(publisher, entry, flags, payload, start, end, token);
    const slot = this.#open(publisher, entry, flags, token);
    this.countMissed(entry.givenUp, slot < 0);
    if (slot < 0) return OUTCOME.released;
    const { streams, sites, chokes, self } = this.ports;
    const { set, locals } = entry;
    this.#expire(slot, entry);
    const site = locals.length === 0 ? -1 : sites.add(null, slot, locals.length, entry);
    if (set !== null) {
      const tracked = flags | MESSAGE_FLAG.tracked;
      const placed = streams.append(set, entry.cls, entry.wire, tracked, payload, start, end, slot);
      const { chunk, start: from, length } = placed;
      for (const consumer of locals) consumer.offer(entry, chunk.bytes, from, from + length, chunk, site);
    } else for (const consumer of locals) consumer.offer(entry, payload, start, end, null, site);
    if (chokes.anySlow) chokes.review(entry, self);
    return PENDING;
  }

  override begin(publisher: LocalPublisher, entry: AddressEntry, flags: number, token: number): LargePublish {
    if (!acknowledged(entry, flags)) return super.begin(publisher, entry, flags, token);
    const { streams, large, pending, sites, chokes, self } = this.ports;
    const slot = this.#open(publisher, entry, flags, token);
    const serial = slot < 0 ? -1 : pending.serial(slot);
    const { set, locals, givenUp } = entry;
    const tracked = flags | MESSAGE_FLAG.tracked;
    const largeId = slot < 0 || set === null ? -1 : streams.beginLarge(set, entry.cls, entry.wire, tracked, slot);
    return new LargePublish(streams, large, largeId, locals.length > 0 ? 'whole' : 'nothing', {
      complete: (body) => {
        this.countMissed(givenUp, slot < 0);
        if (slot < 0) return OUTCOME.released;
        // Unless all its sites were lost meanwhile: then its outcome was told.
        if (pending.serial(slot) !== serial) return PENDING;
        this.#expire(slot, entry);
        if (body === null) return PENDING;
        const site = sites.add(null, slot, locals.length, entry);
        for (const consumer of locals) consumer.offerLarge(entry, body, site);
        if (chokes.anySlow) chokes.review(entry, self);
        return PENDING;
      },
      aborted: () => {
        if (slot < 0 || pending.serial(slot) !== serial) return;
        pending.withdraw(slot);
        this.#free(slot);
      },
    });
  }

  /** Takes a slot for a message to all sites that want it now. @returns -1 when there are none */
  #open(publisher: LocalPublisher, entry: AddressEntry, flags: number, token: number): number {
    const { audience, pending } = this.ports;
    audience.refresh(entry);
    const { set, locals } = entry;
    if (set === null && locals.length === 0) return -1;
    const slot = pending.add(publisher, entry, token, flags);
    this.#answers.open(slot, set, locals.length > 0);
    return slot;
  }

  #expire(slot: number, entry: AddressEntry): void {
    const deadline = this.ports.clock.now() + entry.policy.ackTimeoutMs;
    this.ports.pending.expire(slot, deadline);
    this.#nextDeadline = Math.min(this.#nextDeadline, deadline);
  }

  override onOutcome(slot: number, node: NodeId, outcome: Outcome, detail: OutcomeDetail | null): void {
    const { pending } = this.ports;
    this.#answers.answer(slot, node, outcome, detail);
    if (outcome === OUTCOME.accepted && pending.isOpen(slot) && pending.entry(slot).policy.ack === 'any')
      pending.finish(slot, OUTCOME.accepted, null);
    this.#review(slot);
  }

  override onLost(slot: number, node: NodeId, _sent: boolean): void {
    this.#answers.lost(slot, node);
    this.#review(slot);
  }

  #review(slot: number): void {
    if (this.#answers.missing(slot) > 0) return;
    const { pending } = this.ports;
    if (pending.isOpen(slot)) {
      if (this.#answers.failed(slot)) this.#finishPartial(slot);
      else pending.finish(slot, this.#answers.anyAccepted(slot) ? OUTCOME.accepted : OUTCOME.released, null);
    }
    this.#free(slot);
  }

  #finishPartial(slot: number): void {
    const { self, pending, siteName } = this.ports;
    const description = this.#answers.describe(slot, self, siteName);
    pending.finish(slot, OUTCOME.rejected, { condition: 'fairlead:partial', description });
  }

  #free(slot: number): void {
    this.#answers.close(slot);
    this.ports.pending.free(slot);
  }

  tick(now: number): void {
    if (now < this.#nextDeadline) return;
    const { slots, next } = this.ports.pending.overdue(now);
    this.#nextDeadline = next;
    // A slot stays taken until every site has answered or is given up.
    for (const slot of slots) this.#finishPartial(slot);
  }

  deadline(): number {
    return this.#nextDeadline;
  }
}

function acknowledged(entry: AddressEntry, flags: number): boolean {
  return entry.policy.ack !== 'ingress' && (flags & PUBLISH_FLAG.settled) === 0;
}
