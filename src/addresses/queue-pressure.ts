import { WireWriter } from '../common/wire';
import type { NodeId } from '../links/contract';
import type { Queue } from '../queues/contract';
import type { AddressEntry } from './address-entry';
import { CONTROL } from './control';
import type { ForwarderPorts } from './forwarder';
import { CREDIT_MAX } from './limits';
import type { Outbox } from './outbox';
import type { QueuePlaces } from './queue-places';
import type { QueueState } from './queue-state';
import type { RemotePuts } from './remote-puts';
import { RoomReview } from './room-review';

export interface QueuePressureParts {
  readonly places: QueuePlaces;
  readonly puts: RemotePuts;
  readonly outbox: Outbox;
  /** Publishers of large messages that were told to wait may go on. */
  relieved(): void;
}

/** How much publishers of queues may send, here and at other nodes. */
export class QueuePressure {
  /** Queues with a limit, here or of what waits on this node's disk for them. */
  readonly #limited: RoomReview;

  constructor(
    private readonly shared: ForwarderPorts,
    private readonly parts: QueuePressureParts,
  ) {
    this.#limited = new RoomReview(shared.clock, shared.scheduleFlush);
  }

  #isBlocked(entry: AddressEntry, queue: Queue): boolean {
    return entry.policy.overLimit === 'block' && queue.room === 0;
  }

  /** The queue takes no more for now: the origin is to give its publishers no credit. */
  chokeIfFull(entry: AddressEntry, queue: Queue, origin: NodeId): void {
    if (!this.#isBlocked(entry, queue) || entry.choked.has(origin)) return;
    const { counters, streams } = this.shared;
    entry.choked.add(origin);
    counters.chokes++;
    streams.sendControl(origin, CONTROL.choke, new WireWriter().text(entry.wire).take());
  }

  /** A queue here has no room any more, or some again. */
  onRoom(entry: AddressEntry, room: number): void {
    if (room === 0) return;
    const { credit, streams } = this.shared;
    for (const origin of entry.choked)
      streams.sendControl(origin, CONTROL.unchoke, new WireWriter().text(entry.wire).take());
    entry.choked.clear();
    credit.changed(entry);
    this.parts.relieved();
  }

  /** As of a forwarder. */
  allowance(entry: AddressEntry): number {
    if (entry.chokedBy.size > 0) return 0;
    const state = this.parts.places.refresh(entry);
    const { home, queue } = state;
    if (home !== this.shared.self)
      return entry.policy.custody === 'ingress'
        ? this.#outboxRoom(entry, state)
        : this.parts.puts.allowance(entry, state);
    // Where it cannot be served, each message is told why.
    if (queue === null || entry.policy.overLimit !== 'block') return Infinity;
    this.#limited.add(entry, queue.room);
    return queue.room;
  }

  #outboxRoom(entry: AddressEntry, { outgoing }: QueueState): number {
    const room = this.parts.outbox.room(outgoing);
    // It comes back without a word.
    if (room < CREDIT_MAX) this.#limited.add(entry, room);
    return room;
  }

  /** As of a forwarder. */
  congested(entry: AddressEntry): boolean {
    const state = this.parts.places.refresh(entry);
    const { home, queue } = state;
    if (home !== this.shared.self)
      return entry.policy.custody === 'home' && this.parts.puts.allowance(entry, state) === 0;
    return queue !== null && this.#isBlocked(entry, queue);
  }

  tick(now: number): void {
    this.#limited.tick(now, (entry, room) => {
      const { queue, home, outgoing } = this.parts.places.refresh(entry);
      const left = home === this.shared.self ? queue?.room : this.parts.outbox.room(outgoing);
      if (left === room) this.#limited.add(entry, room);
      else this.shared.credit.changed(entry);
    });
  }

  deadline(): number {
    return this.#limited.deadline();
  }
}
