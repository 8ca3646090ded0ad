import { UNFLUSHED_BYTES_MAX } from '../queues/limits';
import type { CoHolder } from '../queues/co-holder';
import type { Queue } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import { OUTCOME, type LargeBody, type OutcomeDetail } from '../streams/contract';
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

const LIMIT = 'amqp:resource-limit-exceeded';
const UNSETTLED = 'more subscriptions of the topic are between two nodes than can be told: try again';
/** A message is answered already: it is not taken. */
const REFUSED = 'refused';

/** What topics that subscriptions hold are built on, beside what all forwarders are. */
export interface DurableTopicsPorts {
  readonly store: QueueStore;
  readonly own: OwnPuts;
  readonly outbox: Outbox;
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
    const length = route.head.length + end - start;
    this.ports.own.open(slot, length);
    const intake = this.#admit(route, slot, length);
    if (intake === REFUSED) return PENDING;
    const bytes = this.#compose(route.head, payload, start, end);
    const { own, outbox } = this.ports;
    const { elsewhere } = route;
    if (intake === null) outbox.put(elsewhere, own, slot, flags, publisher.tag, bytes, 0, length);
    else
      intake.put(
        bytes,
        0,
        length,
        publisher.tag,
        null,
        0,
        own,
        slot,
        0,
        0,
        this.#others(route, flags, publisher.tag, length),
      );
    return PENDING;
  }

  /**
   * Whether a message may go where it is to, before it goes anywhere: the sender hears one answer, which is true for all of it.
   * @returns the intake here; null where none of its subscriptions lives here; or that it was refused
   */
  #admit(route: DurableRoute, slot: number, length: number): Queue | null | typeof REFUSED {
    if (route.isUnsettled) return this.#refuse(slot, { condition: LIMIT, description: UNSETTLED });
    const { here, elsewhere } = route;
    if (here === null) return null;
    const intake = this.#intake(here.entry, slot);
    const refusal = elsewhere.length === 0 ? null : this.ports.outbox.refusalOf(elsewhere, length);
    return refusal === null || intake === REFUSED ? intake : this.#refuse(slot, refusal);
  }

  #refuse(slot: number, detail: OutcomeDetail): typeof REFUSED {
    this.ports.own.onPut(slot, OUTCOME.rejected, detail);
    return REFUSED;
  }

  /** What subscriptions at other nodes have of a message that goes into the intake here. */
  #others({ elsewhere }: DurableRoute, flags: number, tag: number, length: number): CoHolder | null {
    return elsewhere.length === 0 ? null : this.ports.outbox.companion(elsewhere, flags, tag, length);
  }

  /** The message behind its head, until the next one is composed. */
  #compose(head: Buffer, payload: Buffer, start: number, end: number): Buffer {
    const length = head.length + end - start;
    const bytes = length <= this.#scratch.length ? this.#scratch : Buffer.allocUnsafe(length);
    head.copy(bytes);
    payload.copy(bytes, head.length, start, end);
    return bytes;
  }

  /** What is put to subscriptions here goes by it; that it was refused, when it cannot be served. */
  #intake(entry: AddressEntry, slot: number): Queue | typeof REFUSED {
    this.shared.scheduleFlush();
    const { queue, damage } = this.ports.refresh(entry);
    if (queue !== null) return queue;
    const { condition = 'amqp:internal-error', message: description = 'subscriptions cannot be served' } = damage ?? {};
    return this.#refuse(slot, { condition, description });
  }

  publishLarge(
    route: DurableRoute,
    publisher: LocalPublisher,
    entry: AddressEntry,
    flags: number,
    body: LargeBody,
    token: number,
  ): Verdict {
    if (body.length <= MESSAGE_BYTES_MAX) {
      const message = Buffer.allocUnsafe(body.length);
      for (let at = 0; at < message.length;) at += body.read(at, message.subarray(at));
      return this.publish(route, publisher, entry, flags, message, 0, message.length, token);
    }
    const slot = this.shared.pending.add(publisher, entry, token, flags);
    const headed = new HeadedBody(route.head, body);
    // Its bytes are counted by what holds them.
    const { own, outbox } = this.ports;
    own.open(slot, 0);
    const intake = this.#admit(route, slot, headed.length);
    if (intake === REFUSED) return PENDING;
    const { tag } = publisher;
    if (intake === null) outbox.putLarge(route.elsewhere, own, slot, flags, tag, headed);
    else intake.putLarge(headed, tag, null, 0, own, slot, 0, null, this.#others(route, flags, tag, headed.length));
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
