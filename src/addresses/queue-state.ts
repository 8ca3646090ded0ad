import type { FairleadError } from '../common/errors';
import type { NodeId } from '../links/contract';
import type { PutMark, Queue } from '../queues/contract';
import type { OutcomeDetail } from '../streams/contract';
import { NOWHERE } from './queue-homes';
import type { Outgoing } from './outgoing';
import type { PutHead } from './put-head';
import type { PutLane } from './put-lane';

/** Of an address that is a queue: where it lives, and the way there. */
export class QueueState {
  /** `home` and `queue` are as of this generation of the homes. */
  generation = -1;
  home: NodeId = NOWHERE;
  /** The queue itself when it lives here, and can be served. */
  queue: Queue | null = null;
  /** Why it cannot. */
  damage: FairleadError | null = null;
  /** Puts on their way to another node. */
  lane: PutLane | null = null;
  /** The same of what was on this node's disk first. */
  outbox: PutLane | null = null;
  /** What waits on this node's disk; null when nothing has for long. */
  outgoing: Outgoing | null = null;
  /** The mark of what this node had numbered for another one and puts here, while some of it may wait for a large one of it. */
  placing: PutMark | null = null;
  /** Turns of lanes of other nodes of which a put was not taken here, by numbering. */
  #refused: Map<string, number> | null = null;
  /** Nodes a large put of which had no room here, by numbering: what it was is not known, but nothing behind it must be taken. */
  #missed: Set<string> | null = null;
  /** The mark that a put of another node needed last. */
  #mark: PutMark | null = null;
  #markOrigin: NodeId = NOWHERE;
  #fromOutbox = false;

  /** It lives at `self`, and nothing is on its way to where it lived before, or from there to its place here. */
  isAt(self: NodeId): boolean {
    return this.home === self && !this.hasOlder && (this.outgoing === null || this.outgoing.empty);
  }

  /** Puts of this node that were not on its disk first have not come to their place yet, here or elsewhere. */
  get hasOlder(): boolean {
    const { lane } = this;
    if (lane === null) return false;
    if (this.placing?.isBusy !== true) this.placing = null;
    return !lane.empty || this.placing !== null;
  }

  /** The mark of puts of a node into the queue here. */
  mark(queue: Queue, node: NodeId, fromOutbox: boolean, epoch: number, nameOf: (node: NodeId) => string): PutMark {
    const mark = this.#mark;
    if (mark !== null && node === this.#markOrigin && epoch === mark.epoch && fromOutbox === this.#fromOutbox)
      return mark;
    this.#markOrigin = node;
    this.#fromOutbox = fromOutbox;
    return (this.#mark = queue.mark(originOf(nameOf(node), fromOutbox), epoch, fromOutbox));
  }

  /** A put was not taken here, nor is what was sent behind it before its origin knows: that comes again first. */
  refuse(origin: NodeId, { fromOutbox, epoch, turn }: PutHead): void {
    (this.#refused ??= new Map()).set(`${origin} ${fromOutbox} ${epoch}`, turn);
  }

  /** The same of a put of which this node never saw the head: the next one of either numbering tells the turn. */
  miss(origin: NodeId): void {
    this.#missed ??= new Set();
    this.#missed.add(`${origin} true`).add(`${origin} false`);
  }

  /** It was sent behind one that was not taken here. */
  isBehindRefused(origin: NodeId, head: PutHead): boolean {
    const { fromOutbox, epoch, turn } = head;
    if (this.#missed?.delete(`${origin} ${fromOutbox}`) === true) {
      if (this.#missed.size === 0) this.#missed = null;
      this.refuse(origin, head);
      return true;
    }
    if (this.#refused === null) return false;
    const key = `${origin} ${fromOutbox} ${epoch}`;
    const refused = this.#refused.get(key);
    if (refused === turn) return true;
    this.#refused.delete(key);
    if (this.#refused.size === 0) this.#refused = null;
    return false;
  }

  /** Another queue, or none, is here. */
  set(queue: Queue | null, damage: FairleadError | null): void {
    if (queue !== this.queue) this.#mark = this.placing = null;
    this.queue = queue;
    this.damage = damage;
  }
}

/** Whose numbering a put is of: what a node had on its disk first is numbered apart. */
export function originOf(node: string, fromOutbox: boolean): string {
  return fromOutbox ? `${node}/outbox` : node;
}

/** Why a message cannot be put into a queue of this node. */
export function detailOf({ damage }: QueueState): OutcomeDetail {
  const { condition = 'amqp:internal-error', message = 'the queue cannot be served' } = damage ?? {};
  return { condition, description: message };
}
