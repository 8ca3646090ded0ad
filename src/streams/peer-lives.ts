import type { NodeView } from '../routing/contract';
import type { TargetState } from './contract';
import type { Notices } from './notices';
import type { Peer, Peers } from './peer';
import type { StreamCounters, StreamPorts } from './ports';
import type { Receiving } from './receiving';
import type { Sending } from './sending';

/** What stands and falls with a peer. */
export interface LivesParts<A> {
  readonly peers: Peers<A>;
  readonly sending: Pick<Sending<A>, 'reset' | 'resume' | 'sealBatches'>;
  readonly receiving: Pick<Receiving<A>, 'reset'>;
  readonly notices: Pick<Notices<A>, 'givenUp' | 'tell'>;
}

const NOTHING_MISSED: ReadonlyMap<string, number> = new Map();

/** Which peers can be reached, which are waited for and which are given up; a new life of one, or of this node, begins all streams afresh. */
export class PeerLives<A> {
  /** Peers that are waited for, so that a turn costs nothing for the others. */
  readonly #held = new Set<Peer<A>>();

  constructor(
    private readonly ports: StreamPorts<A>,
    private readonly counters: StreamCounters,
    private readonly parts: LivesParts<A>,
  ) {}

  // What routing tells, and what comes from a peer.

  onReachable(view: NodeView): void {
    const peer = this.parts.peers.of(view.id);
    if (peer.incarnation !== view.incarnation) this.#newLife(peer, view.incarnation);
    const former = peer.state;
    peer.state = 'reachable';
    this.#held.delete(peer);
    if (former === 'unusable') this.#usable(peer);
    this.parts.sending.resume(peer);
  }

  /** A peer that was given up here is seen to be back before routing says so: what it is owed from now on is held for it. */
  onHeard(peer: Peer<A>): void {
    if (peer.state !== 'unusable') return;
    const incarnation = this.ports.routes.view(peer.id)?.incarnation ?? 0;
    if (peer.incarnation !== incarnation) this.#newLife(peer, incarnation);
    this.#hold(peer);
    this.#usable(peer);
  }

  onUnreachable(view: NodeView): void {
    const peer = this.parts.peers.of(view.id);
    if (peer.state !== 'reachable') return;
    this.#hold(peer);
    this.counters.holds++;
    this.ports.scheduleFlush();
  }

  onIncarnation(view: NodeView): void {
    const peer = this.parts.peers.find(view.id);
    if (peer !== undefined && peer.incarnation !== view.incarnation) this.#newLife(peer, view.incarnation);
  }

  /** This node took a new incarnation: every peer starts all streams afresh. */
  onOwnIncarnation(): void {
    const { peers, sending, receiving } = this.parts;
    sending.sealBatches(false);
    for (const peer of peers.all()) sending.reset(peer, 'peerRestarted');
    for (const peer of peers.all()) receiving.reset(peer);
  }

  // Time.

  /** Gives up who was waited for long enough. */
  tick(now: number): void {
    for (const peer of this.#held) if (peer.holdDeadline <= now) this.#giveUp(peer);
  }

  deadline(): number {
    let next = Infinity;
    for (const peer of this.#held) next = Math.min(next, peer.holdDeadline);
    return next;
  }

  // What becomes of a peer.

  #usable(peer: Peer<A>): void {
    this.ports.upper.onTargetState(peer.id, 'usable');
    this.parts.notices.tell(peer);
  }

  #hold(peer: Peer<A>): void {
    peer.state = 'held';
    peer.holdDeadline = this.ports.clock.now() + this.ports.partitionHoldMs;
    this.#held.add(peer);
  }

  #unusable(peer: Peer<A>, state: Exclude<TargetState, 'usable'>): void {
    peer.state = 'unusable';
    this.#held.delete(peer);
    this.ports.upper.onTargetState(peer.id, state);
  }

  #newLife(peer: Peer<A>, incarnation: number): void {
    const { sending, receiving } = this.parts;
    const former = peer.incarnation;
    if (former > 0) sending.sealBatches(false);
    peer.incarnation = incarnation;
    peer.givenUp = null;
    if (former === 0) return;
    this.counters.restartsSeen++;
    sending.reset(peer, 'peerRestarted');
    if (peer.receiveIncarnation < incarnation) receiving.reset(peer);
    this.ports.upper.onGap(peer.id, NOTHING_MISSED);
    if (peer.state === 'held') this.#unusable(peer, 'unusable');
  }

  #giveUp(peer: Peer<A>): void {
    const { sending, notices } = this.parts;
    sending.sealBatches();
    this.#unusable(peer, 'givenUp');
    sending.reset(peer, 'unreachable');
    for (const stream of peer.receive) stream?.discardEarly();
    notices.givenUp(peer);
  }
}
