import type { FairleadError } from '../common/errors';
import type { NodeId, TrafficClass } from '../links/contract';
import type { Queue, QueueConsumer, QueueConsumerSpec, QueueSink } from '../queues/contract';
import {
  MESSAGE_FLAG,
  OUTCOME,
  type LargeBody,
  type Outcome,
  type OutcomeDetail,
  type Streams,
  type TargetSet,
} from '../streams/contract';
import { SEGMENT_BYTES } from '../streams/limits';
import type { AddressEntry } from './address-entry';
import { writeCircuit, writeCount, writeGone, writeSettled } from './circuit-messages';
import { circuitWire } from './circuits';
import { CONTROL } from './control';
import { topicOfRetried } from './delivered-topic';
import { CIRCUIT_SHORT_BYTES } from './limits';
import type { SubscriptionDefinition } from './queue-claim';
import type { WhenKnown } from './queue-client';
import { isSubscriptionQueue } from './reserved-names';

/** What a home's end of a circuit asks of those around it. */
export interface HomeCircuitPorts {
  readonly streams: Streams;
  /** Slot of a delivery that is under way. */
  addSlot(circuit: HomeCircuit, token: number, delivery: number, bytes: number): number;
  /** The memory for what is under way is short. */
  readonly isShort: boolean;
  /** It was denied credit for that, and is pumped again at the end of each turn. */
  starved(circuit: HomeCircuit): void;
  /** The delivery of a slot will not be answered. */
  giveBack(slot: number): void;
  /** It may have something to do at the end of each turn. */
  watch(circuit: HomeCircuit, watched: boolean): void;
  ended(circuit: HomeCircuit): void;
}

const PART = Buffer.allocUnsafeSlow(SEGMENT_BYTES);

/** The home's end of a circuit: a consumer of the queue whose client is at another node. */
export class HomeCircuit implements QueueSink {
  /** Its node cannot be reached for now: others are served. */
  paused = false;
  /** What it asked for while its queue is on its way to another node: it is opened, or refused, when that is over. */
  waits: { readonly subscription: SubscriptionDefinition | null; readonly again: boolean } | null = null;
  readonly #wire: string;
  /** Its consumer is told topics. */
  readonly #topics: boolean;
  #lastTopic: string | null = null;
  #lastWire: string;
  readonly #cls: TrafficClass;
  #consumer: QueueConsumer | null = null;
  /** Deliveries so far, and how many there may be. */
  #sent = 0;
  #limit: number;
  /** Deliveries under way that have a slot, and their bytes. */
  #outstanding = 0;
  #outstandingBytes = 0;
  /** Drains that are not answered. */
  #drains = 0;
  #confirms = false;
  /** It is to end once all that is under way has come back. */
  #closing = false;
  /** Its client has closed the link. */
  #isOver = false;
  #large: { readonly slot: number; readonly largeId: number; readonly body: LargeBody; at: number } | null = null;
  /** Numbers of deliveries whose settlement is to be confirmed, by token. */
  readonly #settling = new Map<number, number>();

  constructor(
    private readonly ports: HomeCircuitPorts,
    readonly node: NodeId,
    readonly id: number,
    readonly entry: AddressEntry,
    private readonly set: TargetSet,
    private readonly spec: QueueConsumerSpec,
    limit: number,
    topics: boolean,
  ) {
    this.#wire = circuitWire(id);
    this.#lastWire = this.#wire;
    this.#topics = topics && isSubscriptionQueue(entry.name);
    this.#cls = entry.cls;
    this.#limit = limit;
  }

  /**
   * @param known asked to tell when the queue misses nothing any more; null where that is so
   * @throws FairleadError when the queue cannot be consumed so
   */
  open(queue: Queue, known: WhenKnown | null): void {
    this.#consumer = queue.consume(this.spec, this);
    if (known === null) this.#tellOpened();
    else known(() => this.#tellOpened());
    this.pump();
  }

  #tellOpened(): void {
    if (this.#consumer === null || this.#closing) return;
    this.ports.streams.sendControl(this.node, CONTROL.circuitOpened, writeCircuit(this.id));
  }

  /** Its client has gone: it is there for outcomes that are still on their way. */
  get closing(): boolean {
    return this.#closing && this.#consumer !== null;
  }

  get isExclusive(): boolean {
    return this.spec.exclusive !== false;
  }

  /** A consumer of its queue cannot be there beside it. @param exclusive that one wants to be the only one */
  isInTheWay(exclusive: boolean): boolean {
    if (this.#consumer === null || this.spec.browse) return false;
    return exclusive || this.isExclusive || this.entry.policy.exclusive;
  }

  // --- what the queue brings -------------------------------------------------------------------------------------------------

  credit(): number {
    if (this.#consumer === null || this.paused || this.#closing || this.#large !== null) return 0;
    if (this.ports.streams.isFull(this.node, this.#cls)) return 0;
    if (this.#outstandingBytes >= CIRCUIT_SHORT_BYTES && this.ports.isShort) {
      this.ports.starved(this);
      return 0;
    }
    return Math.max(0, this.#limit - this.#sent);
  }

  deliver(token: number, payload: Buffer, start: number, end: number, topic: string | null): void {
    this.ports.streams.append(
      this.set,
      this.#cls,
      this.#topics ? this.#wireOf(topic ?? topicOfRetried(payload, start, end)) : this.#wire,
      this.#flags,
      payload,
      start,
      end,
      this.#next(token, end - start),
    );
  }

  /** The same string for the same topic time and again. */
  #wireOf(topic: string | null): string {
    if (topic !== this.#lastTopic) {
      this.#lastTopic = topic;
      this.#lastWire = circuitWire(this.id, topic);
    }
    return this.#lastWire;
  }

  get #flags(): number {
    return this.spec.settled ? MESSAGE_FLAG.settled : MESSAGE_FLAG.tracked;
  }

  #next(token: number, bytes: number): number {
    this.#sent++;
    if (this.spec.settled) return -1;
    this.#outstanding++;
    this.#outstandingBytes += bytes;
    return this.ports.addSlot(this, token, this.#sent, bytes);
  }

  deliverLarge(token: number, body: LargeBody, topic: string | null): void {
    body.retain();
    const slot = this.#next(token, body.length);
    const wire = this.#topics ? this.#wireOf(topic) : this.#wire;
    const largeId = this.ports.streams.beginLarge(this.set, this.#cls, wire, this.#flags, slot);
    this.#large = { slot, largeId, body, at: 0 };
    this.#pumpLarge();
  }

  #pumpLarge(): void {
    const { streams } = this.ports;
    const large = this.#large;
    if (large === null) return;
    while (large.at < large.body.length) {
      if (streams.isFull(this.node, this.#cls)) return;
      const length = large.body.read(large.at, PART);
      if (length === 0) throw new Error(`a large message of ${large.body.length} bytes ends after ${large.at}`);
      streams.appendSegment(large.largeId, PART, 0, length);
      large.at += length;
    }
    this.#endLarge(false);
  }

  #endLarge(aborted: boolean): void {
    const large = this.#large;
    if (large === null) return;
    this.#large = null;
    this.ports.streams.endLarge(large.largeId, aborted);
    large.body.release();
  }

  onSettled(token: number, error: FairleadError | null): void {
    const delivery = this.#settling.get(token);
    if (delivery === undefined) return;
    this.#settling.delete(token);
    const told = writeSettled(this.id, delivery, error);
    this.ports.streams.sendControl(this.node, CONTROL.circuitSettled, told);
  }

  /** The queue is served here no more: what is under way may be with the client, who is told that it is void. */
  end(error: FairleadError): void {
    this.#consumer?.close(true);
    this.onGone(error);
  }

  onGone(error: FairleadError): void {
    this.ports.streams.sendControl(this.node, CONTROL.circuitGone, writeGone(this.id, error));
    this.#consumer = null;
    this.#endLarge(true);
    this.ports.ended(this);
  }

  // --- what the consumer's node tells ----------------------------------------------------------------------------------------

  onCredit(limit: number): void {
    this.#limit = limit;
    this.pump();
  }

  onDrain(): void {
    this.#drains++;
    this.ports.watch(this, true);
    this.pump();
  }

  onConfirm(): void {
    this.#confirms = true;
  }

  /** All that its node has is coming back as outcomes; what has not got there yet too. */
  onClose(closed: boolean): void {
    this.#closing = true;
    this.#isOver ||= closed;
    const large = this.#large;
    this.#endLarge(true);
    // Its end was not given to the stream: nobody will answer it.
    if (large !== null) this.ports.giveBack(large.slot);
    this.#endIfDone();
  }

  onOutcome(token: number, delivery: number, bytes: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (this.#confirms) this.#settling.set(token, delivery);
    this.#settle(token, bytes, outcome === OUTCOME.undelivered ? OUTCOME.released : outcome, detail, this.#confirms);
  }

  /** Its node has said nothing of it, and is told nothing. @param sent it may have the delivery */
  onLost(token: number, bytes: number, slot: number, sent: boolean): void {
    if (this.#large?.slot === slot) this.#endLarge(true);
    this.#settle(token, bytes, sent ? OUTCOME.modifiedFailed : OUTCOME.released, null, false);
  }

  #settle(token: number, bytes: number, outcome: Outcome, detail: OutcomeDetail | null, confirm: boolean): void {
    this.#outstanding--;
    this.#outstandingBytes -= bytes;
    this.#consumer?.settle(token, outcome, detail, confirm);
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.#closing || this.#outstanding > 0) return;
    this.#consumer?.close(false, this.#isOver);
    this.#consumer = null;
    this.ports.ended(this);
  }

  // --- time --------------------------------------------------------------------------------------------------------------------

  /** It may have room, or credit, again. */
  pump(): void {
    this.#pumpLarge();
    this.#consumer?.pump();
    if (this.#drains > 0) this.flush();
  }

  /** The end of a turn. */
  flush(): void {
    if (this.#drains === 0 || this.#large !== null || this.#consumer === null) return;
    if (!this.#consumer.idle && this.credit() > 0) return;
    this.ports.watch(this, false);
    this.#limit = this.#sent;
    for (; this.#drains > 0; this.#drains--)
      this.ports.streams.sendControl(this.node, CONTROL.circuitDrained, writeCount(this.id, this.#sent));
  }
}
