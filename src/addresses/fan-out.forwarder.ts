import type { Chunk } from '../common/chunk';
import type { NodeId } from '../links/contract';
import {
  DROP_REASON,
  MESSAGE_FLAG,
  OUTCOME,
  type LargeBody,
  type Outcome,
  type OutcomeDetail,
  type Receipt,
} from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { Verdict } from './contract';
import type { Forwarder, ForwarderPorts } from './forwarder';
import { LargePublish } from './large-publish';
import type { LocalPublisher } from './local-publisher';
import type { DurableRoute } from './durable-route';

/** Topics, and multicast that nobody acknowledges: given to whoever wants it now; the sender is answered at once. */
export class FanOut implements Forwarder {
  constructor(protected readonly ports: ForwarderPorts) {}

  publish(
    publisher: LocalPublisher,
    entry: AddressEntry,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    token: number,
  ): Verdict {
    const { audience, streams, chokes, self } = this.ports;
    audience.refresh(entry);
    const { set, locals, givenUp, durable } = entry;
    const nobody = set === null && locals.length === 0 && durable === null;
    this.countMissed(givenUp, nobody);
    if (nobody) return toNobody(entry);
    if (set !== null) {
      const placed = streams.append(set, entry.cls, entry.wire, flags, payload, start, end, -1);
      const { chunk, start: from, length } = placed;
      for (const consumer of locals)
        if (consumer.wantsOf(publisher)) consumer.offer(entry, chunk.bytes, from, from + length, chunk, -1);
    } else
      for (const consumer of locals)
        if (consumer.wantsOf(publisher)) consumer.offer(entry, payload, start, end, null, -1);
    if (chokes.anySlow) chokes.review(entry, self);
    return durable === null
      ? OUTCOME.accepted
      : this.keep(durable, publisher, entry, flags, payload, start, end, token);
  }

  /** Keeps a message for subscriptions, which hold topics only. */
  protected keep(
    _route: DurableRoute,
    _publisher: LocalPublisher,
    _entry: AddressEntry,
    _flags: number,
    _payload: Buffer,
    _start: number,
    _end: number,
    _token: number,
  ): Verdict {
    return OUTCOME.accepted;
  }

  /**
   * A message is not even held for the sites that want it and are given up: counted once for each. Where there are none it may be
   * wanted by nobody.
   */
  protected countMissed(givenUp: number, nobody: boolean): void {
    const { counters } = this.ports;
    if (givenUp > 0) counters.drop(DROP_REASON.unreachable, givenUp);
    else if (nobody) counters.drop(DROP_REASON.noSubscriber, 1);
  }

  begin(publisher: LocalPublisher, entry: AddressEntry, flags: number, _token: number): LargePublish {
    const { audience, streams, large, chokes, self } = this.ports;
    audience.refresh(entry);
    const { set, locals, givenUp } = entry;
    const largeId = set === null ? -1 : streams.beginLarge(set, entry.cls, entry.wire, flags, -1);
    return new LargePublish(streams, large, largeId, locals.length > 0 ? 'whole' : 'nothing', {
      complete: (body) => {
        const nobody = set === null && locals.length === 0;
        this.countMissed(givenUp, nobody);
        if (nobody) return toNobody(entry);
        if (body !== null)
          for (const consumer of locals) if (consumer.wantsOf(publisher)) consumer.offerLarge(entry, body, -1);
        if (chokes.anySlow) chokes.review(entry, self);
        return OUTCOME.accepted;
      },
      aborted: () => undefined,
    });
  }

  arrive(
    receipt: Receipt,
    seq: number,
    entry: AddressEntry,
    flags: number,
    chunk: Chunk,
    start: number,
    end: number,
  ): void {
    const site = this.#site(receipt, seq, entry, flags);
    for (const consumer of entry.locals) consumer.offer(entry, chunk.bytes, start, end, chunk, site);
    if (this.ports.chokes.anySlow) this.ports.chokes.review(entry, receipt.origin);
  }

  arriveLarge(receipt: Receipt, seq: number, entry: AddressEntry, flags: number, body: LargeBody): void {
    const site = this.#site(receipt, seq, entry, flags);
    for (const consumer of entry.locals) consumer.offerLarge(entry, body, site);
    if (this.ports.chokes.anySlow) this.ports.chokes.review(entry, receipt.origin);
  }

  /** The site's slot of a message whose outcome is asked for, else -1. Says so when nobody here wants it (any more). */
  #site(receipt: Receipt, seq: number, entry: AddressEntry, flags: number): number {
    const { audience, streams, counters, sites } = this.ports;
    audience.refresh(entry);
    const consumers = entry.locals.length;
    const tracked = (flags & MESSAGE_FLAG.tracked) !== 0;
    if (consumers > 0) return tracked ? sites.add(receipt, seq, consumers, entry) : -1;
    if (tracked) streams.outcome(receipt.origin, receipt, seq, OUTCOME.undelivered, null);
    // A topic's filter was widened on the way, or its consumer has just gone.
    else counters.drop(entry.kind === 'topic' ? DROP_REASON.surplus : DROP_REASON.noSubscriber, 1);
    return -1;
  }

  onOutcome(_slot: number, _node: NodeId, _outcome: Outcome, _detail: OutcomeDetail | null): void {
    // Nobody waits for one.
  }

  onLost(_slot: number, _node: NodeId, _sent: boolean): void {
    // Streams count untracked messages by themselves.
  }

  allowance(entry: AddressEntry): number {
    if (entry.chokedBy.size > 0) return 0;
    this.ports.audience.refresh(entry);
    return this.congested(entry) ? 0 : Infinity;
  }

  congested(entry: AddressEntry): boolean {
    const { streams } = this.ports;
    return entry.set?.targets.some((target) => streams.isFull(target, entry.cls)) ?? false;
  }

  pump(): void {
    // Each consumer has a lane of its own.
  }

  left(): void {
    // What waited in its lane has gone with it.
  }
}

function toNobody(entry: AddressEntry): Verdict {
  return entry.policy.noSubscriber === 'release' ? OUTCOME.released : OUTCOME.accepted;
}
