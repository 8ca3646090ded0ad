import type { Clock } from '../common/ports';
import { WireWriter } from '../common/wire';
import type { NodeId } from '../links/contract';
import type { Streams } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import { CONTROL } from './control';
import { INGRESS_ACTIVE_MS, QUOTA_MS, QUOTA_UNKNOWN } from './limits';

/** One ingress of an address, as its consumers' site sees it. */
interface Ingress {
  lastHeard: number;
  /** Its messages that consumers here have not settled. */
  outstanding: number;
}

/** The ingresses of one address with `overflowAt`. */
class Division {
  readonly ingresses = new Map<NodeId, Ingress>();
  /** What each was last told. */
  readonly told = new Map<NodeId, number>();
  dividedAt = -Infinity;
  divideAt = Infinity;
}

/**
 * Splits `overflowAt` of each address among the ingresses that are active: heard of within the last second, or still with messages
 * at consumers here.
 */
export class Quotas {
  readonly #divisions = new Map<AddressEntry, Division>();
  #next = Infinity;

  constructor(
    private readonly self: NodeId,
    private readonly clock: Clock,
    private readonly streams: Streams,
    /** This node's own quota is another one. */
    private readonly changed: (entry: AddressEntry) => void,
    private readonly scheduleFlush: () => void,
  ) {}

  /** A message of that ingress, this node included, came for consumers of this site. */
  heard(entry: AddressEntry, node: NodeId): void {
    if (entry.policy.overflowAt === null) return;
    const now = this.clock.now();
    let division = this.#divisions.get(entry);
    if (division === undefined) this.#divisions.set(entry, (division = new Division()));
    const ingress = division.ingresses.get(node);
    if (ingress === undefined) division.ingresses.set(node, { lastHeard: now, outstanding: 1 });
    else {
      ingress.lastHeard = now;
      ingress.outstanding++;
    }
    if (!division.told.has(node)) this.#schedule(division, now);
  }

  /** A consumer of this site has settled a message of that ingress, or it went elsewhere. */
  settled(entry: AddressEntry, node: NodeId): void {
    const ingress = this.#divisions.get(entry)?.ingresses.get(node);
    if (ingress !== undefined && ingress.outstanding > 0) ingress.outstanding--;
  }

  /** The rule of the address says another number. */
  review(entry: AddressEntry): void {
    const division = this.#divisions.get(entry);
    if (division !== undefined) this.#schedule(division, this.clock.now());
  }

  /** An ingress may have forgotten, or never heard, what it was told: it is told again with its next message. */
  untold(node: NodeId): void {
    for (const division of this.#divisions.values()) division.told.delete(node);
  }

  #schedule(division: Division, now: number): void {
    division.divideAt = Math.min(division.divideAt, Math.max(now, division.dividedAt + QUOTA_MS));
    if (division.divideAt >= this.#next) return;
    this.#next = division.divideAt;
    this.scheduleFlush();
  }

  tick(now: number): void {
    if (now < this.#next) return;
    this.#next = Infinity;
    for (const [entry, division] of this.#divisions) {
      if (now >= division.divideAt) this.#divide(entry, division, now);
      if (division.ingresses.size === 0) this.#divisions.delete(entry);
      else this.#next = Math.min(this.#next, division.divideAt);
    }
  }

  #divide(entry: AddressEntry, division: Division, now: number): void {
    const { ingresses } = division;
    for (const [node, { lastHeard, outstanding }] of ingresses)
      if (outstanding === 0 && now - lastHeard >= INGRESS_ACTIVE_MS) ingresses.delete(node);
    const { overflowAt } = entry.policy;
    if (overflowAt === null) ingresses.clear();
    else {
      const share = Math.max(1, Math.floor(overflowAt / Math.max(1, ingresses.size)));
      for (const node of ingresses.keys()) this.#tell(entry, division, node, share);
      for (const node of [...division.told.keys()]) if (!ingresses.has(node)) this.#forget(entry, division, node);
    }
    division.dividedAt = now;
    // Looked at again when the first of them may have fallen silent.
    division.divideAt = now + INGRESS_ACTIVE_MS;
  }

  #tell(entry: AddressEntry, division: Division, node: NodeId, share: number): void {
    if (division.told.get(node) === share) return;
    division.told.set(node, share);
    this.#send(entry, node, share);
  }

  #forget(entry: AddressEntry, division: Division, node: NodeId): void {
    division.told.delete(node);
    this.#send(entry, node, QUOTA_UNKNOWN);
  }

  #send(entry: AddressEntry, node: NodeId, share: number): void {
    if (node !== this.self) {
      this.streams.sendControl(node, CONTROL.quota, new WireWriter().text(entry.wire).u32(share).take());
      return;
    }
    const own = entry.known.get(node);
    if (own !== undefined) own.limit = share;
    this.changed(entry);
  }

  deadline(): number {
    return this.#next;
  }

  /** A node's former life has gone, and what it had here is nobody's. */
  newLife(node: NodeId): void {
    for (const division of this.#divisions.values()) {
      division.ingresses.delete(node);
      division.told.delete(node);
    }
  }
}
