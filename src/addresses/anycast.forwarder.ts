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
import { LargePublish } from './large-publish';
import { ANYCAST_TRIES_MAX } from './limits';
import type { LocalConsumer } from './local-consumer';
import type { LocalPublisher } from './local-publisher';
import type { Quotas } from './quotas';
import { SharedLane } from './shared-lane';

/** Anycast: one consumer, the nearest first; its outcome is the sender's. */
export class Anycast implements Forwarder {
  readonly #lane: SharedLane;

  constructor(
    private readonly ports: ForwarderPorts,
    private readonly quotas: Quotas,
  ) {
    this.#lane = new SharedLane(ports);
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
    candidate.took();
    const { streams, pending, sites, self, counters } = this.ports;
    if (candidate.cost > (entry.candidates[0] as Candidate).cost) counters.overflows++;
    if (candidate.set === null) {
      this.quotas.heard(entry, self);
      this.#lane.offer(entry, self, payload, start, end, null, sites.add(null, slot, 1, entry));
      return;
    }
    const tracked = flags | MESSAGE_FLAG.tracked;
    const placed = streams.append(candidate.set, entry.cls, entry.wire, tracked, payload, start, end, slot);
    pending.keep(slot, placed.chunk.retain(), placed.start, placed.length);
  }

  /** A large message is sent where it is begun: when that fails it goes back to its sender. */
  begin(publisher: LocalPublisher, entry: AddressEntry, flags: number, token: number): LargePublish {
    const { audience, streams, large, pending, sites, self } = this.ports;
    audience.refresh(entry);
    const to = choose(entry, null);
    if (to === null)
      return new LargePublish(streams, large, -1, false, { complete: () => this.#nobody(), aborted: () => undefined });
    const slot = pending.add(publisher, entry, token, flags);
    const serial = pending.serial(slot);
    to.took();
    const tracked = flags | MESSAGE_FLAG.tracked;
    const largeId = to.set === null ? -1 : streams.beginLarge(to.set, entry.cls, entry.wire, tracked, slot);
    return new LargePublish(streams, large, largeId, to.set === null, {
      complete: (body) => {
        // Unless its site was lost meanwhile: then its outcome was told.
        if (body === null || pending.serial(slot) !== serial) return PENDING;
        this.quotas.heard(entry, self);
        const site = sites.add(null, slot, 1, entry);
        audience.refresh(entry);
        if (entry.locals.length === 0) sites.settle(site, OUTCOME.undelivered, null);
        else this.#lane.offerLarge(entry, self, body, site);
        return PENDING;
      },
      aborted: () => {
        if (pending.serial(slot) !== serial) return;
        this.#gaveBack(entry, to.node);
        pending.withdraw(slot);
        pending.free(slot);
      },
    });
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

  /** The node is gone; what it had not got can go elsewhere, of the rest nobody knows. */
  onLost(slot: number, node: NodeId, sent: boolean): void {
    const entry = this.ports.pending.entry(slot);
    this.#gaveBack(entry, node);
    if (sent) this.#finish(slot, OUTCOME.modifiedFailed, null);
    else this.#retry(slot, entry, node);
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
    const next = pending.kept(slot) === null || tried.length >= ANYCAST_TRIES_MAX ? null : choose(entry, tried);
    const chunk = next === null ? null : pending.takeKept(slot);
    if (next === null || chunk === null) {
      this.#finish(slot, OUTCOME.released, null);
      return;
    }
    const start = pending.start(slot);
    const length = pending.length(slot);
    this.#give(slot, entry, next, pending.flags(slot), chunk.bytes, start, start + length);
    chunk.release();
  }

  #finish(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
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
