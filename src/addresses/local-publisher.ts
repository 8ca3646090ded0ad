import type { FairleadError } from '../common/errors';
import type { Outcome, OutcomeDetail } from '../streams/contract';
import { MESSAGE_BYTES_MAX } from '../streams/limits';
import type { AddressEntry } from './address-entry';
import type { AddressRef, Publisher, PublisherHandler, PublisherSpec, Verdict } from './contract';
import type { CreditBook } from './credit';
import type { LargePublish } from './large-publish';
import { CREDIT_INITIAL } from './limits';
import type { AddressCounters } from './ports';
import { publisherTag } from './publisher-tag';
import { Relay } from './relay';

/** What publishers ask of those around them. */
export interface PublisherPorts {
  readonly credit: CreditBook;
  readonly counters: AddressCounters;
  /** The entry that is in force for one that was handed out. */
  live(entry: AddressEntry): AddressEntry;
  /** `held` publishers are told to go on once nothing holds them up. */
  hold(publisher: LocalPublisher, held: boolean): void;
  closed(publisher: LocalPublisher): void;
}

/** A publisher at this node; its credit is kept by the {@link CreditBook}. */
export class LocalPublisher implements Publisher {
  closed = false;
  /** Credit told to the client and not used. */
  granted = 0;
  /** Credit that is to be told in this turn. */
  granting = 0;
  /** The most of `granted` and `pending` together; grows with use. */
  window = CREDIT_INITIAL;
  /** Messages whose outcome is not known yet. */
  pending = 0;
  /** Length of the largest message lately and its address: what its next one may well have; 0 until the first has come. */
  likelyBytes = 0;
  /** Bytes counted against the ingress pool for each of its credits, which are never taken back. */
  creditBytes = 0;
  /** When it was last given credit. */
  grantedAt = 0;
  /** Bytes that it may be given in its turn while memory is short; and whether its turn has begun. */
  deficit = 0;
  inTurn = false;
  /** On one of the lists of the {@link CreditBook}; and the address that holds it up, when it waits for that. */
  listed = false;
  blockedBy: AddressEntry | null = null;
  /** Where its last message went; what holds that up holds up an anonymous publisher. */
  last: AddressEntry | null;
  /** Only of an anonymous one. */
  readonly relay: Relay | null;
  /** Names its client in the messages that it puts into queues. */
  readonly tag: number;
  #large: LargePublish | null = null;
  /** Its large message comes faster than it leaves. */
  #held = false;

  constructor(
    private readonly ports: PublisherPorts,
    readonly spec: PublisherSpec,
    readonly handler: PublisherHandler,
    readonly entry: AddressEntry | null,
  ) {
    this.last = entry;
    this.relay = entry === null ? new Relay() : null;
    this.tag = publisherTag(spec.client);
  }

  get address(): AddressRef | null {
    return this.entry;
  }

  publish(to: AddressRef, flags: number, payload: Buffer, start: number, end: number, token: number): Verdict {
    const entry = this.#target(to);
    this.#sized(entry.wire.length + end - start);
    this.ports.counters.published++;
    const verdict = entry.forwarder.publish(this, entry, flags, payload, start, end, token);
    this.ports.credit.used(this);
    return verdict;
  }

  /** A message was kept for later instead: it has used a credit. */
  staged(to: AddressRef, bytes: number): void {
    this.#sized(this.#target(to).wire.length + bytes);
    this.ports.counters.published++;
    this.ports.credit.used(this);
  }

  /** {@link begin} of a large message that is kept for later. */
  beginStaged(to: AddressRef, large: LargePublish): void {
    this.#target(to);
    this.ports.counters.published++;
    this.#large = large;
  }

  #target(to: AddressRef): AddressEntry {
    let entry = to as AddressEntry;
    if (entry.forgotten) entry = this.ports.live(entry);
    this.last = entry;
    if (this.relay !== null) this.#relayed(entry, this.relay);
    return entry;
  }

  #relayed(entry: AddressEntry, relay: Relay): void {
    entry.relay = relay;
    if (entry.chokedBy.size > 0) relay.choked(entry);
  }

  begin(to: AddressRef, flags: number, token: number): void {
    const entry = this.#target(to);
    this.ports.counters.published++;
    this.#large = entry.forwarder.begin(this, entry, flags, token);
  }

  part(payload: Buffer, start: number, end: number): void {
    this.#large?.part(payload, start, end);
    if (!this.#held && this.#congested()) this.#hold(true);
  }

  #congested(): boolean {
    return this.last?.forwarder.congested(this.last) ?? false;
  }

  #hold(held: boolean): void {
    if (this.#held === held) return;
    this.#held = held;
    this.ports.hold(this, held);
    this.handler.onHold(held);
  }

  /** Something has changed that may let a held message go on. */
  review(): void {
    if (!this.#congested()) this.#hold(false);
  }

  /**
   * Whole bytes: a fraction would be an object on the heap for each message, wherever this runs before it is optimised. The rest of
   * a large message is held back by its streams, not by credit.
   */
  #sized(length: number): void {
    const bytes = length > MESSAGE_BYTES_MAX ? MESSAGE_BYTES_MAX : length;
    const likely = this.likelyBytes;
    if (bytes > likely) this.ports.credit.expect(this, bytes);
    else this.likelyBytes = likely - ((likely - bytes) >> 4);
  }

  end(): Verdict {
    const large = this.#large as LargePublish;
    this.#large = null;
    this.#sized(large.length);
    const verdict = large.end();
    this.#hold(false);
    this.ports.credit.used(this);
    return verdict;
  }

  abort(): void {
    this.#large?.abort();
    this.#large = null;
    this.#hold(false);
    this.ports.credit.used(this);
  }

  /** The outcome of a pending message is known. */
  finish(token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    this.forget();
    if (!this.closed) this.handler.onOutcome(token, outcome, detail);
  }

  /** A pending message is none any more. */
  forget(): void {
    this.pending--;
    this.ports.credit.settled(this);
  }

  close(): void {
    if (this.closed) return;
    this.#large?.abort();
    this.#large = null;
    this.#hold(false);
    this.closed = true;
    this.ports.closed(this);
  }

  /** Ends it from within the mesh. */
  gone(error: FairleadError): void {
    if (this.closed) return;
    this.close();
    this.handler.onGone(error);
  }
}
