import { check, describeViolations, type CheckOptions } from '../support/checker';
import { eventually } from '../support/eventually';
import { type Claim, Ledger } from '../support/ledger';
import { type LedgerClient, LedgerReceiver } from '../support/ledger-receiver';
import { LedgerSender } from '../support/ledger-sender';
import { ProtonReceiver } from '../support/proton-receiver';
import type { FaultyMesh } from './faulty-mesh';

export interface SenderPlan {
  readonly at: string;
  readonly address: string;
  readonly perSecond: number;
  readonly bodyBytes?: number;
}

export interface ReceiverPlan {
  readonly at: string;
  readonly address: string;
  readonly by: 'rhea' | 'proton';
  /** `share` for anycast: each message goes to one of those who share. */
  readonly claim?: Claim;
  /** What its filter matches, of the addresses that senders of the plan use. */
  readonly wants?: (address: string) => boolean;
  readonly credit?: number;
  /** Dialled instead of the node's own. */
  readonly port?: number;
}

/** A generous bound for what must come after a heal (G5 and G7 allow 30 s). */
const SETTLE_MS = 40_000;

const workloads = new Set<Workload>();
// A sender dials again for ever: one that a failed test leaves behind would keep jest alive.
afterAll(() => {
  for (const work of workloads) for (const sender of work.senders) sender.drop();
});

/** Clients at the nodes of a mesh, and the ledger of what they saw. */
export class Workload {
  readonly ledger = new Ledger();
  readonly senders: LedgerSender[] = [];
  readonly receivers: LedgerClient[] = [];
  readonly #began = performance.now();

  constructor(private readonly faulty: FaultyMesh) {
    workloads.add(this);
  }

  /** Receivers first: from their confirmation on nothing may be missed. */
  static async start(
    faulty: FaultyMesh,
    receivers: readonly ReceiverPlan[],
    senders: readonly SenderPlan[],
  ): Promise<Workload> {
    const work = new Workload(faulty);
    for (const plan of receivers) await work.receive(plan);
    for (const plan of senders) await work.send(plan);
    await work.progress();
    return work;
  }

  async receive({ at, by, ...plan }: ReceiverPlan): Promise<LedgerClient> {
    const { ledger } = this;
    const name = `${by}-${at}-${plan.address}-${this.receivers.length}`;
    const options = { port: this.faulty.node(at).amqpPort, ...plan, name, ledger };
    const client = by === 'rhea' ? await LedgerReceiver.attach(options) : await ProtonReceiver.attach(options);
    this.receivers.push(client);
    return client;
  }

  /** Begins to send as soon as there is credit. */
  async send({ at, ...plan }: SenderPlan): Promise<LedgerSender> {
    const name = `${at}-${plan.address}-${this.senders.length}`;
    const port = this.faulty.node(at).amqpPort;
    const sender = await new LedgerSender({ ...plan, name, port, ledger: this.ledger }).ready();
    this.senders.push(sender.begin());
    return sender;
  }

  /**
   * Every receiver that is there gets messages that are sent from now on (of those that share, one does). Tells that traffic
   * flows, without saying how fast.
   */
  async progress(receivers: readonly LedgerClient[] = this.receivers): Promise<void> {
    const marks = new Map(this.senders.map(({ options }) => [options.name, this.ledger.next(options.name)]));
    const isNew = (client: LedgerClient): boolean => {
      const last = client.record.arrivals.at(-1);
      return last !== undefined && last.seq >= (marks.get(last.sender) ?? 0);
    };
    const alone = receivers.filter(({ record }) => record.present && record.claim === 'each');
    const shared = receivers.filter(({ record }) => record.present && record.claim === 'share');
    await eventually('messages flow', () => alone.every(isNew) && (shared.length === 0 || shared.some(isNew)), {
      otherwise: () => `${this.summary()}\n${this.faulty.mesh.logTails()}`,
    });
  }

  /** Senders stop; all that has to arrive arrives; the ledger is judged. Clients stay for what comes next. */
  async settle(options: CheckOptions = {}): Promise<void> {
    for (const sender of this.senders) sender.pause();
    for (const sender of this.senders) await sender.answered();
    let found: string[] = [];
    const isWhole = (): boolean => {
      const violations = check(this.ledger, options);
      found = describeViolations(violations);
      return !violations.some(({ kind }) => kind === 'lost');
    };
    // What does not come in this time is lost, and told by the checker below.
    await eventually('all has arrived', isWhole, { withinMs: SETTLE_MS }).catch(() => undefined);
    if (found.length > 0) throw new Error(`${found.join('\n')}\n${this.summary()}\n${this.faulty.mesh.logTails()}`);
  }

  /** Heals every link, sends on for a moment to flush what is late, and judges. */
  async healAndSettle(options?: CheckOptions): Promise<void> {
    await this.faulty.heal();
    for (const sender of this.senders) sender.begin();
    await this.progress();
    await this.settle(options);
  }

  resume(): void {
    for (const sender of this.senders) sender.begin();
  }

  async close(): Promise<void> {
    for (const sender of this.senders) await sender.close();
    for (const receiver of this.receivers) await receiver.close();
  }

  get sent(): number {
    return this.senders.reduce((sum, sender) => sum + sender.sent, 0);
  }

  /** Since the clients began. */
  perSecond(): number {
    return Math.round((this.sent * 1_000) / (performance.now() - this.#began));
  }

  summary(): string {
    const sent = this.senders.map(
      ({ options, sent: count, cuts, refusals }) =>
        `${options.name}: sent ${count}, cut ${cuts}, refused ${JSON.stringify([...refusals])}`,
    );
    const got = this.receivers.map(
      ({ name, record, cut }) => `${name}: got ${record.arrivals.length}${cut ? ', cut' : ''}`,
    );
    return [...sent, ...got].join('\n');
  }
}
