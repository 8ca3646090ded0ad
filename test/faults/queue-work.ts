import { eventually } from '../support/eventually';
import { LedgerSender } from '../support/ledger-sender';
import { QueueLedger, type QueueViolation } from '../support/queue-ledger';
import { hasProton } from '../support/clients/foreign-clients';
import { ProtonQueueReceiver } from '../support/proton-queue-receiver';
import { type QueueClient, QueueReceiver } from '../support/queue-receiver';
import type { FaultyMesh } from './faulty-mesh';

export interface QueueSenderPlan {
  readonly at: string;
  readonly address: string;
  readonly perSecond: number;
  readonly bodyBytes?: number;
  readonly redialMs?: number;
}

export interface QueueReceiverPlan {
  readonly at: string;
  /** Where proton is missing, which is an error in CI, it is rhea. */
  readonly by?: 'rhea' | 'proton';
  readonly address: string;
}

/** A generous bound for what must come after a heal (G5 allows 30 s, and a dead node must start first). */
const SETTLE_MS = 90_000;
const TOLD_MAX = 12;

const all = new Set<QueueWork>();
// Clients dial again for ever: those that a failed test leaves behind would keep jest alive.
afterAll(() => {
  for (const work of all) work.drop();
});

/** Clients of queues at the nodes of a mesh: they come back whenever they are cut off. */
export class QueueWork {
  readonly ledger = new QueueLedger();
  readonly senders: LedgerSender[] = [];
  readonly receivers: QueueClient[] = [];

  private constructor(private readonly faulty: FaultyMesh) {
    all.add(this);
  }

  static async start(
    faulty: FaultyMesh,
    receivers: readonly QueueReceiverPlan[],
    senders: readonly QueueSenderPlan[],
  ): Promise<QueueWork> {
    const work = new QueueWork(faulty);
    const { ledger } = work;
    for (const { at, address, by } of receivers) {
      const name = `get-${at}-${address}-${work.receivers.length}`;
      const Kind = by === 'proton' && hasProton ? ProtonQueueReceiver : QueueReceiver;
      if (receivers.filter((other) => other.address === address).length > 1) ledger.unordered.add(address);
      const receiver: QueueClient = new Kind({ name, port: faulty.node(at).amqpPort, address, ledger });
      work.receivers.push(await receiver.ready());
    }
    for (const { at, ...plan } of senders) {
      const name = `put-${at}-${plan.address}-${work.senders.length}`;
      const options = { ...plan, name, port: faulty.node(at).amqpPort, ledger: ledger.sent, durable: true };
      work.senders.push((await new LedgerSender(options).ready()).begin());
    }
    await work.progress();
    return work;
  }

  /** Every sender gets answers, and messages arrive, again. */
  async progress(): Promise<void> {
    const { ledger } = this;
    const accepted = (sender: LedgerSender): number => this.accepted(sender);
    const before = this.senders.map(accepted);
    const arrivals = ledger.arrivals;
    await eventually(
      'queues take and give messages',
      () => ledger.arrivals > arrivals && this.senders.every((sender, n) => accepted(sender) > (before[n] ?? 0)),
      { withinMs: SETTLE_MS, otherwise: () => this.#state() },
    );
  }

  /** Messages of a sender of which it was told that they are the queue's now. */
  accepted({ options }: LedgerSender): number {
    const sent = this.ledger.sent.senders.get(options.name) ?? [];
    return sent.reduce((count, { answer }) => (answer === 'accepted' ? count + 1 : count), 0);
  }

  /** Senders stop; what was accepted arrives and is settled for good; the ledger is judged. */
  async settle(): Promise<void> {
    for (const sender of this.senders) sender.pause();
    for (const sender of this.senders) await sender.answered();
    const { ledger } = this;
    await eventually('all has arrived', () => ledger.missing().length === 0, { withinMs: SETTLE_MS }).catch(
      // Told by the judge below.
      () => undefined,
    );
    for (const receiver of this.receivers) await receiver.confirmed();
    this.#judge();
  }

  /** Nothing but what is new comes out of the queues now: all else was settled. */
  async nothingLeft(): Promise<void> {
    const { ledger } = this;
    const before = ledger.arrivals;
    for (const sender of this.senders) await sender.send(1);
    for (const sender of this.senders) await sender.answered();
    await eventually('the last messages arrive', () => ledger.missing().length === 0, {
      withinMs: SETTLE_MS,
      otherwise: () => this.#state(),
    });
    this.#judge();
    expect(ledger.arrivals - before).toBe(this.senders.length);
  }

  resume(): void {
    for (const sender of this.senders) sender.begin();
  }

  drop(): void {
    for (const sender of this.senders) sender.drop();
    for (const receiver of this.receivers) receiver.drop();
  }

  #judge(): void {
    const found = this.ledger.judge();
    if (found.length > 0) throw new Error(`${describe(found)}\n${this.#state()}`);
  }

  #state(): string {
    const receivers = this.receivers.map(
      ({ options, attached, cuts, unconfirmed }) =>
        `${options.name}: ${attached ? 'attached' : 'away'}, cut ${JSON.stringify([...cuts])}, unconfirmed ${unconfirmed}`,
    );
    const senders = this.senders.map(
      ({ options, sent, cuts, refusals, maySend }) =>
        `${options.name}: sent ${sent}, cut ${cuts}, ${maySend ? 'may send' : 'may not send'}, refused ${JSON.stringify([...refusals])}`,
    );
    return [this.ledger.summary(), ...senders, ...receivers, this.faulty.mesh.logTails()].join('\n');
  }
}

function describe(found: readonly QueueViolation[]): string {
  const first = found
    .slice(0, TOLD_MAX)
    .map(({ kind, receiver, sender, seq }) => `${kind} at ${receiver}: ${sender}/${seq}`);
  return [`${found.length} violations`, ...first].join('\n');
}
