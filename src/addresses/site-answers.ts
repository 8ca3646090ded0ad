import type { NodeId } from '../links/contract';
import { OUTCOME, type Outcome, type OutcomeDetail, type TargetSet } from '../streams/contract';

/** What one site said of a multicast message, in two bits; `fine`: it accepted, or nobody there wants it any more. */
const ANSWER = { none: 0, fine: 1, refused: 2, unknown: 3 } as const;
type Answer = (typeof ANSWER)[keyof typeof ANSWER];

/** Sites whose answers fit one number. */
const PACKED_MAX = 16;

/**
 * Answers of the sites of multicast messages, by slot. The sites are the target set of when it was published, and last this node
 * itself.
 */
export class SiteAnswers {
  readonly #sets: (TargetSet | null)[] = [];
  readonly #locals: boolean[] = [];
  readonly #missing: number[] = [];
  readonly #accepted: number[] = [];
  readonly #failed: number[] = [];
  /** Two bits a site. */
  readonly #packed: number[] = [];
  /** For messages to more sites than that. */
  readonly #many = new Map<number, Uint8Array>();
  /** What sites that refused gave as their reason. */
  readonly #reasons = new Map<number, Map<NodeId, string>>();

  open(slot: number, set: TargetSet | null, local: boolean): void {
    const sites = (set?.targets.length ?? 0) + (local ? 1 : 0);
    this.#sets[slot] = set;
    this.#locals[slot] = local;
    this.#missing[slot] = sites;
    this.#accepted[slot] = 0;
    this.#failed[slot] = 0;
    this.#packed[slot] = 0;
    if (sites > PACKED_MAX) this.#many.set(slot, new Uint8Array(sites));
  }

  missing(slot: number): number {
    return this.#missing[slot] as number;
  }

  anyAccepted(slot: number): boolean {
    return (this.#accepted[slot] as number) > 0;
  }

  /** Some site refused, or will never say. */
  failed(slot: number): boolean {
    return (this.#failed[slot] as number) > 0;
  }

  answer(slot: number, node: NodeId, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (outcome === OUTCOME.accepted) this.#accepted[slot] = (this.#accepted[slot] as number) + 1;
    if (outcome === OUTCOME.accepted || outcome === OUTCOME.undelivered) {
      this.#note(slot, node, ANSWER.fine);
      return;
    }
    this.#note(slot, node, ANSWER.refused);
    const reason = detail?.description ?? detail?.condition;
    if (reason === undefined) return;
    const reasons = this.#reasons.get(slot);
    if (reasons === undefined) this.#reasons.set(slot, new Map([[node, reason]]));
    else reasons.set(node, reason);
  }

  lost(slot: number, node: NodeId): void {
    this.#note(slot, node, ANSWER.unknown);
  }

  #note(slot: number, node: NodeId, answer: Answer): void {
    this.#missing[slot] = (this.#missing[slot] as number) - 1;
    if (answer !== ANSWER.fine) this.#failed[slot] = (this.#failed[slot] as number) + 1;
    const targets = this.#sets[slot]?.targets;
    const found = targets?.indexOf(node) ?? -1;
    const at = found < 0 ? (targets?.length ?? 0) : found;
    const many = this.#many.size === 0 ? undefined : this.#many.get(slot);
    if (many === undefined) this.#packed[slot] = ((this.#packed[slot] as number) | (answer << (at * 2))) >>> 0;
    else many[at] = answer;
  }

  #said(slot: number, at: number): number {
    return this.#many.get(slot)?.[at] ?? ((this.#packed[slot] as number) >>> (at * 2)) & 3;
  }

  /** Names the sites that refused, with their reason, and those that have not said. */
  describe(slot: number, self: NodeId, siteName: (node: NodeId) => string): string {
    const nodes = [...(this.#sets[slot]?.targets ?? []), ...(this.#locals[slot] === true ? [self] : [])];
    const refused = new Set<string>();
    const unknown = new Set<string>();
    nodes.forEach((node, at) => {
      const said = this.#said(slot, at);
      const reason = this.#reasons.get(slot)?.get(node);
      if (said === ANSWER.refused) refused.add(siteName(node) + (reason === undefined ? '' : ` (${reason})`));
      else if (said !== ANSWER.fine) unknown.add(siteName(node));
    });
    const sentence = (text: string, sites: ReadonlySet<string>): string[] =>
      sites.size === 0 ? [] : [`${text}: ${[...sites].sort().join(', ')}`];
    return [...sentence('refused by', refused), ...sentence('no answer from (may still receive it)', unknown)].join(
      '; ',
    );
  }

  close(slot: number): void {
    this.#sets[slot] = null;
    if (this.#many.size > 0) this.#many.delete(slot);
    if (this.#reasons.size > 0) this.#reasons.delete(slot);
  }
}
