import { encodeMessage } from '../message/encode-message';
import { decodeMessage } from '../message/decode-message';
import type { Message, MessageHeader, MessageProperties } from '../message/message';
import { OUTCOME, type LargeBody, type Outcome, type OutcomeDetail } from '../streams/contract';
import type {
  PutMark,
  PutSink,
  Queue,
  QueueConsumer,
  QueueConsumerSpec,
  QueueHost,
  QueueHostEvents,
  QueuePolicy,
  QueueSink,
} from './contract';
import { DEFAULT_QUEUE_POLICY } from './default-policy';
import { createQueueHost } from './host';
import { ModelStore, type ModelStoreOptions } from './model-store.fixture';

export const PLAIN: QueuePolicy = DEFAULT_QUEUE_POLICY;

export const CONSUMER: QueueConsumerSpec = {
  client: 'client',
  browse: false,
  selector: null,
  notFrom: 0,
  endpoint: 0,
  exclusive: false,
  settled: false,
  near: true,
  messageBytesMax: Number.MAX_SAFE_INTEGER,
};

export interface MessageParts {
  readonly header?: MessageHeader;
  readonly properties?: MessageProperties;
  readonly annotations?: Message['messageAnnotations'];
  readonly application?: Message['applicationProperties'];
}

/** An encoded message with a body of text. */
export function messageOf(text: string, parts: MessageParts = {}): Buffer {
  return encodeMessage({
    ...(parts.header && { header: parts.header }),
    ...(parts.annotations && { messageAnnotations: parts.annotations }),
    ...(parts.properties && { properties: parts.properties }),
    ...(parts.application && { applicationProperties: parts.application }),
    body: { kind: 'value', value: text },
  });
}

/** What is put into an intake. */
export function routed(topic: string, message: Buffer): Buffer {
  const name = Buffer.from(topic);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(name.length);
  return Buffer.concat([length, name, message]);
}

/** All of a large message, read in pieces of an odd size. */
export function bytesOf(body: LargeBody): Buffer {
  const bytes = Buffer.alloc(body.length);
  for (let at = 0; at < bytes.length;) {
    const read = body.read(at, bytes.subarray(at, Math.min(bytes.length, at + 50_021)));
    if (read === 0) throw new Error(`body of ${body.length} bytes ends at ${at}`);
    at += read;
  }
  return bytes;
}

/** A large message in memory, that knows how often it is held. */
export class MemoryBody implements LargeBody {
  refs = 1;

  constructor(readonly bytes: Buffer) {}

  get length(): number {
    return this.bytes.length;
  }

  read(offset: number, target: Buffer): number {
    if (this.refs <= 0) throw new Error('read after it was released');
    return this.bytes.copy(target, 0, offset);
  }

  retain(): void {
    this.refs++;
  }

  release(): void {
    this.refs--;
  }
}

/** An encoded message whose body is `bytes` times one letter. */
export function largeOf(letter: string, bytes: number, parts: MessageParts = {}): MemoryBody {
  return new MemoryBody(
    encodeMessage({
      ...(parts.header && { header: parts.header }),
      ...(parts.annotations && { messageAnnotations: parts.annotations }),
      ...(parts.properties && { properties: parts.properties }),
      ...(parts.application && { applicationProperties: parts.application }),
      body: { kind: 'data', parts: [Buffer.alloc(bytes, letter)] },
    }),
  );
}

/** What a consumer was given. */
export interface Delivered {
  readonly token: number;
  readonly text: string;
  readonly message: Message;
  /** As its header says; 0 where it says nothing. */
  readonly count: number;
  /** What it was published to. */
  readonly topic: string | null;
}

export class TestConsumer implements QueueSink {
  readonly deliveries: Delivered[] = [];
  readonly confirmed: number[] = [];
  gone: string | null = null;
  link!: QueueConsumer;

  constructor(public left: number) {}

  credit(): number {
    return this.left;
  }

  deliver(token: number, payload: Buffer, start: number, end: number, topic: string | null): void {
    this.left--;
    const message = decodeMessage(Buffer.from(payload.subarray(start, end)));
    const text = message.body.kind === 'value' ? String(message.body.value) : '';
    this.deliveries.push({ token, text, message, count: message.header?.deliveryCount ?? 0, topic });
  }

  deliverLarge(token: number, body: LargeBody, topic: string | null): void {
    this.left--;
    const message = decodeMessage(bytesOf(body));
    const [part = Buffer.alloc(0)] = message.body.kind === 'data' ? message.body.parts : [];
    const text = `large ${part.length} of ${String.fromCharCode(part[0] ?? 0)}`;
    this.deliveries.push({ token, text, message, count: message.header?.deliveryCount ?? 0, topic });
  }

  onSettled(token: number): void {
    this.confirmed.push(token);
  }

  onGone(error: { code: string }): void {
    this.gone = error.code;
  }

  get texts(): string[] {
    return this.deliveries.map(({ text }) => text);
  }

  /** Settles the oldest delivery of a text, and forgets it. */
  settle(
    text: string,
    outcome: Outcome = OUTCOME.accepted,
    detail: OutcomeDetail | null = null,
    confirm = false,
  ): void {
    const at = this.deliveries.findIndex((delivery) => delivery.text === text);
    const [delivery] = this.deliveries.splice(at, 1);
    if (at < 0 || delivery === undefined) throw new Error(`${text} was not delivered`);
    this.link.settle(delivery.token, outcome, detail, confirm);
  }

  more(credit: number): void {
    this.left += credit;
    this.link.pump();
  }
}

/** A host over a model store, with virtual time. */
export class Home implements QueueHostEvents, PutSink {
  host: QueueHost;
  wall = 1_700_000_000_000;
  /** Outcomes of puts, by token. */
  readonly outcomes = new Map<number, Outcome>();
  readonly conditions = new Map<number, string | undefined>();
  readonly events: string[] = [];
  readonly forwarded: { address: string; message: Message; done: (outcome: Outcome) => void }[] = [];
  #tokens = 0;

  /** @param windowMessages how many messages of a lane wait in memory */
  constructor(
    options: ModelStoreOptions = {},
    private readonly windowMessages = 4_096,
    public store = new ModelStore(options),
  ) {
    this.host = this.#start();
  }

  #start(): QueueHost {
    const { store, windowMessages } = this;
    const clock = { wall: () => this.wall, now: () => this.wall };
    return createQueueHost({ store, events: this, clock, windowMessages });
  }

  onQueue(name: string, exists: boolean): void {
    this.events.push(`${exists ? 'made' : 'deleted'} ${name}`);
  }

  onRoom(queue: Queue): void {
    this.events.push(`room ${queue.name} ${queue.room > 0}`);
  }

  forward(address: string, payload: Buffer, done: (outcome: Outcome) => void): void {
    this.forwarded.push({ address, message: decodeMessage(payload), done });
  }

  forwardLarge(address: string, body: LargeBody, done: (outcome: Outcome) => void): void {
    this.forwarded.push({ address, message: decodeMessage(bytesOf(body)), done });
  }

  onDamage(queue: Queue, error: { code: string }): void {
    this.events.push(`damaged ${queue.name} ${error.code}`);
  }

  onPut(token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    this.outcomes.set(token, outcome);
    this.conditions.set(token, detail?.condition);
  }

  open(policy: Partial<QueuePolicy> = {}, name = 'q'): Queue {
    return this.host.open(name, { ...PLAIN, ...policy });
  }

  /** @returns the token */
  put(queue: Queue, message: Buffer | string, publisher = 0, mark: PutMark | null = null, seq = 0): number {
    const bytes = typeof message === 'string' ? messageOf(message) : message;
    const token = this.#tokens++;
    // Copied before return: what it was put from changes at once.
    const lent = Buffer.from(bytes);
    queue.put(lent, 0, lent.length, publisher, mark, seq, this, token);
    lent.fill(0xee);
    return token;
  }

  /** @returns the token */
  putLarge(queue: Queue, body: LargeBody, mark: PutMark | null = null, seq = 0): number {
    const token = this.#tokens++;
    queue.putLarge(body, 0, mark, seq, this, token);
    return token;
  }

  consume(queue: Queue, credit: number, spec: Partial<QueueConsumerSpec> = {}): TestConsumer {
    const consumer = new TestConsumer(credit);
    consumer.link = queue.consume({ ...CONSUMER, ...spec }, consumer);
    consumer.link.pump();
    return consumer;
  }

  /** Ends the turn; all of it, and what follows at once, comes to the disk. */
  settle(): void {
    this.host.flush();
    this.store.settle();
    for (let turns = 0; this.host.deadline() === 0 && turns < 1_000; turns++) {
      this.host.tick(this.wall);
      this.store.settle();
    }
  }

  /** Time goes by, with ticks when they are due. */
  pass(ms: number): void {
    const until = this.wall + ms;
    this.settle();
    for (let ticks = 0; this.host.deadline() <= until && ticks < 10_000; ticks++) {
      this.wall = Math.max(this.wall, this.host.deadline());
      this.host.tick(this.wall);
      this.settle();
    }
    this.wall = until;
    this.host.tick(this.wall);
    this.settle();
  }

  /** Killed, and started again on what was durable. */
  crash(untold = 0): void {
    this.store = this.store.crash(untold);
    this.outcomes.clear();
    this.host = this.#start();
  }
}
