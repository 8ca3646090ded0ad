import type { WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import type { NodeView } from '../routing/contract';
import type { TargetState } from '../streams/contract';
import type { AddressParts } from './address-parts';
import { CONTROL } from './control';
import { noteGap } from './gap';
import type { AddressPorts } from './ports';
import { REHOMING_WIRE } from './rehoming-messages';

/** Addresses that the log names of a gap. */
const GAP_ADDRESSES_TOLD = 10;
const NOTHING_COUNTED: ReadonlyMap<string, number> = new Map();

/** What holds something of other nodes. */
export type PeersParts = Pick<
  AddressParts,
  | 'counters'
  | 'table'
  | 'audience'
  | 'interest'
  | 'barrier'
  | 'facts'
  | 'hold'
  | 'credit'
  | 'chokes'
  | 'quotas'
  | 'queues'
  | 'publishers'
>;

/**
 * Keeps what this node holds of each other node in step with it, as that is seen, lost, or begins a new life: what the two have asked of
 * each other, what is to be answered by it, what was missed of it.
 */
export class Peers {
  constructor(
    private readonly ports: Pick<AddressPorts, 'self' | 'routes' | 'journal'>,
    private readonly parts: PeersParts,
  ) {}

  #nameOf(node: NodeId): string {
    return this.ports.routes.view(node)?.name ?? String(node);
  }

  // --- what it asks --------------------------------------------------------------------------------------------------------

  /** It wants more, or less, of an address. @throws WireError */
  onControl(origin: NodeId, kind: number, payload: WireReader): void {
    if (kind !== CONTROL.choke && kind !== CONTROL.unchoke && kind !== CONTROL.quota) return;
    const { table, credit } = this.parts;
    const entry = table.ofWire(payload.text());
    if (kind === CONTROL.choke) entry.choke(origin);
    else if (kind === CONTROL.unchoke) entry.chokedBy.delete(origin);
    else {
      const candidate = entry.known.get(origin);
      const quota = payload.u32();
      if (candidate !== undefined && candidate.quota !== null) candidate.limit = quota;
    }
    credit.changed(entry);
  }

  /** Whatever this node and that one had asked of each other is void. */
  #forget(node: NodeId): void {
    this.parts.quotas.untold(node);
    for (const entry of this.parts.table.entries()) {
      entry.chokedBy.delete(node);
      entry.choked.delete(node);
    }
  }

  // --- what streams tell of it ---------------------------------------------------------------------------------------------

  onGap(origin: NodeId, missed: ReadonlyMap<string, number>): void {
    this.parts.counters.gaps++;
    const messages = [...missed].filter(([address]) => address !== REHOMING_WIRE);
    const total = messages.reduce((sum, [, count]) => sum + count, 0);
    const addresses = messages.map(([address]) => address).slice(0, GAP_ADDRESSES_TOLD);
    this.ports.journal.warn('gap', { origin: this.#nameOf(origin), missed: total, addresses });
    // A restart alone is no gap: what its node had taken and not sent was lost before anybody was owed it.
    if (messages.length > 0) noteGap(this.parts.audience, this.#nameOf(origin), new Map(messages));
  }

  onGivenUp(origin: NodeId): void {
    const { audience, table, chokes, queues, publishers } = this.parts;
    // What was published there meanwhile was not even held for this node: it was counted, but not by address.
    noteGap(audience, this.#nameOf(origin), NOTHING_COUNTED);
    for (const entry of table.entries()) {
      entry.chokedBy.delete(origin);
      if (entry.choked.has(origin)) chokes.repeat(entry, origin);
    }
    queues.onBroken(origin);
    publishers.relieved();
  }

  onTargetState(target: NodeId, state: TargetState): void {
    const { audience, queues, publishers } = this.parts;
    audience.targetState(target, state);
    if (state !== 'usable') {
      this.#forget(target);
      queues.onBroken(target);
    }
    publishers.relieved();
  }

  // --- what routing tells of it --------------------------------------------------------------------------------------------

  /** Its facts have come. Nobody waits for that to be known but who has subscriptions. */
  factsApplied(origin: NodeId): void {
    if (this.parts.queues.book.tells(this.#nameOf(origin))) this.parts.facts.applied(origin);
  }

  onReachable(view: NodeView): void {
    const { audience, barrier, facts, hold, credit, queues } = this.parts;
    audience.targetState(view.id, 'usable');
    queues.onReachable(view.id, true);
    hold.reachable(view);
    barrier.review();
    facts.review();
    barrier.applied(view.id);
    this.factsApplied(view.id);
    credit.anyChanged();
  }

  onUnreachable(view: NodeView): void {
    const { audience, barrier, facts, queues } = this.parts;
    queues.onReachable(view.id, false);
    audience.pathsChanged();
    barrier.review();
    facts.review();
  }

  onIncarnation(view: NodeView): void {
    const { audience, barrier, facts, quotas, credit, queues } = this.parts;
    barrier.forget(view.id);
    facts.forget(view.id);
    this.#forget(view.id);
    audience.newLife(view.id);
    quotas.newLife(view.id);
    queues.onBroken(view.id);
    credit.anyChanged();
  }

  /** This node itself began a new life: to every other one it is another. */
  onOwnIncarnation(): void {
    const { interest, barrier, facts, table, queues, publishers } = this.parts;
    interest.restart();
    barrier.restart();
    facts.restart();
    for (const entry of table.entries()) {
      for (const nodes of [entry.choked, entry.chokedBy])
        for (const node of [...nodes]) if (node !== this.ports.self) nodes.delete(node);
    }
    queues.onBroken(null);
    publishers.relieved();
  }
}
