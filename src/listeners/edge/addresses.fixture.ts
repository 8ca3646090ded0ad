import type {
  AddressKind,
  AddressRef,
  AddressSpace,
  Consumer,
  ConsumerHandler,
  ConsumerSpec,
  KindHint,
  Publisher,
  PublisherHandler,
  PublisherSpec,
  SubscriptionRef,
  SubscriptionView,
  Transaction,
  Verdict,
} from '../../addresses/contract';
import type { FairleadError } from '../../common/errors';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../../streams/contract';

/** A consumer of the address layer that keeps what the listener says, and says what the test wants. */
export class FakeConsumer implements Consumer {
  readonly settled: { token: number; outcome: Outcome; detail: OutcomeDetail | null; confirm: boolean }[] = [];
  pumps = 0;
  drains = 0;
  waiting = 0;
  /** How it was closed: undefined while it is not. */
  failed: boolean | undefined;

  constructor(
    readonly address: AddressRef,
    readonly spec: ConsumerSpec,
    readonly handler: ConsumerHandler,
  ) {}

  pump(): void {
    this.pumps++;
  }

  settle(token: number, outcome: Outcome, detail: OutcomeDetail | null, confirm = false): void {
    this.settled.push({ token, outcome, detail, confirm });
  }

  drain(): void {
    this.drains++;
  }

  close(failed = false): void {
    this.failed = failed;
  }

  deliver(token: number, payload: Buffer, settled = this.spec.settled): void {
    this.handler.deliver(token, this.address, settled, payload, 0, payload.length);
  }
}

/** A publisher likewise. */
export class FakePublisher implements Publisher {
  readonly published: { to: string; flags: number; payload: string; token: number }[] = [];
  verdict: Verdict = OUTCOME.accepted;
  readonly parts: string[] = [];
  closed = false;

  constructor(
    readonly address: AddressRef | null,
    readonly handler: PublisherHandler,
  ) {}

  publish(to: AddressRef, flags: number, payload: Buffer, start: number, end: number, token: number): Verdict {
    this.published.push({ to: to.name, flags, payload: payload.toString('latin1', start, end), token });
    return this.verdict;
  }

  begin(to: AddressRef): void {
    this.parts.push(`begin ${to.name}`);
  }

  part(_payload: Buffer, start: number, end: number): void {
    this.parts.push(`${end - start} bytes`);
  }

  end(): Verdict {
    this.parts.push('end');
    return this.verdict;
  }

  abort(): void {
    this.parts.push('abort');
  }

  close(): void {
    this.closed = true;
  }
}

const KIND = /^(topic|multicast|anycast|queue)\//;

/** An address layer without a mesh: names say their kind by their prefix, queues without one. */
export class FakeAddresses implements AddressSpace {
  readonly consumers: FakeConsumer[] = [];
  readonly publishers: FakePublisher[] = [];
  /** Told while a consumer is opened, within the call. */
  onOpen: (consumer: FakeConsumer) => void = (consumer) => consumer.handler.onConfirmed([]);
  refusal: FairleadError | null = null;

  /** What was asked for, with the hint. */
  readonly resolved: [string, KindHint][] = [];

  resolve(address: string, hint: KindHint): AddressRef {
    this.resolved.push([address, hint]);
    if (this.refusal !== null) throw this.refusal;
    const kind = (KIND.exec(address)?.[1] ?? 'queue') as AddressKind;
    return { name: address.replace(KIND, ''), kind };
  }

  temporary(hint: KindHint): AddressRef {
    return { name: 'temporary', kind: hint ?? 'queue' };
  }

  beginTransaction(): Transaction {
    throw new Error('no test of this asks for one');
  }

  readonly dropped: string[] = [];

  dropTemporary(address: AddressRef): void {
    this.dropped.push(address.name);
  }

  openPublisher(spec: PublisherSpec, handler: PublisherHandler): Publisher {
    if (this.refusal !== null) throw this.refusal;
    const publisher = new FakePublisher(spec.address === null ? null : this.resolve(spec.address, spec.hint), handler);
    this.publishers.push(publisher);
    handler.onCredit(100);
    return publisher;
  }

  openConsumer(spec: ConsumerSpec, handler: ConsumerHandler): Consumer {
    const address = this.resolve(spec.address, spec.hint);
    const { subscription } = spec;
    const queue = { name: `$sub/${subscription?.client ?? ''}/${subscription?.name}`, kind: 'queue' } as const;
    const consumer = new FakeConsumer(subscription === undefined ? address : queue, spec, handler);
    this.consumers.push(consumer);
    this.onOpen(consumer);
    return consumer;
  }

  readonly known: SubscriptionView[] = [];
  /** What was to be ended, and who is to be told. */
  readonly unsubscribed: [SubscriptionRef, (error: FairleadError | null) => void][] = [];

  findSubscription({ name, client }: SubscriptionRef): SubscriptionView | null {
    return this.known.find((one) => one.name === name && one.client === client) ?? null;
  }

  unsubscribe(ref: SubscriptionRef, done: (error: FairleadError | null) => void): void {
    this.unsubscribed.push([ref, done]);
  }

  subscriptions(): Iterable<SubscriptionView> {
    return this.known;
  }

  get consumer(): FakeConsumer {
    return this.consumers.at(-1) as FakeConsumer;
  }

  get publisher(): FakePublisher {
    return this.publishers.at(-1) as FakePublisher;
  }
}
