import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { within } from '../eventually';
import type { ClientReceiver, ClientSender, Delivery, ErrorTold, Modification, Outcome, State } from './client';
import { Inbox } from './inbox';
import type { Line, ProtonProcess } from './proton-process';
import { plain, tag, type Tagged, type TaggedMessage } from './tagged';

const INLINE_BYTES = 64 * 1024;

export function errorTold(told: unknown): ErrorTold | null {
  if (told === null || told === undefined) return null;
  const { condition, description, info } = told as {
    condition: string;
    description: string;
    info: Record<string, Tagged>;
  };
  if (condition === '') return null;
  const plainInfo = Object.fromEntries(Object.entries(info).map(([key, value]) => [key, plain(value)]));
  return { condition, description: description ?? undefined, info: plainInfo };
}

/** Large ones come in a file. */
function payloadOf(line: Line): Buffer {
  if (typeof line['file'] !== 'string') return Buffer.from(line['payload'] as string, 'base64');
  const payload = readFileSync(line['file']);
  unlinkSync(line['file']);
  return payload;
}

abstract class ProtonLink {
  readonly closed: Promise<ErrorTold | null>;
  readonly reopened: Inbox<true>;
  #end: (told: ErrorTold | null) => void = () => undefined;
  protected readonly id: string;

  constructor(
    protected readonly driver: ProtonProcess,
    protected readonly opening: Line,
    private readonly answer: Line,
  ) {
    this.id = opening['link'] as string;
    this.closed = new Promise((resolve) => (this.#end = resolve));
    this.reopened = new Inbox(`reattachments of proton's link ${this.name}`);
  }

  /** Hears what has happened since the attach. */
  listen(): this {
    this.driver.on(this.id, (line) => this.#onEvent(line));
    return this;
  }

  get name(): string {
    return this.opening['name'] as string;
  }

  get address(): string | null {
    return (this.answer['address'] as string | null) ?? null;
  }

  get snd(): number {
    return this.answer['snd'] as number;
  }

  get rcv(): number {
    return this.answer['rcv'] as number;
  }

  #onEvent(line: Line): void {
    if (line['event'] === 'link-closed') this.#end(errorTold(line['error']));
    else if (line['event'] === 'link-reopened') this.reopened.push(true);
    else this.onEvent(line);
  }

  protected abstract onEvent(line: Line): void;

  async close(): Promise<void> {
    this.driver.tell('close_link', { link: this.id });
    await within(`proton's link ${this.name} closes`, this.closed);
  }

  async detach(): Promise<void> {
    this.driver.tell('detach_link', { link: this.id });
    await within(`proton's link ${this.name} detaches`, this.closed);
  }
}

export class ProtonSender extends ProtonLink implements ClientSender {
  credit = 0;
  #refs = 0;
  readonly #pending = new Map<number, (outcome: Outcome) => void>();
  readonly #settled = new Set<number>();
  readonly #encoded = new Map<number, (payload: Buffer) => void>();

  constructor(...parts: ConstructorParameters<typeof ProtonLink>) {
    super(...parts);
    void this.closed.then(() => this.lose());
  }

  send(payload: Buffer, { settled = this.opening['snd'] === 1 } = {}): Promise<Outcome> {
    if (payload.length <= INLINE_BYTES) return this.#send({ payload: payload.toString('base64'), settled });
    const file = join(tmpdir(), `fairlead-send-${process.pid}-${this.id}-${this.#refs}`);
    writeFileSync(file, payload);
    return this.#send({ file, settled }).finally(() => unlinkSync(file));
  }

  /** Sends what proton's own encoder makes of the fields; tells the bytes too. */
  async sendMessage(message: TaggedMessage): Promise<{ payload: Buffer; outcome: Outcome }> {
    const ref = this.#refs + 1;
    const encoded = new Promise<Buffer>((resolve) => this.#encoded.set(ref, resolve));
    const outcome = await this.#send({ message, settled: this.opening['snd'] === 1 });
    return { payload: await encoded, outcome };
  }

  #send(command: Line): Promise<Outcome> {
    const ref = ++this.#refs;
    const outcome = new Promise<Outcome>((resolve) => this.#pending.set(ref, resolve));
    if (command['settled'] === true) this.#settled.add(ref);
    this.driver.tell('send', { link: this.id, ref, ...command });
    return outcome;
  }

  protected onEvent(line: Line): void {
    if (line['event'] === 'credit') this.credit = line['credit'] as number;
    else if (line['event'] === 'sent') this.#onSent(line);
    else if (line['event'] === 'outcome') this.#resolve(line['ref'] as number, outcomeOf(line));
  }

  #onSent(line: Line): void {
    const ref = line['ref'] as number;
    // Proton tells of credit only while some is left: a flow whose credit is used up at once has no event of its own.
    this.credit = line['credit'] as number;
    this.#encoded.get(ref)?.(payloadOf(line));
    this.#encoded.delete(ref);
    if (this.#settled.delete(ref)) this.#resolve(ref, { ...NOTHING, state: 'sent', settled: true });
  }

  #resolve(ref: number, outcome: Outcome): void {
    this.#pending.get(ref)?.(outcome);
    this.#pending.delete(ref);
  }

  /** What is under way has no outcome any more. */
  lose(): void {
    this.credit = 0;
    for (const resolve of this.#pending.values()) resolve({ ...NOTHING, state: 'unknown', settled: false });
    this.#pending.clear();
  }
}

const NOTHING = { error: null, failed: false, undeliverable: false, annotations: null };

function outcomeOf(line: Line): Outcome {
  const annotations = line['annotations'] as Tagged;
  return {
    state: (line['state'] as State | null) ?? 'none',
    settled: line['settled'] as boolean,
    error: errorTold(line['error']),
    failed: line['failed'] as boolean,
    undeliverable: line['undeliverable'] as boolean,
    annotations: annotations.t === 'map' ? (plain(annotations) as Record<string, unknown>) : null,
  };
}

/** A delivery, and what proton's decoder made of it. */
export interface ProtonDelivery extends Delivery {
  readonly message: TaggedMessage;
}

export class ProtonReceiver extends ProtonLink implements ClientReceiver {
  readonly inbox: Inbox<ProtonDelivery> = new Inbox(`messages of proton's receiver ${this.name}`);
  readonly #settled = new Map<number, () => void>();
  #drained: () => void = () => undefined;

  protected onEvent(line: Line): void {
    const number = line['delivery'] as number;
    if (line['event'] === 'message') this.inbox.push(this.#delivery(line, number));
    else if (line['event'] === 'settled') this.#settled.get(number)?.();
    else if (line['event'] === 'drained') this.#drained();
  }

  #delivery(line: Line, delivery: number): ProtonDelivery {
    const settle = this.opening['rcv'] !== 1;
    const answer = (state: State, more: Line = {}): void =>
      this.driver.tell('settle', { link: this.id, delivery, state, settle, ...more });
    return {
      payload: payloadOf(line),
      message: line['message'] as TaggedMessage,
      settled: line['settled'] as boolean,
      settledByNode: new Promise((resolve) => this.#settled.set(delivery, resolve)),
      accept: () => answer('accepted'),
      release: () => answer('released'),
      reject: (error) => answer('rejected', error && { error: { ...error, info: tagged(error.info) } }),
      modify: (how) => answer('modified', modification(how)),
    };
  }

  flow(credit: number): void {
    this.driver.tell('flow', { link: this.id, credit });
  }

  drain(): Promise<void> {
    const drained = new Promise<void>((resolve) => (this.#drained = resolve));
    this.driver.tell('drain', { link: this.id, credit: 0 });
    return within(`proton's receiver ${this.name} is drained`, drained);
  }
}

function tagged(values: Readonly<Record<string, string>> = {}): Record<string, Tagged> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, tag.string(value)]));
}

function modification({ failed = false, undeliverable = false, annotations }: Modification): Line {
  if (!annotations) return { failed, undeliverable };
  const entries = Object.entries(annotations).map(([key, value]) => [tag.symbol(key), tag.string(value)] as const);
  return { failed, undeliverable, annotations: tag.map(...entries) };
}
