import { eventually } from '../support/eventually';
import { Ledger } from '../support/ledger';
import { LedgerSender } from '../support/ledger-sender';
import { QueueLedger } from '../support/queue-ledger';
import { QueueReceiver } from '../support/queue-receiver';
import type { FaultyMesh } from './faulty-mesh';

const SETTLE_MS = 90_000;
const TOLD_MAX = 12;

const all = new Set<SubscriptionWork>();
// Clients dial again for ever: those that a failed test leaves behind would keep jest alive.
afterAll(() => {
  for (const work of all) work.drop();
});

/** One durable subscription: what came out of it, whoever consumed it. */
export class LedgerSubscription {
  readonly ledger: QueueLedger;
  #receivers: QueueReceiver[] = [];

  constructor(
    private readonly work: SubscriptionWork,
    readonly name: string,
    /** Null for one that several consumers share. */
    readonly client: string | null,
  ) {
    this.ledger = new QueueLedger(work.sent);
    if (client === null) this.ledger.unordered.add(work.address);
  }

  get consumed(): boolean {
    return this.#receivers.length > 0;
  }

  /** A consumer at a node, which comes back whenever it is cut off. */
  consume(node: string): QueueReceiver {
    const { name, client, ledger, work } = this;
    const { amqpPort: port } = work.faulty.node(node);
    const receiver = new QueueReceiver({
      name: `${name}-${node}`,
      port,
      ledger,
      address: work.address,
      subscription: { name, client },
    });
    this.#receivers.push(receiver);
    return receiver;
  }

  /** Its consumers go away without a word. */
  leave(): void {
    for (const receiver of this.#receivers.splice(0)) receiver.drop();
  }

  async confirmed(): Promise<void> {
    for (const receiver of this.#receivers) await receiver.confirmed();
  }

  told(): string {
    const receivers = this.#receivers.map(
      ({ options, attached, cuts }) => `${options.name} ${attached ? 'attached' : 'away'} ${JSON.stringify([...cuts])}`,
    );
    return `${this.name}: ${this.ledger.summary()}; ${receivers.join(', ')}`;
  }
}

/** Publishers of one topic and its durable subscriptions: each has to get every message that was accepted. */
export class SubscriptionWork {
  readonly sent = new Ledger();
  readonly senders: LedgerSender[] = [];
  readonly subscriptions: LedgerSubscription[] = [];

  constructor(
    readonly faulty: FaultyMesh,
    readonly address: string,
  ) {
    all.add(this);
  }

  /** Makes a subscription, which lives at that node from then on. */
  async subscribe(name: string, client: string | null, home: string): Promise<LedgerSubscription> {
    const subscription = new LedgerSubscription(this, name, client);
    this.subscriptions.push(subscription);
    await subscription.consume(home).ready();
    subscription.leave();
    return subscription;
  }

  async publish(node: string, perSecond: number): Promise<void> {
    const { address, sent: ledger } = this;
    const { amqpPort: port } = this.faulty.node(node);
    const options = { name: `put-${node}`, port, address, ledger, perSecond, durable: true };
    this.senders.push((await new LedgerSender(options).ready()).begin());
  }

  accepted({ options }: LedgerSender): number {
    const sent = this.sent.senders.get(options.name) ?? [];
    return sent.reduce((count, { answer }) => (answer === 'accepted' ? count + 1 : count), 0);
  }

  /** Every publisher gets answers, and every subscription that is consumed gives messages, again. */
  async progress(): Promise<void> {
    const accepted = this.senders.map((sender) => this.accepted(sender));
    const arrivals = this.subscriptions.map(({ ledger }) => ledger.arrivals);
    await eventually(
      'a topic takes messages and its subscriptions give them',
      () =>
        this.senders.every((sender, n) => this.accepted(sender) > (accepted[n] as number)) &&
        this.subscriptions.every(({ consumed, ledger }, n) => !consumed || ledger.arrivals > (arrivals[n] as number)),
      { withinMs: SETTLE_MS, otherwise: () => this.#state() },
    );
  }

  /** Publishers stop; what was accepted arrives and is settled for good; the ledgers are judged. */
  async settle(): Promise<void> {
    for (const sender of this.senders) sender.pause();
    for (const sender of this.senders) await sender.answered();
    const arrived = (): boolean => this.subscriptions.every(({ ledger }) => ledger.missing().length === 0);
    // Told by the judge below.
    await eventually('all has arrived', arrived, { withinMs: SETTLE_MS }).catch(() => undefined);
    for (const subscription of this.subscriptions) await subscription.confirmed();
    const found = this.subscriptions.flatMap(({ ledger }) => ledger.judge());
    const first = found
      .slice(0, TOLD_MAX)
      .map(({ kind, receiver, sender, seq }) => `${kind} ${receiver} ${sender}/${seq}`);
    if (found.length > 0) throw new Error(`${found.length} violations\n${first.join('\n')}\n${this.#state()}`);
  }

  resume(): void {
    for (const sender of this.senders) sender.begin();
  }

  drop(): void {
    for (const sender of this.senders) sender.drop();
    for (const subscription of this.subscriptions) subscription.leave();
  }

  summary(): string {
    return this.subscriptions.map((subscription) => subscription.told()).join('\n');
  }

  #state(): string {
    const senders = this.senders.map(({ options, sent, cuts, refusals }) =>
      [`${options.name}: sent ${sent}, cut ${cuts}, refused`, JSON.stringify([...refusals])].join(' '),
    );
    return [this.summary(), ...senders, this.faulty.mesh.logTails()].join('\n');
  }
}
