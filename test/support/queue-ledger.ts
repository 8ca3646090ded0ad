import { ArrivalJudge, Seen, type ArrivalFault, type Arrived } from './arrivals';
import { Ledger, type Sent } from './ledger';

/** What a queue did wrong with one message. `returned`: it came again although the queue had confirmed its settlement. */
export interface QueueViolation {
  readonly kind: ArrivalFault | 'returned' | 'lost' | 'unanswered';
  readonly receiver: string;
  readonly sender: string;
  readonly seq: number;
}

/** One life of a receiver of a queue. */
export class QueueRecord {
  readonly #judge: ArrivalJudge<string>;

  constructor(
    private readonly ledger: QueueLedger,
    readonly name: string,
    readonly address: string,
    shared: Seen<string>,
    ordered: boolean,
  ) {
    this.#judge = new ArrivalJudge<string>(name, { ordered, redeliveries: true, shared });
  }

  take(arrived: Arrived<string>): void {
    const { sender, seq } = arrived;
    const { ledger, name } = this;
    const sent = ledger.sent.senders.get(sender)?.[seq];
    const tell = (kind: QueueViolation['kind']): void =>
      void ledger.violations.push({ kind, receiver: name, sender, seq });
    ledger.arrivals++;
    if (arrived.redelivered) ledger.redelivered++;
    if (ledger.isSettled(sender, seq)) tell('returned');
    this.#judge.take(arrived, sent?.address === this.address ? sent : undefined, tell);
  }
}

/**
 * What clients of queues saw: what was sent and answered, what arrived, and which deliveries the queue has confirmed as settled.
 * A message is for one of all receivers; after a death what was unsettled may come again, marked.
 */
export class QueueLedger {
  /** Several subscriptions share what was sent: each gets all of it. */
  constructor(readonly sent = new Ledger()) {}

  readonly violations: QueueViolation[] = [];
  /** Addresses that several receivers take from: what one of them never saw comes to another one behind younger ones. */
  readonly unordered = new Set<string>();
  arrivals = 0;
  redelivered = 0;
  readonly #seen = new Seen<string>();
  readonly #settled = new Map<string, Set<number>>();

  join(name: string, address: string): QueueRecord {
    return new QueueRecord(this, name, address, this.#seen, !this.unordered.has(address));
  }

  /** The queue has said that it will not come again. */
  settled(sender: string, seq: number): void {
    const known = this.#settled.get(sender);
    if (known === undefined) this.#settled.set(sender, new Set([seq]));
    else known.add(seq);
  }

  isSettled(sender: string, seq: number): boolean {
    return this.#settled.get(sender)?.has(seq) ?? false;
  }

  /** Messages that were accepted and have not arrived. */
  missing(): readonly Sent[] {
    return this.#all().filter(({ sender, seq, answer }) => answer === 'accepted' && !this.#seen.has(sender, seq));
  }

  /** All that is wrong once everything has healed and drained. */
  judge(): readonly QueueViolation[] {
    const lost = this.missing().map(({ sender, seq }) => ({ kind: 'lost' as const, receiver: 'all', sender, seq }));
    const unanswered = this.#all()
      .filter(({ answer }) => answer === 'pending')
      .map(({ sender, seq }) => ({ kind: 'unanswered' as const, receiver: 'all', sender, seq }));
    return [...this.violations, ...lost, ...unanswered];
  }

  summary(): string {
    const counts = new Map<string, number>();
    for (const { answer } of this.#all()) counts.set(answer, (counts.get(answer) ?? 0) + 1);
    const answers = [...counts].map(([answer, count]) => `${count} ${answer}`).join(', ');
    return `${answers}; ${this.arrivals} arrivals, ${this.redelivered} of them marked redelivered`;
  }

  #all(): Sent[] {
    return [...this.sent.senders.values()].flat();
  }
}
