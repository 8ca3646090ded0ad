import { UNFLUSHED_BYTES_MAX } from '../queues/limits';
import type { Queue } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import { OUTCOME, type LargeBody } from '../streams/contract';
import { MESSAGE_BYTES_MAX } from '../streams/limits';
import type { AddressEntry } from './address-entry';
import { PENDING, type Verdict } from './contract';
import { AddressError } from './errors';
import type { ForwarderPorts } from './forwarder';
import { HeadedBody } from '../streams/framed-body';
import type { LocalPublisher } from './local-publisher';
import type { Outbox } from './outbox';
import type { OwnPuts } from './own-puts';
import type { QueueState } from './queue-state';
import { RoomReview } from './room-review';
import type { DurableRoute } from './durable-route';
import type { SubscriptionRouting } from './subscription-routing';

const LIMIT = 'amqp:resource-limit-exceeded';
const UNSETTLED = 'more subscriptions of the topic are between two nodes than can be told: try again';
/** Behind its length, in a head. */
const HEADING = 2;

/** What topics that subscriptions hold are built on, beside what all forwarders are. */
export interface DurableTopicsPorts {
  readonly store: QueueStore;
  readonly own: OwnPuts;
  readonly outbox: Outbox;
  readonly routing: SubscriptionRouting;
  refresh(entry: AddressEntry): QueueState;
  /** Publishers of large messages that were told to wait may go on. */
  relieved(): void;
}

/**
 * What is published to a topic that durable subscriptions hold: accepted once it is on this node's disk, for each node where any of
 * them lives. For those here it goes into their queues, for the others into the outbox, whether they can be reached or not: so there
 * is one way for all messages, and nothing is overtaken.
 */
export class DurableTopics {
  readonly #scratch = Buffer.allocUnsafeSlow(2 * MESSAGE_BYTES_MAX);
  readonly #limited: RoomReview;

  constructor(
    private readonly shared: ForwarderPorts,
    private readonly ports: DurableTopicsPorts,
  ) {
    this.#limited = new RoomReview(shared.clock, shared.scheduleFlush);
  }

  publish(
    route: DurableRoute,
    publisher: LocalPublisher,
    entry: AddressEntry,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    token: number,
  ): Verdict {
    const slot = this.shared.pending.add(publisher, entry, token, flags);
    const { own, outbox } = this.ports;
    const { head, here, elsewhere } = route;
    const length = head.length + end - start;
    own.open(slot, length * route.parts, route.parts);
    if (route.isUnsettled) return this.#refuse(route, slot, UNSETTLED);
    if (this.#isRefused(route, slot, payload, start, end, publisher.tag)) return PENDING;
    const bytes = this.#compose(head, payload, start, end);
    if (here !== null) this.#intake(here.entry, slot)?.put(bytes, 0, length, publisher.tag, null, 0, own, slot);
    if (elsewhere.length > 0) outbox.put(elsewhere, own, slot, flags, publisher.tag, bytes, 0, length);
    return PENDING;
  }

  /**
   * Refuses a message that a subscription here has no room for: the intake would do so by itself, but then others, elsewhere, would
   * have it nevertheless.
   */
  #isRefused(route: DurableRoute, slot: number, payload: Buffer, start: number, end: number, tag: number): boolean {
    const { here, elsewhere, head } = route;
    if (here === null || elsewhere.length === 0) return false;
    const full = this.ports.routing.full(head.toString('utf8', HEADING), payload, start, end, tag);
    if (full === null) return false;
    this.#refuse(route, slot, `${full} is as full as its rule allows`);
    return true;
  }

  #refuse({ parts }: DurableRoute, slot: number, description: string): Verdict {
    for (let left = parts; left > 0; left--)
      this.ports.own.onPut(slot, OUTCOME.rejected, { condition: LIMIT, description });
    return PENDING;
  }

  /** The message behind its head, until the next one is composed. */
  #compose(head: Buffer, payload: Buffer, start: number, end: number): Buffer {
    const length = head.length + end - start;
    const bytes = length <= this.#scratch.length ? this.#scratch : Buffer.allocUnsafe(length);
    head.copy(bytes);
    payload.copy(bytes, head.length, start, end);
    return bytes;
  }

  /** What is put to subscriptions here goes by it; null, and the message is answered, when it cannot be served. */
  #intake(entry: AddressEntry, slot: number): Queue | null {
    this.shared.scheduleFlush();
    const { queue, damage } = this.ports.refresh(entry);
    if (queue !== null) return queue;
    const { condition = 'amqp:internal-error', message: description = 'subscriptions cannot be served' } = damage ?? {};
    this.ports.own.onPut(slot, OUTCOME.rejected, { condition, description });
    return null;
  }

  publishLarge(
    route: DurableRoute,
    publisher: LocalPublisher,
    entry: AddressEntry,
    flags: number,
    body: LargeBody,
    token: number,
  ): Verdict {
    const slot = this.shared.pending.add(publisher, entry, token, flags);
    // Its bytes are counted by what holds them.
    const { own, outbox } = this.ports;
    own.open(slot, 0, route.parts);
    if (route.isUnsettled) return this.#refuse(route, slot, UNSETTLED);
    const headed = new HeadedBody(route.head, body);
    const { here, elsewhere } = route;
    if (here !== null) this.#intake(here.entry, slot)?.putLarge(headed, publisher.tag, null, 0, own, slot);
    if (elsewhere.length > 0) outbox.putLarge(elsewhere, own, slot, flags, publisher.tag, headed);
    return PENDING;
  }

  // --- transactions ------------------------------------------------------------------------------------------------------------

  /** Where a message to a topic goes for its subscriptions; null where there are none. @throws AddressError when that cannot be told */
  routeOf(entry: AddressEntry): DurableRoute | null {
    this.shared.audience.refresh(entry);
    if (entry.durable?.isUnsettled === true) throw new AddressError('FL_ADDRESS_LIMIT', UNSETTLED);
    return entry.durable;
  }

  /** What is put to subscriptions here goes by it. @throws FairleadError when they cannot be served */
  intakeOf(entry: AddressEntry): Queue {
    const { queue, damage } = this.ports.refresh(entry);
    if (queue !== null) return queue;
    throw damage ?? new AddressError('FL_QUEUE_GONE', 'subscriptions cannot be served');
  }

  // --- back-pressure -----------------------------------------------------------------------------------------------------------

  /** False while more is on its way to the disk, or waits for a node, than should: publishers are told when that is over. */
  hasRoom(entry: AddressEntry): boolean {
    const { store, outbox } = this.ports;
    const isFull = (to: AddressEntry): boolean => outbox.room(to.queue?.outgoing ?? null) === 0;
    const isHereFull = entry.durable?.here?.entry.queue?.queue?.room === 0;
    if (store.unflushedBytes <= UNFLUSHED_BYTES_MAX && !isHereFull && entry.durable?.elsewhere.some(isFull) !== true)
      return true;
    this.#limited.add(entry, 0);
    return false;
  }

  tick(now: number): void {
    let anyRoom = false;
    this.#limited.tick(now, (entry) => {
      if (!this.hasRoom(entry)) return;
      anyRoom = true;
      this.shared.credit.changed(entry);
    });
    if (anyRoom) this.ports.relieved();
  }

  deadline(): number {
    return this.#limited.deadline();
  }
}
