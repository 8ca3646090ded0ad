import {
  message,
  type AmqpError,
  type Delivery as RheaDelivery,
  type EventContext,
  type Receiver,
  type Sender,
} from 'rhea';
import { within } from '../eventually';
import {
  ClientError,
  type ClientReceiver,
  type ClientSender,
  type Delivery,
  type ErrorTold,
  type Modification,
  type Outcome,
  type State,
} from './client';
import { Inbox } from './inbox';

/** rhea hands up decoded messages only; the bytes they were decoded from are what tests compare. */
const payloads = new WeakMap<object, Buffer>();
const codec = message as unknown as { decode(bytes: Buffer): object };
const decode = codec.decode.bind(codec);
codec.decode = (bytes) => {
  const decoded = decode(bytes);
  payloads.set(decoded, bytes);
  return decoded;
};

interface RheaError {
  readonly condition?: unknown;
  readonly description?: unknown;
  readonly info?: unknown;
}

export function errorTold(error: RheaError | Error | string | null | undefined): ErrorTold | null {
  if (error === undefined || error === null || typeof error === 'string') return null;
  const { condition, description, info } = error as RheaError;
  if (condition === undefined) return null;
  return {
    condition: String(condition),
    description: description === undefined || description === null ? undefined : String(description),
    info: (info ?? {}) as Record<string, unknown>,
  };
}

type Terminus = { readonly value?: unknown } | undefined;

abstract class RheaLink<L extends Sender | Receiver> {
  readonly closed: Promise<ErrorTold | null>;
  readonly reopened: Inbox<true>;
  #opened = false;

  constructor(
    protected readonly link: L,
    protected readonly role: 'sender' | 'receiver',
  ) {
    this.reopened = new Inbox(`reattachments of rhea's ${role} ${link.name}`);
    link.on(`${role}_open`, () => {
      if (this.#opened) this.reopened.push(true);
      this.#opened = true;
    });
    // An error is told again by the close that follows it.
    link.on(`${role}_error`, () => undefined);
    this.closed = new Promise((resolve) => {
      link.on(`${role}_close`, () => resolve(errorTold(link.error)));
    });
  }

  get name(): string {
    return this.link.name;
  }

  get address(): string | null {
    return (this.role === 'sender' ? this.link.target?.address : this.link.source?.address) ?? null;
  }

  get snd(): number {
    return this.link.snd_settle_mode;
  }

  get rcv(): number {
    return this.link.rcv_settle_mode;
  }

  /** The attach is answered; one that the node refuses is followed by its detach. */
  opened(): Promise<this> {
    return new Promise((resolve, reject) => {
      this.link.once(`${this.role}_open`, () => {
        const terminus = (this.role === 'sender' ? this.link.target : this.link.source) as Terminus;
        if (terminus !== undefined && terminus.value !== null) resolve(this); // rhea has a typed null for none
      });
      const lost = (): void => reject(new ClientError(`${this.role} ${this.name}`, null));
      this.link.connection.once('disconnected', lost);
      void this.closed.then((told) => reject(new ClientError(`${this.role} ${this.name}`, told)));
    });
  }

  async close(): Promise<void> {
    if (this.link.is_closed()) return;
    this.link.close();
    await this.#forgotten('closes');
  }

  async detach(): Promise<void> {
    this.link.detach();
    await this.#forgotten('detaches');
  }

  /** rhea frees the name of a link some ticks after the link has ended. */
  async #forgotten(what: string): Promise<void> {
    await within(`${this.role} ${this.name} ${what}`, this.closed);
    await new Promise(setImmediate);
  }
}

export class RheaSender extends RheaLink<Sender> implements ClientSender {
  readonly #waiting: (() => void)[] = [];
  readonly #pending = new Map<RheaDelivery, (outcome: Outcome) => void>();
  /** Given to rhea, which counts a delivery, and the credit as used, only when it writes. */
  #handed = 0;

  constructor(link: Sender) {
    super(link, 'sender');
    for (const state of ['accepted', 'rejected', 'released', 'modified'] as const)
      link.on(state, ({ delivery }: EventContext) => this.#onOutcome(delivery as RheaDelivery, state));
    link.on('settled', ({ delivery }: EventContext) => this.#onOutcome(delivery as RheaDelivery, 'none'));
    link.on('sendable', () => this.#pump());
    link.connection.on('disconnected', () => this.#lose());
    void this.closed.then(() => this.#lose());
  }

  get credit(): number {
    return (this.link as unknown as { credit: number }).credit;
  }

  send(payload: Buffer, { settled = this.link.options.snd_settle_mode === 1 } = {}): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        const delivery = this.link.send(payload, undefined, 0);
        this.#handed++;
        if (settled) {
          (delivery as { settled: boolean }).settled = true;
          resolve(outcome('sent', true));
        } else this.#pending.set(delivery, resolve);
      });
      this.#pump();
    });
  }

  /** Sends what credit allows, never more: rhea would queue it, and all other links of the session behind it. */
  #pump(): void {
    const { delivery_count: written } = this.link as unknown as { delivery_count: number };
    while (this.#waiting.length > 0 && this.link.sendable() && this.#handed - written < this.credit)
      this.#waiting.shift()?.();
  }

  #onOutcome(delivery: RheaDelivery, state: State | 'none'): void {
    const resolve = this.#pending.get(delivery);
    if (!resolve) return;
    this.#pending.delete(delivery);
    // rhea tells `modified` as `released` too, and first.
    const told = delivery.remote_state as unknown as Record<string, unknown> & {
      constructor: { composite_type?: State };
    };
    const { remote_settled: settled } = delivery;
    if (!settled) delivery.update(true); // a receiver in mode second waits for this
    resolve({
      ...outcome(told?.constructor.composite_type ?? state, settled),
      error: errorTold(told?.['error'] as RheaError | undefined),
      failed: told?.['delivery_failed'] === true,
      undeliverable: told?.['undeliverable_here'] === true,
      annotations: (told?.['message_annotations'] as Record<string, unknown> | undefined) ?? null,
    });
  }

  /** What is under way has no outcome any more; what waits for credit waits on. */
  #lose(): void {
    for (const resolve of this.#pending.values()) resolve(outcome('unknown', false));
    this.#pending.clear();
    this.#handed = 0;
  }
}

function outcome(state: Outcome['state'], settled: boolean): Outcome {
  return { state, settled, error: null, failed: false, undeliverable: false, annotations: null };
}

export class RheaReceiver extends RheaLink<Receiver> implements ClientReceiver {
  readonly inbox: Inbox<Delivery>;
  readonly #unsettled = new Map<RheaDelivery, () => void>();

  constructor(link: Receiver) {
    super(link, 'receiver');
    this.inbox = new Inbox(`messages of rhea's receiver ${link.name}`);
    link.on('message', ({ message: decoded, delivery }: EventContext) => {
      this.inbox.push(this.#delivery(payloads.get(decoded as object) as Buffer, delivery as RheaDelivery));
    });
    link.on('settled', ({ delivery }: EventContext) => this.#unsettled.get(delivery as RheaDelivery)?.());
  }

  #delivery(payload: Buffer, delivery: RheaDelivery): Delivery {
    const settledByNode = new Promise<void>((resolve) => this.#unsettled.set(delivery, resolve));
    return {
      payload,
      settled: delivery.remote_settled,
      settledByNode,
      accept: () => delivery.accept(),
      release: () => delivery.release(),
      reject: (error) => delivery.reject(error as AmqpError | undefined),
      modify: (how) => delivery.modified(toRhea(how)),
    };
  }

  flow(credit: number): void {
    this.link.add_credit(credit);
  }

  drain(): Promise<void> {
    const drained = new Promise<void>((resolve) => {
      this.link.once('receiver_drained', () => {
        this.link.drain = false;
        resolve();
      });
    });
    this.link.drain_credit();
    return within(`receiver ${this.name} is drained`, drained);
  }
}

function toRhea({ failed, undeliverable, annotations }: Modification) {
  return {
    delivery_failed: failed === true,
    undeliverable_here: undeliverable === true,
    ...(annotations && { message_annotations: annotations }),
  };
}
