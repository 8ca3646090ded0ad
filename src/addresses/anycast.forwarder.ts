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
import type { Candidate } from './candidate';
import { choose, roomOf } from './choice';
import { PENDING, type Verdict } from './contract';
import type { Forwarder, ForwarderPorts } from './forwarder';
import { LargePublish, type LargeEnd } from './large-publish';
import { LargeResends } from './large-resends';
import { ANYCAST_TRIES_MAX, LARGE_KEPT_SHARE } from './limits';
import type { LocalConsumer } from './local-consumer';
import type { LocalPublisher } from './local-publisher';
import type { Quotas } from './quotas';
import { SharedLane } from './shared-lane';

/** Anycast: one consumer, the nearest first; its outcome is the sender's. */
export class Anycast implements Forwarder {
  readonly #lane: SharedLane;
  readonly #resends: LargeResends;
  /** Large messages of publishers here that are not whole yet, by slot. */
  readonly #begun = new Map<number, LargePublish>();

  constructor(
    private readonly ports: ForwarderPorts,
    private readonly quotas: Quotas,
  ) {
    this.#lane = new SharedLane(ports);
    this.#resends = new LargeResends(ports.streams, (slot, node, why) => {
      ports.large.failed(why);
      this.#gaveBack(ports.pending.entry(slot), node);
      this.#finish(slot, OUTCOME.released, null);
    });
  }

  publish(
    publisher: LocalPublisher,
    entry: AddressEntry,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    token: number,
  ): Verdict {
    this.ports.audience.refresh(entry);
    const candidate = choose(entry, null);
    if (candidate === null) return this.#nobody();
    const slot = this.ports.pending.add(publisher, entry, token, flags);
    this.#give(slot, entry, candidate, flags, payload, start, end);
    return PENDING;
  }

  #nobody(): Verdict {
    this.ports.counters.drop(DROP_REASON.noSubscriber, 1);
    return OUTCOME.released;
  }

  #give(
    slot: number,
    entry: AddressEntry,
    candidate: Candidate,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
  ): void {
    this.#took(entry, candidate);
    const { streams, pending, sites, self } = this.ports;
    if (candidate.set === null) {
      this.quotas.heard(entry, self);
      this.#lane.offer(entry, self, payload, start, end, null, sites.add(null, slot, 1, entry));
      return;
    }
    const tracked = flags | MESSAGE_FLAG.tracked;
    const placed = streams.append(candidate.set, entry.cls, entry.wire, tracked, payload, start, end, slot);
    pending.keep(slot, placed.chunk, placed.start, placed.length);
  }

  #took(entry: AddressEntry, candidate: Candidate): void {
    candidate.took();
    if (candidate.cost > (entry.candidates[0] as Candidate).cost) this.ports.counters.overflows++;
  }

  /** A large message is sent to its site as it comes, and kept for another one while there is memory to spare. */
  begin(publisher: LocalPublisher, entry: AddressEntry, flags: number, token: number): LargePublish {
    const { audience, streams, large, pending } = this.ports;
    audience.refresh(entry);
    const to = choose(entry, null);
    if (to === null) {
      const nobody = { complete: () => this.#nobody(), aborted: () => undefined };
      return new LargePublish(streams, large, -1, 'nothing', nobody);
    }
    const slot = pending.add(publisher, entry, token, flags);
    const serial = pending.serial(slot);
    this.#took(entry, to);
    const tracked = flags | MESSAGE_FLAG.tracked;
    const largeId = to.set === null ? -1 : streams.beginLarge(to.set, entry.cls, entry.wire, tracked, slot);
    const end: LargeEnd = {
      complete: (body) => {
        // Unless its site was lost meanwhile, and it with that: then its outcome was told.
        if (pending.serial(slot) === serial) this.#complete(slot, entry, to, publish, body);
        return PENDING;
      },
      aborted: () => {
        if (pending.serial(slot) !== serial) return;
        this.#begun.delete(slot);
        if (!publish.diverted) this.#gaveBack(entry, to.node);
        pending.withdraw(slot);
        pending.free(slot);
      },
    };
    const gather = to.set === null ? 'whole' : 'kept';
    const publish = new LargePublish(streams, large, largeId, gather, end, () => this.#mayKeep());
    this.#begun.set(slot, publish);
    return publish;
  }

  /** Much memory is neither in use nor promised to credit. */
  #mayKeep(): boolean {
    const { retention, credit } = this.ports;
    return retention.spare - credit.reserved > retention.capacity * LARGE_KEPT_SHARE;
  }

  #complete(slot: number, entry: AddressEntry, to: Candidate, publish: LargePublish, body: LargeBody | null): void {
    const { audience, pending, sites, self } = this.ports;
    this.#begun.delete(slot);
    audience.refresh(entry);
    const here = to.set === null;
    const stays = here && entry.locals.length > 0;
    if (body !== null && !stays) {
      body.retain();
      pending.keepBody(slot, body);
    }
    if (publish.diverted) this.#retry(slot, entry, to.node);
    else if (stays && body !== null) this.#giveHere(slot, entry, body);
    else if (here) {
      this.quotas.heard(entry, self);
      sites.settle(sites.add(null, slot, 1, entry), OUTCOME.undelivered, null);
    }
  }

  #giveHere(slot: number, entry: AddressEntry, body: LargeBody): void {
    const { sites, self } = this.ports;
    this.quotas.heard(entry, self);
    this.#lane.offerLarge(entry, self, body, sites.add(null, slot, 1, entry));
  }

  /** Gives a large message that is kept to the next site. */
  #giveLarge(slot: number, entry: AddressEntry, candidate: Candidate, body: LargeBody): void {
    this.#took(entry, candidate);
    if (candidate.set !== null) {
      const flags = this.ports.pending.flags(slot) | MESSAGE_FLAG.tracked;
      this.#resends.add(slot, candidate.set, entry.cls, entry.wire, flags, body);
      return;
    }
    // A consumer may settle it within the call, and then it is kept no more.
    body.retain();
    this.#giveHere(slot, entry, body);
    body.release();
  }

  /** A stream has room again. */
  relieved(): void {
    if (this.#resends.size > 0) this.ports.scheduleFlush();
  }

  /** The end of a turn. */
  flush(): void {
    if (this.#resends.size > 0) this.#resends.pump();
  }

  // --- consumers of this node ----------------------------------------------------------------------------------------------

  arrive(
    receipt: Receipt,
    seq: number,
    entry: AddressEntry,
    _flags: number,
    chunk: Chunk,
    start: number,
    end: number,
  ): void {
    const site = this.#site(receipt, seq, entry);
    if (site >= 0) this.#lane.offer(entry, receipt.origin, chunk.bytes, start, end, chunk, site);
  }

  arriveLarge(receipt: Receipt, seq: number, entry: AddressEntry, _flags: number, body: LargeBody): void {
    const site = this.#site(receipt, seq, entry);
    if (site >= 0) this.#lane.offerLarge(entry, receipt.origin, body, site);
  }

  #site(receipt: Receipt, seq: number, entry: AddressEntry): number {
    const { audience, streams, sites } = this.ports;
    audience.refresh(entry);
    if (entry.locals.length === 0) {
      streams.outcome(receipt.origin, receipt, seq, OUTCOME.undelivered, null);
      return -1;
    }
    this.quotas.heard(entry, receipt.origin);
    return sites.add(receipt, seq, 1, entry);
  }

  pump(consumer: LocalConsumer): void {
    this.#lane.pump(consumer);
  }

  left(entry: AddressEntry): void {
    this.ports.audience.refresh(entry);
    if (entry.locals.length === 0) this.#lane.abandon(entry);
    else for (const other of entry.locals) this.#lane.pump(other);
  }

  // --- answers -------------------------------------------------------------------------------------------------------------

  onOutcome(slot: number, node: NodeId, outcome: Outcome, detail: OutcomeDetail | null): void {
    const entry = this.ports.pending.entry(slot);
    this.#gaveBack(entry, node);
    if (outcome === OUTCOME.undelivered) this.#retry(slot, entry, node);
    else this.#finish(slot, outcome, detail);
  }

  /** The node is gone; what it certainly has not got can go elsewhere, of the rest nobody knows. */
  onLost(slot: number, node: NodeId, sent: boolean): void {
    const entry = this.ports.pending.entry(slot);
    this.#gaveBack(entry, node);
    this.#resends.cancel(slot);
    if (sent) {
      this.#finish(slot, OUTCOME.modifiedFailed, null);
      return;
    }
    const begun = this.#begun.get(slot);
    if (begun === undefined) this.#retry(slot, entry, node);
    else if (!begun.divert()) this.#finish(slot, OUTCOME.released, null);
  }

  #gaveBack(entry: AddressEntry, node: NodeId): void {
    const candidate = entry.known.get(node);
    if (candidate === undefined) return;
    candidate.gaveBack();
    if (candidate.quota !== null) this.ports.credit.changed(entry);
  }

  #retry(slot: number, entry: AddressEntry, node: NodeId): void {
    const { audience, pending } = this.ports;
    audience.refresh(entry);
    const tried = pending.tried(slot, node);
    const next = !pending.keeps(slot) || tried.length >= ANYCAST_TRIES_MAX ? null : choose(entry, tried);
    if (next === null) {
      this.#finish(slot, OUTCOME.released, null);
      return;
    }
    const body = pending.body(slot);
    if (body !== null) {
      this.#giveLarge(slot, entry, next, body);
      return;
    }
    const chunk = pending.takeKept(slot) as Chunk;
    const start = pending.start(slot);
    const length = pending.length(slot);
    this.#give(slot, entry, next, pending.flags(slot), chunk.bytes, start, start + length);
    chunk.release();
  }

  #finish(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (this.#begun.size > 0) this.#begun.delete(slot);
    this.ports.pending.finish(slot, outcome, detail);
    this.ports.pending.free(slot);
  }

  // --- credit --------------------------------------------------------------------------------------------------------------

  allowance(entry: AddressEntry): number {
    this.ports.audience.refresh(entry);
    return roomOf(entry, (node) => this.ports.streams.isFull(node, entry.cls));
  }

  congested(entry: AddressEntry): boolean {
    const { streams } = this.ports;
    return entry.candidates.some(({ node, set }) => set !== null && streams.isFull(node, entry.cls));
  }
}
