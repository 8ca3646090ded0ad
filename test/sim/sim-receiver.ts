import type { AddressRef, Consumer, ConsumerHandler, ConsumerSpec } from '../../src/addresses/contract';
import { OUTCOME, type LargeBody, type Outcome } from '../../src/streams/contract';
import type { Ledger, QueueDelivery, ReceiverRecord } from './ledger';
import { hashOf, readPayload } from './payload';
import { decodeBytes } from './queue-messages';
import { CLIENT, type SubscriptionPlan } from './subscription-plan';
import type { VirtualNode } from './virtual-node';

/** How a consumer of a queue, or of a subscription, behaves. */
export interface ReceiverPlan {
  readonly node: number;
  readonly queue: string;
  /** Deliveries that it has unsettled at most. */
  readonly credit: number;
  /** It settles what it got this much later. */
  readonly settleAfterMs: number;
  /** How often it settles otherwise than accepted, each a probability. */
  readonly others: readonly (readonly [Outcome, number])[];
  /** It asks that its settlements be confirmed. */
  readonly confirms: boolean;
  /** What it takes from instead, `queue` is that one's name in the ledger. */
  readonly subscription?: SubscriptionPlan;
}

/** What it asks for. */
function specOf({ queue, subscription }: ReceiverPlan): ConsumerSpec {
  const common = { hint: null, client: CLIENT, settled: false };
  if (subscription === undefined) return { ...common, address: queue };
  const { name, topic, shared } = subscription;
  return { ...common, address: topic, subscription: { name, client: CLIENT, durable: true, shared } };
}

/** What it has unsettled at most once it accepts everything: a backlog is to be gone in time. */
const AGREEABLE_CREDIT = 200;

/** A consumer of a queue that writes what it gets into the ledger. */
export class SimReceiver implements ConsumerHandler {
  readonly record: ReceiverRecord;
  /** It settles nothing for now. */
  holding = false;
  /** From now on it accepts at once whatever it gets. */
  #isAgreeable = false;
  readonly #consumer: Consumer;
  readonly #life: number;
  #unsettled = 0;
  /** Deliveries whose settlement is not confirmed yet, by token. */
  readonly #confirming = new Map<number, QueueDelivery>();
  #held: (() => void)[] = [];
  #opening = true;

  /** @throws FairleadError when the queue cannot be consumed so */
  constructor(
    private readonly node: VirtualNode,
    private readonly ledger: Ledger,
    private readonly plan: ReceiverPlan,
    private readonly random: () => number,
    /** It was ended from within the mesh. */
    private readonly onEnd: () => void,
  ) {
    const { addresses } = node.running;
    const { queue } = plan;
    this.#life = node.life;
    this.record = ledger.openReceiver({ node: node.name, life: node.life, queue, openedAt: node.mesh.time.now });
    this.#consumer = addresses.openConsumer(specOf(plan), this);
    this.#opening = false;
  }

  get live(): boolean {
    return this.record.ended === null && this.node.life === this.#life;
  }

  /** Nothing waits for it, and it has nothing unsettled. */
  get idle(): boolean {
    return this.live && this.#consumer.waiting === 0 && this.#unsettled === 0;
  }

  hold(): void {
    this.holding = true;
  }

  resume(): void {
    this.holding = false;
    const held = this.#held;
    this.#held = [];
    for (const settle of held) settle();
  }

  agree(): void {
    this.#isAgreeable = true;
    if (this.live) this.#consumer.pump();
  }

  close(failed: boolean): void {
    if (!this.live) return;
    this.#end(failed ? 'broken off' : 'closed');
    this.#consumer.close(failed);
  }

  /** Its node died. */
  died(): void {
    if (this.record.ended === null) this.#end('died');
  }

  #end(why: string): void {
    this.record.endedAt = this.node.mesh.time.now;
    this.record.ended = why;
  }

  // --- what the mesh calls -------------------------------------------------------------------------------------------------

  ready(): boolean {
    return this.credit() > 0;
  }

  credit(): number {
    return this.live ? Math.max(0, this.#creditMax - this.#unsettled) : 0;
  }

  get #creditMax(): number {
    return this.#isAgreeable ? Math.max(this.plan.credit, AGREEABLE_CREDIT) : this.plan.credit;
  }

  deliver(token: number, _to: AddressRef, _settled: boolean, payload: Buffer, start: number, end: number): void {
    this.#got(token, payload.subarray(start, end));
  }

  deliverLarge(token: number, _address: AddressRef, _settled: boolean, body: LargeBody): void {
    const bytes = Buffer.alloc(body.length);
    body.read(0, bytes);
    this.#got(token, bytes);
  }

  #got(token: number, message: Buffer): void {
    const { record, node } = this;
    const { bytes, header, marked } = decodeBytes(message);
    if (++this.#unsettled > this.#creditMax) record.overrun = true;
    const { publisher, seq } = readPayload(bytes);
    const delivery: QueueDelivery = {
      receiver: record,
      publisher,
      seq,
      // A header that says another thing than its sender did counts as other bytes.
      hash: hashOf(bytes) + (header.durable === true ? 0 : 1),
      at: node.mesh.time.now,
      marked,
      settledAt: null,
      outcome: null,
      confirmedAt: null,
    };
    this.ledger.queueDeliveries.push(delivery);
    // While it is being opened there is nobody yet to settle with.
    const wait = this.#isAgreeable ? 0 : this.plan.settleAfterMs;
    if (wait === 0 && !this.#opening) this.#settle(token, delivery);
    else this.#later(wait, () => this.#settle(token, delivery));
  }

  /** A node that stands still takes nothing of its clients until it goes on. */
  #later(ms: number, run: () => void): void {
    const { time } = this.node.mesh;
    time.after(ms, () => {
      if (!this.live) return;
      const wait = this.node.stalledUntil - time.now;
      if (wait > 0) this.#later(wait, run);
      else run();
    });
  }

  #settle(token: number, delivery: QueueDelivery): void {
    if (!this.live) return;
    if (this.holding) {
      this.#held.push(() => this.#settle(token, delivery));
      return;
    }
    const { confirms } = this.plan;
    delivery.settledAt = this.node.mesh.time.now;
    delivery.outcome = this.#outcome();
    this.#unsettled--;
    if (confirms) this.#confirming.set(token, delivery);
    this.#consumer.settle(token, delivery.outcome, null, confirms);
    if (this.live) this.#consumer.pump();
  }

  #outcome(): Outcome {
    if (this.#isAgreeable) return OUTCOME.accepted;
    let left = this.random();
    for (const [outcome, probability] of this.plan.others) if ((left -= probability) < 0) return outcome;
    return OUTCOME.accepted;
  }

  onSettled(token: number, error: Error | null): void {
    const delivery = this.#confirming.get(token);
    if (delivery === undefined) throw new Error(`settlement of ${token} confirmed, which was not asked for`);
    this.#confirming.delete(token);
    if (error === null) delivery.confirmedAt = this.node.mesh.time.now;
  }

  onGap(): void {
    throw new Error('a consumer of a queue misses nothing');
  }

  onDrained(): void {
    throw new Error('nothing was to be drained');
  }

  onConfirmed(): void {
    // Deliveries show it.
  }

  onGone(error: { readonly code: string }): void {
    this.#end(error.code);
    this.onEnd();
  }
}
