import type { NodeId } from '../links/contract';
import type { TargetSet } from '../streams/contract';
import { QUOTA_RETURN } from './limits';

/** A site that has consumers of an anycast address, as seen from this ingress. */
export class Candidate {
  /** Messages given to it and not yet settled. */
  outstanding = 0;
  /** Messages that it lets this ingress have outstanding; null for no bound. */
  quota: number | null = null;
  /** Its quota was full; it is used again once well below it. */
  spilling = false;
  /** Of the path to it: 0 for this node, Infinity while it is out of reach and waited for. */
  cost = Infinity;
  /** Has consumers and may be sent to. */
  present = false;
  /** When it was last chosen: among equals the longest unused one is next. */
  turn = 0;

  constructor(
    readonly node: NodeId,
    /** A set of just this site; null for this node itself. */
    readonly set: TargetSet | null,
  ) {}

  /** Messages that its quota has room for. */
  get room(): number {
    return this.quota === null ? Infinity : Math.max(0, this.quota - this.outstanding);
  }

  took(): void {
    this.outstanding++;
    if (this.room === 0) this.spilling = true;
  }

  gaveBack(): void {
    this.outstanding--;
    if (this.spilling) this.#review();
  }

  set limit(quota: number | null) {
    this.quota = quota;
    if (this.room === 0) this.spilling = true;
    else this.#review();
  }

  #review(): void {
    if (this.quota === null || this.outstanding < this.quota * QUOTA_RETURN) this.spilling = false;
  }
}
