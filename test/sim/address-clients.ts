import {
  PENDING,
  type AddressRef,
  type Consumer,
  type Gap,
  type KindHint,
  type Publisher,
  type QueueAttach,
  type SubscriptionSpec,
  type Transaction,
  type Verdict,
} from '../../src/addresses/contract';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../../src/streams/contract';
import type { MessageHeader } from '../../src/message/message';
import { decodeText, encodeText } from './queue-messages';
import type { VirtualNode } from './virtual-mesh';

export interface ConsumerOptions {
  /** It takes nothing until {@link SimConsumer.resume}. */
  readonly paused?: boolean;
  readonly settled?: boolean;
  readonly hint?: KindHint;
  readonly client?: string;
  /** Credit; without it as much as comes. */
  readonly credit?: number;
  /** How it consumes a queue. */
  readonly queue?: Partial<QueueAttach>;
  readonly subscription?: SubscriptionSpec;
}

const PLAIN_ATTACH: QueueAttach = { browse: false, selector: null, noLocal: false, exclusive: false };

/** A consumer that notes what it gets; settles each delivery at once unless told to hold it. */
export class SimConsumer {
  readonly got: string[] = [];
  /** The address that each was told to come from. */
  readonly from: string[] = [];
  /** What it was told to have missed, by the number of the message that it came with. */
  readonly gaps = new Map<number, Gap>();
  /** Earlier deliveries that it was told of, by the number of the message; only where there were any. */
  readonly redelivered = new Map<number, number>();
  /** Settlements that were confirmed, by token, and drains answered. */
  readonly settled: number[] = [];
  /** Tokens that came again before the settlement of what they had stood for was confirmed. */
  reused = 0;
  readonly #unconfirmed = new Set<number>();
  drained = 0;
  confirmed: readonly string[] | null = null;
  gone: string | null = null;
  /** What it settles with. */
  outcome: Outcome = OUTCOME.accepted;
  detail: OutcomeDetail | null = null;
  /** Whether it wants settlements confirmed. */
  confirming = false;
  /** Whether it keeps deliveries unsettled, and which. */
  holding = false;
  holds: (text: string) => boolean = () => this.holding;
  readonly held: number[] = [];
  #paused: boolean;
  #credit: number;
  readonly #consumer: Consumer;

  constructor(
    readonly node: VirtualNode,
    address: string,
    options: ConsumerOptions = {},
  ) {
    this.#paused = options.paused ?? false;
    this.#credit = options.credit ?? Infinity;
    const early: [token: number, text: string][] = [];
    let consumer: Consumer | null = null;
    const settle = (token: number, text: string): void => {
      if (consumer === null) early.push([token, text]);
      else if (this.holds(text)) this.held.push(token);
      else this.#settle(consumer, token, this.outcome, this.detail);
    };
    const take = (token: number, text: string): void => {
      if (this.#unconfirmed.has(token)) this.reused++;
      this.#credit--;
      this.got.push(text);
      if (token >= 0) settle(token, text);
    };
    const takeBytes = (token: number, { kind, name }: AddressRef, bytes: Buffer): void => {
      this.from.push(`${kind}/${name}`);
      if (kind !== 'queue' && options.subscription === undefined) {
        take(token, bytes.toString());
        return;
      }
      const { text, deliveryCount } = decodeText(bytes);
      if (deliveryCount > 0) this.redelivered.set(this.got.length, deliveryCount);
      take(token, text);
    };
    consumer = node.running.addresses.openConsumer(
      {
        address,
        hint: options.hint ?? null,
        client: options.client ?? 'consumer',
        settled: options.settled ?? false,
        ...(options.queue === undefined ? {} : { queue: { ...PLAIN_ATTACH, ...options.queue } }),
        ...(options.subscription === undefined ? {} : { subscription: options.subscription }),
      },
      {
        ready: () => !this.#paused && this.#credit > 0,
        credit: () => (this.#paused ? 0 : this.#credit),
        deliver: (token, address, _settled, payload, start, end) =>
          takeBytes(token, address, payload.subarray(start, end)),
        deliverLarge: (token, address, _settled, body) => {
          const bytes = Buffer.alloc(body.length);
          body.read(0, bytes);
          takeBytes(token, address, bytes);
        },
        onGap: (gap) => void this.gaps.set(this.got.length, gap),
        onConfirmed: (unconfirmed) => (this.confirmed = unconfirmed),
        onSettled: (token) => {
          this.#unconfirmed.delete(token);
          this.settled.push(token);
        },
        onDrained: () => void this.drained++,
        onGone: (error) => (this.gone = error.code),
      },
    );
    this.#consumer = consumer;
    for (const [token, text] of early) settle(token, text);
  }

  get waiting(): number {
    return this.#consumer.waiting;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#consumer.pump();
  }

  give(credit: number): void {
    this.#credit += credit;
    this.#consumer.pump();
  }

  /** Settles what it holds, the first ones first. */
  settleHeld(outcome: Outcome = OUTCOME.accepted, count = this.held.length): void {
    for (const token of this.held.splice(0, count)) this.#settle(this.#consumer, token, outcome, null);
  }

  /** The same within a transaction. */
  settleHeldWithin(transaction: Transaction, outcome: Outcome = OUTCOME.accepted): void {
    for (const token of this.held.splice(0)) transaction.settle(this.#consumer, token, outcome, null);
  }

  #settle(consumer: Consumer, token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (this.confirming) this.#unconfirmed.add(token);
    consumer.settle(token, outcome, detail, this.confirming);
  }

  /** Gives credit back that cannot be used now. */
  drain(): void {
    this.#consumer.drain();
  }

  close(failed = false): void {
    this.#consumer.close(failed);
  }
}

export interface PublisherOptions {
  readonly hint?: KindHint;
  readonly client?: string;
  /** Sends settled messages. */
  readonly settled?: boolean;
  /** Of messages to queues. */
  readonly header?: MessageHeader;
  /** They are delivered so long after they were sent, not before. */
  readonly delayMs?: number;
  /** Sends AMQP messages to topics too. */
  readonly encoded?: boolean;
}

/** A publisher that sends as its credit allows and notes every outcome. */
export class SimPublisher {
  credit = 0;
  sent = 0;
  gone: string | null = null;
  held = false;
  /** Outcomes by number of the message. */
  readonly outcomes = new Map<number, Outcome>();
  readonly details = new Map<number, OutcomeDetail>();
  readonly publisher: Publisher;

  constructor(
    readonly node: VirtualNode,
    address: string | null,
    private readonly options: PublisherOptions = {},
  ) {
    this.publisher = node.running.addresses.openPublisher(
      { address, hint: options.hint ?? null, client: options.client ?? 'publisher' },
      {
        onCredit: (more) => (this.credit += more),
        onOutcome: (token, outcome, detail) => this.#note(token, outcome, detail),
        onHold: (held) => (this.held = held),
        onGone: (error) => (this.gone = error.code),
      },
    );
  }

  #note(token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (this.outcomes.has(token)) throw new Error(`a second outcome of message ${token}`);
    this.outcomes.set(token, outcome);
    if (detail !== null) this.details.set(token, detail);
  }

  /** Sends one message, with credit or without. @returns its number */
  send(text: string, to: AddressRef | null = this.publisher.address): number {
    if (to === null) throw new Error('an anonymous publisher must name the address');
    this.credit--;
    const token = this.sent++;
    const payload = this.#payload(text, to);
    this.#verdict(token, this.publisher.publish(to, this.#flags, payload, 0, payload.length, token));
    return token;
  }

  /** The same within a transaction. */
  sendWithin(transaction: Transaction, text: string, to = this.publisher.address as AddressRef): number {
    const token = this.sent;
    const payload = this.#payload(text, to);
    const verdict = transaction.publish(this.publisher, to, this.#flags, payload, 0, payload.length, token);
    this.credit--;
    this.sent++;
    this.#verdict(token, verdict);
    return token;
  }

  #payload(text: string, to: AddressRef): Buffer {
    return to.kind === 'queue' || this.options.encoded === true
      ? encodeText(text, this.options.header, this.options.delayMs)
      : Buffer.from(text);
  }

  get #flags(): number {
    return this.options.settled === true ? 1 : 0;
  }

  #verdict(token: number, verdict: Verdict): void {
    if (verdict !== PENDING) this.#note(token, verdict, null);
  }

  /** Sends as long as there is credit. @returns how many */
  sendAll(text: (n: number) => string, max = Infinity): number {
    let count = 0;
    while (this.credit > 0 && count < max) {
      this.send(text(this.sent));
      count++;
    }
    return count;
  }

  /** Sends a large message in parts. */
  sendLarge(text: string, partBytes = 64 * 1024, transaction: Transaction | null = null): number {
    const token = this.sent++;
    const { address } = this.publisher;
    const isEncoded = address?.kind === 'queue' || this.options.encoded === true;
    const bytes = isEncoded ? encodeText(text, this.options.header, this.options.delayMs) : Buffer.from(text);
    this.credit--;
    if (transaction === null) this.publisher.begin(address as AddressRef, 0, token);
    else transaction.begin(this.publisher, address as AddressRef, this.#flags, token);
    for (let at = 0; at < bytes.length; at += partBytes)
      this.publisher.part(bytes, at, Math.min(bytes.length, at + partBytes));
    this.#verdict(token, this.publisher.end());
    return token;
  }

  /** Outcomes in the order of sending; undefined for those that are not known yet. */
  get results(): (Outcome | undefined)[] {
    return Array.from({ length: this.sent }, (_, n) => this.outcomes.get(n));
  }
}
