import type { OutcomeName, SendOutcome } from '../client/client-sender';
import type { CliIo } from './io';

const LINES_MAX = 10;
/** What an outcome that comes without a reason means. */
const MEANS: Readonly<Record<string, string>> = { released: 'nobody took it' };
const ORDER = ['accepted', 'rejected', 'released', 'modified', 'unknown'] as const;

/** Counts what became of messages; says of the first few that failed why. */
export class OutcomeTally {
  readonly #counts = new Map<OutcomeName | 'unknown', number>();
  #told = 0;

  constructor(
    private readonly wanted: number,
    private readonly io: CliIo,
  ) {}

  get allAccepted(): boolean {
    return this.#counts.get('accepted') === this.wanted;
  }

  add(n: number, { outcome, detail }: SendOutcome): void {
    this.#count(outcome);
    if (outcome === 'accepted') return;
    const why = detail || MEANS[outcome];
    this.#tell(n, why ? `${outcome} (${why})` : outcome);
  }

  /** The message left, and what became of it will not be known. */
  unknown(n: number, error: unknown): void {
    this.#count('unknown');
    this.#tell(n, `unknown (${error instanceof Error ? error.message : String(error)})`);
  }

  /** `3 accepted, 1 released, 2 not sent` */
  print(): void {
    const counts = ORDER.map((outcome) => [this.#counts.get(outcome) ?? 0, outcome] as const);
    const unsent = this.wanted - counts.reduce((sum, [count]) => sum + count, 0);
    const parts = [...counts, [unsent, 'not sent'] as const].filter(([count]) => count > 0);
    this.io.out(parts.map(([count, what]) => `${count} ${what}`).join(', '));
  }

  #count(outcome: OutcomeName | 'unknown'): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
  }

  #tell(n: number, what: string): void {
    if (++this.#told <= LINES_MAX) this.io.err(`message ${n + 1}: ${what}`);
    else if (this.#told === LINES_MAX + 1) this.io.err('… more of them; the counts have all');
  }
}
