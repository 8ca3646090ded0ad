import { WireWriter } from '../common/wire';
import type { NodeId } from '../links/contract';
import type { Streams } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import { CONTROL } from './control';

/** What messages wait in at this node: a consumer's own lane, or an anycast address's shared one. */
export interface SlowLane {
  readonly slow: boolean;
}

/**
 * Back-pressure of consumers that do not keep up: the origins of what they get are asked to give publishers of that address no more
 * credit, until the consumers have caught up. Other addresses are not held up.
 */
export class Chokes {
  /** Choked addresses that each slow lane is a reason for. */
  readonly #reasons = new Map<SlowLane, Set<AddressEntry>>();

  constructor(
    private readonly self: NodeId,
    private readonly streams: Streams,
    private readonly counters: { chokes: number },
    /** Publishers of this node may go on. */
    private readonly released: (entry: AddressEntry) => void,
  ) {}

  get anySlow(): boolean {
    return this.#reasons.size > 0;
  }

  onSlow(lane: SlowLane, slow: boolean): void {
    if (slow) {
      this.#reasons.set(lane, new Set());
      return;
    }
    const entries = this.#reasons.get(lane);
    this.#reasons.delete(lane);
    for (const entry of entries ?? []) {
      const other = lanesOf(entry).find((candidate) => candidate.slow && this.#reasons.has(candidate));
      if (other === undefined) this.#release(entry);
      else this.#reasons.get(other)?.add(entry);
    }
  }

  /** A message of `origin` came for an address: should a consumer of it be slow, the origin is to wait. */
  review(entry: AddressEntry, origin: NodeId): void {
    for (const consumer of entry.locals) {
      if (!consumer.slow) continue;
      this.hold(entry, origin);
      return;
    }
  }

  /** A message of `origin` came for an address with a slow lane. */
  hold(entry: AddressEntry, origin: NodeId): void {
    for (const lane of lanesOf(entry)) this.#reasons.get(lane)?.add(entry);
    if (entry.choked.has(origin)) return;
    entry.choked.add(origin);
    this.counters.chokes++;
    if (origin === this.self) entry.choke(origin);
    else this.streams.sendControl(origin, CONTROL.choke, new WireWriter().text(entry.wire).take());
  }

  /** The origin has forgotten that it was asked to wait. */
  repeat(entry: AddressEntry, origin: NodeId): void {
    this.streams.sendControl(origin, CONTROL.choke, new WireWriter().text(entry.wire).take());
  }

  #release(entry: AddressEntry): void {
    for (const origin of entry.choked) {
      if (origin === this.self) {
        entry.chokedBy.delete(origin);
        this.released(entry);
      } else this.streams.sendControl(origin, CONTROL.unchoke, new WireWriter().text(entry.wire).take());
    }
    entry.choked.clear();
  }
}

function lanesOf(entry: AddressEntry): readonly SlowLane[] {
  return entry.kind === 'anycast' ? [entry] : entry.locals;
}
