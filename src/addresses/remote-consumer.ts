import type { Chunk } from '../common/chunk';
import type { FairleadError } from '../common/errors';
import { OUTCOME, type LargeBody, type Outcome, type OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { ConsumerHandler, ConsumerSpec } from './contract';
import { DeliveryTable } from './delivery-table';
import { AddressError } from './errors';
import { giveFirst } from './give-first';
import { Lane } from './lane';
import { CIRCUIT_CREDIT_MAX, QUEUE_ATTACH_MS } from './limits';
import { definitionOf } from './queue-claim';
import { queueSpec, type QueueClient } from './queue-client';
import type { Circuit, RemoteConsumerPorts } from './remote-consumer-ports';
import { isSubscriptionQueue } from './reserved-names';

/**
 * A consumer of a queue whose home is another node. Its client's credit is the circuit's: nothing beyond it is on the way or waits here.
 * When the way breaks, what it has not settled is delivered again by the queue: a client that holds such deliveries is ended, so that
 * its late settlements visibly fail; any other one does not notice.
 */
export class RemoteConsumer implements QueueClient {
  closed = false;
  deadline: number;
  #circuit: Circuit | null = null;
  #state: 'waiting' | 'opening' | 'open' = 'waiting';
  #confirmed: boolean;
  /** Deliveries of the circuit that have come, and how many the home was told that may. */
  #arrived = 0;
  #limit = 0;
  readonly #lane: Lane;
  readonly #deliveries = new DeliveryTable();
  /** Tokens of settlements that the home has not confirmed, by number; null while the client wants no confirmation. */
  #confirming: Map<number, number> | null = null;
  /** Drains that are not answered, and those of them that the home has answered: so many deliveries are all there are. */
  #drains = 0;
  #drained = 0;
  #drainedAt = -1;

  constructor(
    private readonly ports: RemoteConsumerPorts,
    private readonly spec: ConsumerSpec,
    private readonly handler: ConsumerHandler,
    readonly entry: AddressEntry,
    confirmed = false,
  ) {
    this.#confirmed = confirmed;
    this.deadline = confirmed ? Infinity : ports.now() + QUEUE_ATTACH_MS;
    this.#lane = new Lane(
      {
        dropped: (reason, count) => ports.dropped(reason, count),
        settled: (token, outcome) => this.#giveBack(token, outcome),
        onSlow: () => undefined,
      },
      ports.lanes,
      ports.holding,
    );
    // Wrong wishes are refused at once.
    queueSpec(spec, false);
  }

  get address(): AddressEntry {
    return this.entry;
  }

  get waiting(): number {
    return this.#lane.size;
  }

  /** What the client takes, less what is here for it. */
  get #credit(): number {
    return Math.max(0, Math.min(this.handler.credit(), CIRCUIT_CREDIT_MAX) - this.#lane.size);
  }

  /** Deliveries that its client has and has not settled. */
  get #held(): number {
    return this.#deliveries.size - (this.spec.settled ? 0 : this.#lane.size);
  }

  // --- the circuit -----------------------------------------------------------------------------------------------------------

  /** Opens the circuit as soon as the home is within reach. */
  #open(): void {
    if (this.ports.isGone(this.entry)) {
      this.end(new AddressError('FL_SUBSCRIPTION_UNKNOWN', `subscription '${this.entry.name}' was ended`));
      return;
    }
    if (this.ports.isHere(this.entry)) {
      this.closed = true;
      this.ports.replace(this, this.#confirmed);
      return;
    }
    const limit = this.#credit;
    this.#circuit = this.ports.openCircuit(this, {
      wire: this.entry.wire,
      limit,
      spec: queueSpec(this.spec, false),
      subscription: definitionOf(this.spec),
      again: this.#confirmed,
      topics: isSubscriptionQueue(this.entry.name),
    });
    if (this.#circuit === null) return;
    if (this.#confirmed) this.ports.reopened();
    this.#state = 'opening';
    this.#arrived = 0;
    this.#limit = limit;
    this.#drainedAt = -1;
    this.#drained = 0;
    if (this.#confirming !== null) this.#circuit.confirm();
  }

  onOpened(): void {
    this.#state = 'open';
    this.deadline = Infinity;
    this.ports.waits(this, false);
    if (!this.#confirmed) {
      this.#confirmed = true;
      this.handler.onConfirmed([]);
    }
    this.pump();
  }

  /** The way to the home broke: what was unsettled is delivered again by the queue. */
  broken(): void {
    if (this.#circuit === null) return;
    const mustSee = this.#mustSee;
    this.#release();
    if (mustSee && this.#confirmed) {
      const message = `the way to ${this.ports.homeName(this.entry)}, where queue '${this.entry.name}' lives, broke: attach again`;
      this.end(new AddressError('FL_QUEUE_INTERRUPTED', message));
      return;
    }
    if (!this.#confirmed) this.deadline = this.ports.now() + QUEUE_ATTACH_MS;
    this.#answer(this.#drains);
    this.ports.due(this);
  }

  /** Its client has something that is void without the circuit, or waits for an answer by it. */
  get #mustSee(): boolean {
    return this.#held > 0 || (this.#confirming?.size ?? 0) > 0 || this.spec.queue?.browse === true;
  }

  /** Forgets the circuit. What its client has may have been used: it comes again marked. */
  #release(): void {
    const circuit = this.#circuit;
    this.#circuit = null;
    // The home may have it nevertheless: it had given this node up, and tells so only after the circuit was opened anew.
    if (circuit !== null && this.ports.isReachable(circuit.home)) circuit.close(false);
    else circuit?.forget();
    this.#state = 'waiting';
    this.ports.waits(this, true);
    this.#takeBack(OUTCOME.modifiedFailed);
  }

  /** What waits has not been seen by the client; what that holds ends with `outcome`. */
  #takeBack(outcome: Outcome): void {
    this.#lane.clear();
    for (const token of this.#deliveries.open()) this.#giveBack(token, outcome);
  }

  #giveBack(token: number, outcome: Outcome): void {
    const slot = this.#deliveries.take(token);
    if (slot < 0) return;
    this.#deliveries.free(token);
    this.ports.settled(slot, outcome, null);
  }

  /** The queue cannot be served to it. */
  onGone(error: FairleadError): void {
    this.#circuit?.forget();
    this.#circuit = null;
    if (error.code === 'FL_QUEUE_MOVED' && !this.#mustSee) {
      this.#release();
      this.ports.due(this);
    } else this.end(error);
  }

  review(): void {
    if (this.#circuit === null) this.ports.due(this);
  }

  flush(now: number): void {
    if (this.closed) return;
    if (this.#circuit === null) this.#open();
    if (this.closed) return;
    if (now >= this.deadline) this.#giveUp();
    else if (this.#circuit !== null) this.#tellCredit(this.#circuit);
  }

  #giveUp(): void {
    const { name } = this.entry;
    const home = this.ports.homeName(this.entry);
    const code = this.spec.subscription === undefined ? 'FL_QUEUE_UNREACHABLE' : 'FL_SUBSCRIPTION_AWAY';
    this.end(new AddressError(code, `queue '${name}' lives at ${home}, which is out of reach`));
  }

  /** Credit is told when it is less, or well more, than what the home knows. */
  #tellCredit(circuit: Circuit): void {
    const limit = this.#arrived + this.#credit;
    const left = this.#limit - this.#arrived;
    if (limit === this.#limit || (limit > this.#limit && left * 2 > limit - this.#arrived)) return;
    this.#limit = limit;
    circuit.credit(limit);
  }

  // --- what comes by it --------------------------------------------------------------------------------------------------------

  /** @param topic what it was published to, where the home has said so */
  arrived(slot: number, topic: AddressEntry | null, chunk: Chunk, start: number, end: number): void {
    const token = this.#note(slot);
    const address = topic ?? this.entry;
    if (this.#lane.size > 0 || !this.handler.ready()) this.#lane.push(address, chunk.bytes, start, end, chunk, token);
    else {
      this.ports.delivered();
      this.handler.deliver(token, address, this.spec.settled, chunk.bytes, start, end);
    }
    if (this.#drainedAt >= 0) this.#checkDrained();
  }

  arrivedLarge(slot: number, topic: AddressEntry | null, body: LargeBody): void {
    const token = this.#note(slot);
    const address = topic ?? this.entry;
    if (this.#lane.size > 0 || !this.handler.ready()) this.#lane.pushLarge(address, body, token);
    else {
      this.ports.delivered();
      this.handler.deliverLarge(token, address, this.spec.settled, body);
    }
    if (this.#drainedAt >= 0) this.#checkDrained();
  }

  /** @returns the token of a delivery, -1 of one that is settled */
  #note(slot: number): number {
    this.#arrived++;
    this.ports.due(this);
    return slot < 0 ? -1 : this.#deliveries.add(slot, this.#arrived);
  }

  pump(): void {
    if (this.closed) return;
    const lane = this.#lane;
    while (lane.size > 0 && !this.closed && this.handler.ready()) {
      this.ports.delivered();
      giveFirst(lane, this.handler, this.spec.settled);
    }
    lane.recovered();
    if (this.#drainedAt >= 0) this.#checkDrained();
    this.ports.due(this);
  }

  // --- settlement --------------------------------------------------------------------------------------------------------------

  settle(token: number, outcome: Outcome, detail: OutcomeDetail | null, confirm = false): void {
    const slot = this.#deliveries.take(token);
    if (slot < 0) return;
    if (confirm) this.#confirms().set(this.#deliveries.number(token), token);
    else this.#deliveries.free(token);
    this.ports.settled(slot, outcome, detail);
  }

  /** Asked for ahead of the first outcome that is to be confirmed. */
  #confirms(): Map<number, number> {
    if (this.#confirming !== null) return this.#confirming;
    this.#circuit?.confirm();
    return (this.#confirming = new Map());
  }

  onSettled(delivery: number, error: FairleadError | null): void {
    const token = this.#confirming?.get(delivery);
    if (token === undefined) return;
    this.#confirming?.delete(delivery);
    this.#deliveries.free(token);
    this.handler.onSettled(token, error);
  }

  // --- drain -------------------------------------------------------------------------------------------------------------------

  drain(): void {
    this.#drains++;
    const circuit = this.#circuit;
    if (circuit === null || this.#state !== 'open' || !this.ports.isReachable(circuit.home)) {
      this.#answer(this.#drains);
      return;
    }
    const limit = this.#arrived + this.#credit;
    if (limit !== this.#limit) circuit.credit((this.#limit = limit));
    circuit.drain();
  }

  /** @param deliveries all that the home has sent */
  onDrained(deliveries: number): void {
    this.#drained++;
    this.#drainedAt = deliveries;
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (this.#arrived < this.#drainedAt || this.#lane.size > 0) return;
    this.#drainedAt = -1;
    this.#limit = this.#arrived;
    const answers = Math.min(this.#drained, this.#drains);
    this.#drained = 0;
    this.#answer(answers);
  }

  #answer(drains: number): void {
    this.#drains -= drains;
    for (let left = drains; left > 0; left--) this.handler.onDrained();
  }

  // --- the end -----------------------------------------------------------------------------------------------------------------

  close(failed = false, closed = false): void {
    if (this.closed) return;
    this.closed = true;
    this.#takeBack(failed ? OUTCOME.modifiedFailed : OUTCOME.released);
    this.#circuit?.close(closed);
    this.#circuit = null;
    this.ports.closed(this);
  }

  end(error: FairleadError): void {
    if (this.closed) return;
    // What its client has may have been used.
    this.close(true);
    this.handler.onGone(error);
  }
}
