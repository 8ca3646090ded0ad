import type { NodeId } from '../links/contract';
import type { PutMark, Queue } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import { OUTCOME, type OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import { isTemporary } from './address-names';
import type { ForwarderPorts } from './forwarder';
import type { PutHead } from './put-head';
import { detailOf, type QueueState } from './queue-state';

/** What an origin is told of a put that it has on its disk: it tries again. */
const QUEUE_FULL: OutcomeDetail = { description: 'the queue is as full as its rule allows' };
const DISK_FULL: OutcomeDetail = { description: 'the disk of the queue is full' };
const DISK_FAILED: OutcomeDetail = { description: 'the disk of the queue fails' };

/** What it is found out from whether a put can be taken. */
export interface PutGatePorts {
  readonly store: Pick<QueueStore, 'state' | 'lacksRoom'>;
  nodeName(node: NodeId): string;
  /** A put for it is answered once it is there. @returns false when it is not on its way */
  hold(name: string, site: number): boolean;
}

/** Takes no put of another node out of turn or without room: what is not taken now comes again first, and with it what was sent behind. */
export class PutGate {
  constructor(
    private readonly shared: Pick<ForwarderPorts, 'self' | 'sites' | 'counters'>,
    private readonly ports: PutGatePorts,
  ) {}

  /**
   * The put was sent behind one that was not taken; or nobody waits for it, its origin has it on the disk, and it would be refused for
   * now: refused for good it would lose its place.
   */
  hasToWait(entry: AddressEntry, queue: Queue, state: QueueState, origin: NodeId, head: PutHead): boolean {
    if (state.isBehindRefused(origin, head)) return true;
    const { fromOutbox, epoch, seq, turn } = head;
    if (!fromOutbox) return false;
    const mark = state.mark(queue, origin, fromOutbox, epoch, this.ports.nodeName);
    return mark.isEarly(seq, turn) || this.obstacleTo(entry, queue, mark, head) !== null;
  }

  /** Why a put is not taken for now whose origin has it on the disk; null when it is. */
  obstacleTo(entry: AddressEntry, queue: Queue, mark: PutMark, { fromOutbox, seq }: PutHead): OutcomeDetail | null {
    const obstacle = fromOutbox ? this.#obstacle(entry, queue) : null;
    // One that is stored already is answered at once.
    return obstacle === null || mark.has(seq) ? null : obstacle;
  }

  /** Why a queue here takes nothing for now. */
  #obstacle({ name }: AddressEntry, queue: Queue): OutcomeDetail | null {
    if (queue.isFull(1)) return QUEUE_FULL;
    const { state, lacksRoom } = this.ports.store;
    if (state === 'ok' || isTemporary(name)) return null;
    return lacksRoom ? DISK_FULL : DISK_FAILED;
  }

  /** The mark of a put that is taken. */
  markOf(state: QueueState, queue: Queue, origin: NodeId, { fromOutbox, epoch, seq }: PutHead): PutMark {
    const mark = state.mark(queue, origin, fromOutbox, epoch, this.ports.nodeName);
    if (seq <= mark.last) this.shared.counters.putsRepeated++;
    return mark;
  }

  /** Not stored here, for certain: its origin asks where the queue lives by now, or is told what is wrong. */
  refuse(site: number, entry: AddressEntry, state: QueueState, origin: NodeId, head: PutHead): void {
    const { sites, self } = this.shared;
    if (state.home === self && state.queue === null) {
      sites.settle(site, OUTCOME.rejected, detailOf(state));
      return;
    }
    state.refuse(origin, head);
    if (this.ports.hold(entry.name, site)) return;
    sites.settle(site, OUTCOME.undelivered, state.queue === null ? null : this.#obstacle(entry, state.queue));
  }
}
