import type { Outcome, OutcomeDetail, Receipt } from '../streams/contract';
import { OUTCOME } from '../streams/contract';
import type { AddressEntry } from './address-entry';

const INITIAL = 64;

/** Tells what became of a tracked message at this site, once all its consumers here have said. */
export interface SiteOutcome {
  /** To the node that it came from. */
  remote(entry: AddressEntry, receipt: Receipt, seq: number, outcome: Outcome, detail: OutcomeDetail | null): void;
  /** To a publisher of this node. */
  local(entry: AddressEntry, pending: number, outcome: Outcome, detail: OutcomeDetail | null): void;
}

/** Tracked messages at this site: each has as many consumers as were given it. Slots are small integers, used again. */
export class SiteSlots {
  size = 0;
  readonly #receipts: (Receipt | null)[] = [];
  readonly #entries: (AddressEntry | null)[] = [];
  readonly #details: (OutcomeDetail | null)[] = [];
  #seqs = new Float64Array(INITIAL);
  #pendings = new Int32Array(INITIAL);
  #remaining = new Int32Array(INITIAL);
  #outcomes = new Uint8Array(INITIAL);
  readonly #free: number[] = [];

  constructor(private readonly sink: SiteOutcome) {}

  /**
   * @param receipt of the stream it came by, null for a message of this node
   * @param seqOrPending its sequence number, or the publisher's pending slot
   */
  add(receipt: Receipt | null, seqOrPending: number, consumers: number, entry: AddressEntry): number {
    const slot = this.#free.pop() ?? this.#receipts.length;
    if (slot >= this.#seqs.length) this.#grow();
    this.#receipts[slot] = receipt;
    this.#entries[slot] = entry;
    this.#details[slot] = null;
    this.#seqs[slot] = receipt === null ? 0 : seqOrPending;
    this.#pendings[slot] = receipt === null ? seqOrPending : -1;
    this.#remaining[slot] = consumers;
    this.#outcomes[slot] = OUTCOME.undelivered;
    this.size++;
    return slot;
  }

  /** The pending slot of a message of this node, -1 for one of another. */
  pendingOf(slot: number): number {
    return this.#pendings[slot] as number;
  }

  /** One consumer has said. For the site stands the first refusal, else that one accepted, else that nobody got it. */
  settle(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    const former = this.#outcomes[slot] as Outcome;
    if (former === OUTCOME.undelivered || (former === OUTCOME.accepted && outcome !== OUTCOME.undelivered)) {
      this.#outcomes[slot] = outcome;
      this.#details[slot] = detail;
    }
    const left = (this.#remaining[slot] as number) - 1;
    this.#remaining[slot] = left;
    if (left > 0) return;
    const receipt = this.#receipts[slot] ?? null;
    const entry = this.#entries[slot] as AddressEntry;
    const decided = this.#outcomes[slot] as Outcome;
    const fields = this.#details[slot] ?? null;
    const seq = this.#seqs[slot] as number;
    const pending = this.#pendings[slot] as number;
    this.#receipts[slot] = null;
    this.#entries[slot] = null;
    this.#details[slot] = null;
    this.#free.push(slot);
    this.size--;
    if (receipt === null) this.sink.local(entry, pending, decided, fields);
    else this.sink.remote(entry, receipt, seq, decided, fields);
  }

  #grow(): void {
    const length = this.#seqs.length * 2;
    const grow = <T extends Float64Array | Int32Array | Uint8Array>(to: T, from: T): T => (to.set(from), to);
    this.#seqs = grow(new Float64Array(length), this.#seqs);
    this.#pendings = grow(new Int32Array(length), this.#pendings);
    this.#remaining = grow(new Int32Array(length), this.#remaining);
    this.#outcomes = grow(new Uint8Array(length), this.#outcomes);
  }
}
