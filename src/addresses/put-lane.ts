import type { NodeId, TrafficClass } from '../links/contract';
import type { LargeBody, TargetSet } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import { PUT_RETRY_MS } from './limits';
import { NOWHERE } from './queue-homes';

const INITIAL = 16;
const UNSENT = 0;
const SENT = 1;
const DONE = 2;
/** Has to be sent again. */
const AGAIN = 3;

/** A large put that is being sent. */
export interface LargePut {
  readonly slot: number;
  readonly largeId: number;
  readonly body: LargeBody;
  at: number;
}

/**
 * Puts of this node into one queue of another, in the order of their sequence: what is sent, what waits behind it. The home takes
 * none whose sequence is below that of one it has, so nothing newer leaves before what has to be sent again.
 */
export class PutLane {
  /** Where they go; stays so as long as any is under way. */
  home: NodeId = NOWHERE;
  set: TargetSet | null = null;
  /** Where the last one was sent. */
  sentTo: NodeId = NOWHERE;
  /** Since when it has waited for what its former home has to come to the one now; Infinity else. */
  mergingSince = Infinity;
  cls: TrafficClass;
  /** Sent and not answered. */
  inFlight = 0;
  /** Bytes of those that are not sent. */
  unsentBytes = 0;
  /** Since when its home has been out of reach, while something waits for it; Infinity else. */
  awaySince = Infinity;
  /** Some that were sent have to be sent again, once nothing is under way any more. */
  broken = false;
  /** Times that it began again with what has no answer. */
  turn = 0;
  /** Before that time nothing is sent again; and how long the next pause is when the home cannot take anything. */
  pausedUntil = 0;
  pauseMs = PUT_RETRY_MS;
  large: LargePut | null = null;
  /** Sequence of the newest. */
  lastSeq: number;
  #head = 0;
  #next = 0;
  #tail = 0;
  #slots = new Int32Array(INITIAL);
  #seqs = new Float64Array(INITIAL);
  #bytes = new Int32Array(INITIAL);
  /** When they came into the mesh. */
  #cameAt = new Float64Array(INITIAL);
  #states = new Uint8Array(INITIAL);

  /** @param afterSeq greater than any sequence that puts of this node into the queue ever had */
  constructor(
    readonly entry: AddressEntry,
    afterSeq: number,
  ) {
    this.cls = entry.cls;
    this.lastSeq = afterSeq;
  }

  get empty(): boolean {
    return this.#head === this.#tail;
  }

  /** Something is to be sent. */
  get waits(): boolean {
    return this.broken || this.#next < this.#tail;
  }

  /** Its home is out of reach now, or is not. */
  seen(isAway: boolean, now: number): void {
    if (!isAway || this.empty) this.awaySince = Infinity;
    else if (this.awaySince === Infinity) this.awaySince = now;
  }

  #index(at: number): number {
    return at & (this.#slots.length - 1);
  }

  /** @returns its place */
  push(slot: number, bytes: number, cameAt: number): number {
    if (this.empty) this.#head = this.#next = this.#tail = 0;
    if (this.#tail - this.#head === this.#slots.length) this.#grow();
    const at = this.#tail++;
    const index = this.#index(at);
    this.#slots[index] = slot;
    this.#seqs[index] = ++this.lastSeq;
    this.#bytes[index] = bytes;
    this.#cameAt[index] = cameAt;
    this.#states[index] = UNSENT;
    this.unsentBytes += bytes;
    return at;
  }

  /** The place of the first that is to be sent, -1 when there is none. */
  first(): number {
    while (this.#next < this.#tail && !this.#isWaiting(this.#next)) this.#next++;
    return this.#next < this.#tail ? this.#next : -1;
  }

  #isWaiting(at: number): boolean {
    const state = this.#states[this.#index(at)];
    return state === UNSENT || state === AGAIN;
  }

  /** The place of the first that was never sent, -1 when there is none: the home certainly does not have it. */
  firstNew(): number {
    for (let at = this.#next; at < this.#tail; at++) if (this.#states[this.#index(at)] === UNSENT) return at;
    return -1;
  }

  slot(at: number): number {
    return this.#slots[this.#index(at)] as number;
  }

  seq(at: number): number {
    return this.#seqs[this.#index(at)] as number;
  }

  bytes(at: number): number {
    return this.#bytes[this.#index(at)] as number;
  }

  cameAt(at: number): number {
    return this.#cameAt[this.#index(at)] as number;
  }

  /** The first that was to be sent has left. */
  sent(at: number): void {
    this.#states[this.#index(at)] = SENT;
    this.inFlight++;
    this.sentTo = this.home;
    this.unsentBytes -= this.bytes(at);
    this.#next = at + 1;
  }

  /** One that was sent is answered, or lost. @param again it is certain, or possible, that the home does not have it */
  back(at: number, again: boolean): void {
    this.inFlight--;
    if (!again) {
      this.done(at);
      return;
    }
    this.#states[this.#index(at)] = AGAIN;
    this.unsentBytes += this.bytes(at);
    this.broken = true;
  }

  /** Nothing more is to be done about it. */
  done(at: number): void {
    if (this.#isWaiting(at)) this.unsentBytes -= this.bytes(at);
    this.#states[this.#index(at)] = DONE;
    while (this.#head < this.#tail && this.#states[this.#index(this.#head)] === DONE) this.#head++;
    if (this.#next < this.#head) this.#next = this.#head;
  }

  /** Nothing is under way: what came back is next. */
  rewind(): void {
    this.broken = false;
    this.turn++;
    this.#next = this.#head;
  }

  #grow(): void {
    const from = {
      slots: this.#slots,
      seqs: this.#seqs,
      bytes: this.#bytes,
      cameAt: this.#cameAt,
      states: this.#states,
    };
    const mask = from.slots.length - 1;
    const length = from.slots.length * 2;
    this.#slots = new Int32Array(length);
    this.#seqs = new Float64Array(length);
    this.#bytes = new Int32Array(length);
    this.#cameAt = new Float64Array(length);
    this.#states = new Uint8Array(length);
    for (let at = this.#head; at < this.#tail; at++) {
      const index = this.#index(at);
      this.#slots[index] = from.slots[at & mask] as number;
      this.#seqs[index] = from.seqs[at & mask] as number;
      this.#bytes[index] = from.bytes[at & mask] as number;
      this.#cameAt[index] = from.cameAt[at & mask] as number;
      this.#states[index] = from.states[at & mask] as number;
    }
  }
}
