import type { NodeId } from '../links/contract';
import type { Streams } from '../streams/contract';
import type { ForwarderPorts } from './forwarder';
import type { PutLane } from './put-lane';
import type { PutLoads } from './put-loads';
import { NOWHERE } from './queue-homes';
import type { QueueState } from './queue-state';
import type { RemotePutsPorts } from './remote-puts-ports';
import type { WaitingLanes } from './waiting-lanes';

/** Aims each lane of puts at the home of its queue, and says when one has waited too long for a home that it cannot be sent to. */
export class PutAim {
  constructor(
    private readonly shared: Pick<ForwarderPorts, 'self' | 'clock'> & { readonly streams: Pick<Streams, 'targetSet'> },
    private readonly ports: Pick<RemotePutsPorts, 'isReachable' | 'isMerging' | 'holdMs'>,
    private readonly loads: Pick<PutLoads, 'move'>,
    private readonly waiting: Pick<WaitingLanes, 'wakeAt'>,
  ) {}

  /** Nothing is under way: the next one goes where the queue lives now, and by the class of its rule. */
  aim(lane: PutLane, { home: wanted }: QueueState): void {
    lane.cls = lane.entry.cls;
    if (lane.home === wanted) return;
    const home = this.#waitsForMerge(lane, wanted) ? NOWHERE : wanted;
    if (lane.home === home) return;
    this.loads.move(lane.home, home, lane.unsentBytes);
    lane.home = home;
    const elsewhere = home !== NOWHERE && home !== this.shared.self;
    lane.set = elsewhere ? this.shared.streams.targetSet([home]) : null;
  }

  /** What was put to a former home is not to be overtaken, nor put twice: it comes first, with what is remembered of puts. Not for ever. */
  #waitsForMerge(lane: PutLane, home: NodeId): boolean {
    if (home === NOWHERE || home === lane.sentTo || !this.ports.isMerging(lane)) {
      lane.mergingSince = Infinity;
      return false;
    }
    const now = this.shared.clock.now();
    lane.mergingSince = Math.min(lane.mergingSince, now);
    const until = lane.mergingSince + this.ports.holdMs;
    if (now >= until) return false;
    this.waiting.wakeAt(until);
    return true;
  }

  /** What waits for a home that is out of reach does not do so for ever, unless it is on this node's disk. @returns true once it is over */
  hasWaitedTooLong(lane: PutLane, { outbox }: QueueState, now: number): boolean {
    const { home } = lane;
    const isAway =
      (home === NOWHERE && lane.mergingSince === Infinity) ||
      (home !== NOWHERE && home !== this.shared.self && !this.ports.isReachable(home));
    lane.seen(isAway, now);
    if (lane.awaySince === Infinity || lane === outbox) return false;
    const until = lane.awaySince + this.ports.holdMs;
    if (now >= until) return true;
    this.waiting.wakeAt(until);
    return false;
  }
}
