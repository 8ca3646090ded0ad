import type { AddressRef, Consumer, ConsumerHandler } from '../../src/addresses/contract';
import { OUTCOME, type LargeBody } from '../../src/streams/contract';
import type { ConsumerRecord, Delivery, Ledger } from './ledger';
import { readPayload } from './payload';
import type { VirtualNode } from './virtual-node';

/** How a consumer behaves. */
export interface ConsumerPlan {
  readonly node: number;
  readonly address: string;
  /** Messages that it takes every 20 ms; Infinity for as fast as they come. */
  readonly perTurn: number;
  /** It settles what it got this much later. */
  readonly settleAfterMs: number;
  /** Probability that it rejects. */
  readonly rejects: number;
  /** Messages may be dropped by its rule when it is slow. */
  readonly lossy: boolean;
}

const TURN_MS = 20;

/** A consumer that writes what it gets into the ledger. */
export class SimConsumer implements ConsumerHandler {
  readonly record: ConsumerRecord;
  paused = false;
  ended: string | null = null;
  readonly #consumer: Consumer;
  readonly #life: number;
  #budget: number;
  /** Tokens that came while the consumer was still being opened. */
  #opening: { readonly token: number; readonly delivery: Delivery }[] | null = [];

  constructor(
    private readonly node: VirtualNode,
    ledger: Ledger,
    private readonly plan: ConsumerPlan,
    private readonly random: () => number,
  ) {
    const { addresses } = node.running;
    const { time } = node.mesh;
    const kind = plan.address.startsWith('m.') ? 'multicast' : plan.address.startsWith('a.') ? 'anycast' : 'topic';
    this.#life = node.life;
    this.#budget = plan.perTurn;
    const { lossy, address: filter } = plan;
    this.record = ledger.openConsumer({
      node: node.name,
      life: node.life,
      kind,
      filter,
      lossy,
      openedAt: time.now,
    });
    this.#consumer = addresses.openConsumer({ address: filter, hint: null, client: 'sim', settled: false }, this);
    for (const { token, delivery } of this.#opening ?? []) this.#settle(token, delivery);
    this.#opening = null;
    if (plan.perTurn !== Infinity) this.#nextTurn();
  }

  get live(): boolean {
    return this.ended === null && this.node.life === this.#life;
  }

  get waiting(): number {
    return this.live ? this.#consumer.waiting : 0;
  }

  #nextTurn(): void {
    this.node.mesh.time.after(TURN_MS, () => {
      if (!this.live) return;
      this.#budget = this.plan.perTurn;
      if (this.ready()) this.#consumer.pump();
      this.#nextTurn();
    });
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    if (this.live && this.ready()) this.#consumer.pump();
  }

  close(): void {
    if (!this.live) return;
    this.ended = 'closed';
    this.record.endedAt = this.node.mesh.time.now;
    this.#consumer.close();
  }

  /** Its node died. */
  died(): void {
    if (this.record.endedAt !== null) return;
    this.record.endedAt = this.node.mesh.time.now;
    this.record.died = true;
  }

  // --- what the mesh calls -------------------------------------------------------------------------------------------------

  ready(): boolean {
    return !this.paused && this.#budget > 0 && this.node.stalledUntil <= this.node.mesh.time.now;
  }

  credit(): number {
    return this.ready() ? this.#budget : 0;
  }

  deliver(token: number, _to: AddressRef, _settled: boolean, payload: Buffer, start: number, end: number): void {
    this.#got(token, payload.subarray(start, end));
  }

  deliverLarge(token: number, _address: AddressRef, _settled: boolean, body: LargeBody): void {
    const bytes = Buffer.alloc(body.length);
    body.read(0, bytes);
    this.#got(token, bytes);
  }

  #got(token: number, bytes: Buffer): void {
    this.#budget--;
    const { time } = this.node.mesh;
    const delivery: Delivery = { ...readPayload(bytes), at: time.now, settledAt: null, accepted: false };
    this.record.got.push(delivery);
    if (token < 0) return;
    if (this.#opening !== null) this.#opening.push({ token, delivery });
    else if (this.plan.settleAfterMs === 0) this.#settle(token, delivery);
    else time.after(this.plan.settleAfterMs, () => this.live && this.#settle(token, delivery));
  }

  #settle(token: number, delivery: Delivery): void {
    delivery.settledAt = this.node.mesh.time.now;
    delivery.accepted = this.random() >= this.plan.rejects;
    this.#consumer.settle(token, delivery.accepted ? OUTCOME.accepted : OUTCOME.rejected, null);
  }

  onGap(): void {
    // The ledger knows what was missed.
  }

  onSettled(): void {
    // No confirmation is asked for.
  }

  onDrained(): void {
    // Nothing is drained.
  }

  onConfirmed(unconfirmed: readonly string[]): void {
    this.record.confirmedAt = this.node.mesh.time.now;
    this.record.unconfirmed = unconfirmed;
  }

  onGone(error: { readonly code: string }): void {
    this.ended = error.code;
    this.record.endedAt = this.node.mesh.time.now;
  }
}
