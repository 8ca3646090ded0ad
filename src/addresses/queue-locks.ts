import type { AddressEntry } from './address-entry';
import type { HomeCircuit } from './home-circuit';
import { LOCK_WAIT_MS } from './limits';

export interface QueueLocksPorts {
  now(): number;
  /** Circuits to a queue here. */
  circuitsTo(entry: AddressEntry): Iterable<HomeCircuit>;
  /** Asks a circuit's other end whether its consumer is still there. */
  ask(circuit: HomeCircuit, number: number): void;
}

/** A consumer that was refused a queue which others seem to have. */
interface Asker {
  /** Those that are in its way, and may have gone. */
  readonly doubted: Set<HomeCircuit>;
  /** They were asked under this number. */
  readonly number: number;
  readonly until: number;
  readonly retry: () => void;
}

/**
 * Consumers that wait for a queue which another one has for itself. What a client has closed at one node is known at the home a moment
 * later: who comes meanwhile, perhaps that client, is refused only when those in its way are there for certain, and not on their way out.
 */
export class QueueLocks {
  readonly #askers = new Set<Asker>();
  #asked = 0;

  constructor(private readonly ports: QueueLocksPorts) {}

  /**
   * A queue was refused to a consumer, for others have it.
   * @param exclusive it wants to be the only one
   * @param retry called once when it is known who has it; within no call of the consumer
   * @returns false when others have it for certain
   */
  wait(entry: AddressEntry, exclusive: boolean, retry: () => void): boolean {
    const doubted = new Set<HomeCircuit>();
    for (const circuit of this.ports.circuitsTo(entry)) if (circuit.isInTheWay(exclusive)) doubted.add(circuit);
    if (doubted.size === 0) return false;
    const number = ++this.#asked;
    for (const circuit of doubted) if (!circuit.closing) this.ports.ask(circuit, number);
    this.#askers.add({ doubted, number, until: this.ports.now() + LOCK_WAIT_MS, retry });
    return true;
  }

  /** A circuit has ended. */
  gone(circuit: HomeCircuit): void {
    for (const asker of [...this.#askers])
      if (asker.doubted.delete(circuit) && asker.doubted.size === 0) this.#settle(asker);
  }

  /** Its consumer was there when it was asked. */
  isThere(circuit: HomeCircuit, asked: number): void {
    for (const asker of [...this.#askers]) if (asker.number <= asked && asker.doubted.has(circuit)) this.#settle(asker);
  }

  #settle(asker: Asker): void {
    if (this.#askers.delete(asker)) asker.retry();
  }

  /** What does not answer has it. */
  tick(now: number): void {
    for (const asker of [...this.#askers]) if (asker.until <= now) this.#settle(asker);
  }

  deadline(): number {
    let next = Infinity;
    for (const { until } of this.#askers) next = Math.min(next, until);
    return next;
  }
}
