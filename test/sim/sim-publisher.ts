import {
  PENDING,
  PUBLISH_FLAG,
  type AddressRef,
  type Publisher,
  type PublisherHandler,
  type Verdict,
} from '../../src/addresses/contract';
import type { Outcome } from '../../src/streams/contract';
import type { Ledger, PublisherRecord } from './ledger';
import { hashOf, writePayload } from './payload';
import { encodeBytes } from './queue-messages';
import type { VirtualNode } from './virtual-node';

/** How a publisher behaves. */
export interface PublisherPlan {
  readonly node: number;
  readonly address: string;
  readonly everyMs: number;
  readonly burst: number;
  readonly bytes: readonly [min: number, max: number];
  /** Probability that a message is a large one, and how large at most. */
  readonly large: number;
  readonly largeBytesMax: number;
  /** Of messages to queues; absent for the usual one. */
  readonly priority?: number;
  /** The topic is held by subscriptions. */
  readonly kept?: boolean;
}

const PART_BYTES = 32 * 1024;

/** A large message on its way in. */
interface Outgoing {
  readonly payload: Buffer;
  readonly seq: number;
  at: number;
}

/** A publisher that sends as its plan says while it has credit, and writes what it did into the ledger. */
export class SimPublisher implements PublisherHandler {
  readonly record: PublisherRecord;
  credit = 0;
  ended: string | null = null;
  readonly #publisher: Publisher;
  readonly #life: number;
  #large: Outgoing | null = null;
  #held = false;
  #stopped = false;

  constructor(
    private readonly node: VirtualNode,
    ledger: Ledger,
    private readonly plan: PublisherPlan,
    private readonly random: () => number,
  ) {
    const { address } = plan;
    this.#life = node.life;
    this.#publisher = node.running.addresses.openPublisher({ address, hint: null, client: 'sim' }, this);
    this.record = ledger.openPublisher({
      node: node.name,
      life: node.life,
      kind: this.#publisher.address?.kind ?? 'topic',
      address,
      openedAt: node.mesh.time.now,
    });
    this.#nextTurn();
  }

  get live(): boolean {
    return this.ended === null && this.node.life === this.#life;
  }

  /** Sends nothing new. */
  stop(): void {
    this.#stopped = true;
  }

  get idle(): boolean {
    return !this.live || (this.#stopped && this.#large === null);
  }

  /** Every message has its outcome, or never will. */
  get settled(): boolean {
    return !this.live || this.record.sent.every(({ outcomes }) => outcomes > 0);
  }

  close(): void {
    if (!this.live) return;
    this.ended = 'closed';
    this.#publisher.close();
  }

  /** Its node died. */
  died(): void {
    if (this.ended !== 'closed') this.record.diedAt ??= this.node.mesh.time.now;
  }

  #nextTurn(): void {
    this.node.mesh.time.after(this.plan.everyMs, () => {
      if (!this.live) return;
      if (this.node.stalledUntil <= this.node.mesh.time.now) this.#turn();
      if (!this.idle) this.#nextTurn();
    });
  }

  #turn(): void {
    if (this.#large !== null) {
      this.#part(this.#large);
      return;
    }
    for (let n = 0; n < this.plan.burst && this.credit > 0 && !this.#stopped && this.#large === null; n++) this.#send();
  }

  #send(): void {
    this.credit--;
    const { plan, record } = this;
    const to = this.#publisher.address as AddressRef;
    const large = plan.large > 0 && this.random() < plan.large;
    const [min, max] = large ? [64 * 1024, plan.largeBytesMax] : plan.bytes;
    const seq = record.sent.length;
    const payload = writePayload(record.id, seq, Math.floor(min + this.random() * (max - min)));
    const isQueue = record.kind === 'queue' || plan.kept === true;
    const message = isQueue ? encodeBytes(payload, { priority: plan.priority }) : payload;
    const flags = isQueue ? PUBLISH_FLAG.durable : 0;
    record.sent.push({
      at: this.node.mesh.time.now,
      hash: hashOf(payload),
      outcome: null,
      answeredAt: null,
      outcomes: 0,
    });
    if (large) {
      this.#publisher.begin(to, flags, seq);
      this.#large = { payload: message, seq, at: 0 };
    } else this.#verdict(seq, this.#publisher.publish(to, flags, message, 0, message.length, seq));
  }

  #part(large: Outgoing): void {
    for (let parts = 0; parts < 4 && !this.#held && large.at < large.payload.length; parts++) {
      const end = Math.min(large.payload.length, large.at + PART_BYTES);
      this.#publisher.part(large.payload, large.at, end);
      large.at = end;
    }
    if (large.at < large.payload.length) return;
    this.#large = null;
    this.#verdict(large.seq, this.#publisher.end());
  }

  #verdict(seq: number, verdict: Verdict): void {
    if (verdict !== PENDING) this.onOutcome(seq, verdict);
  }

  // --- what the mesh calls -------------------------------------------------------------------------------------------------

  onCredit(more: number): void {
    this.credit += more;
  }

  onOutcome(token: number, outcome: Outcome): void {
    const message = this.record.sent[token];
    if (message === undefined) throw new Error(`outcome of message ${token}, which was never sent`);
    message.outcome = outcome;
    message.answeredAt = this.node.mesh.time.now;
    message.outcomes++;
  }

  onHold(hold: boolean): void {
    this.#held = hold;
  }

  onGone(error: { readonly code: string }): void {
    this.ended = error.code;
  }
}
