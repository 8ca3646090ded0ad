import { nodeIdOf } from '../links/contract';
import type { MergeSteps } from '../queues/moves-contract';
import { AddressError } from './errors';
import type { Handovers } from './handovers';
import { IntakeHold } from './intake-hold';
import { isSame } from './queue-claim';
import type { Claimed } from './queue-homes';
import type { Departure, Destination } from './rehoming-departure';
import type { RehomingNotes } from './rehoming-notes';
import type { RehomingPorts } from './rehoming-ports';

/** What the queues of what came late need of those around them. */
export interface LateMovesHome {
  readonly notes: RehomingNotes;
  readonly handovers: Handovers;
  departure(queue: string): Departure | undefined;
  depart(queue: string, to: Destination): void;
  /** Nobody wants it any more. */
  abandon(queue: string): void;
  /** @param done null once all of `from` is in the other one, on the disk, and it is deleted */
  merge(from: string, into: string, done: (error: Error | null) => void, steps: MergeSteps): void;
}

/**
 * What was put aside here for subscriptions follows them: to where they live, one queue after the other, or into the one here. With a
 * subscription that was ended all of it is deleted.
 */
export class LateMoves {
  /** On their way into the subscription here; nothing more goes into those that are closed. */
  readonly #rejoining = new Map<string, 'open' | 'closed'>();
  readonly #hold: IntakeHold;

  constructor(
    private readonly ports: RehomingPorts,
    private readonly home: LateMovesHome,
  ) {
    this.#hold = new IntakeHold(ports);
  }

  /** Nothing more must come into it. */
  isClosed(name: string): boolean {
    return this.#rejoining.get(name) === 'closed';
  }

  /** Something that was put aside is on its way into the subscription here. */
  isBusy(queue: string): boolean {
    const name = this.ports.subscriptions.late.first(queue);
    return name !== null && this.#rejoining.has(name);
  }

  deadline(): number {
    return this.#hold.until;
  }

  flush(): void {
    const { late } = this.ports.subscriptions;
    this.#hold.review();
    if (late.any) for (const queue of [...late.subscriptions()]) this.#sendOn(queue);
  }

  #sendOn(queue: string): void {
    const { subscriptions, selfName } = this.ports;
    const name = subscriptions.late.first(queue);
    if (name === null || this.#rejoining.has(name)) return;
    if (subscriptions.idsOf(queue).length === 0) {
      this.drop(queue);
      return;
    }
    const to = this.#homeOf(queue);
    const departure = this.home.departure(name);
    if (departure !== undefined) {
      if (departure.to.name !== to?.owner)
        departure.fail(new AddressError('FL_REHOME_REFUSED', `subscription '${queue}' lives elsewhere by now`));
      return;
    }
    if (to === null) return;
    if (to.owner !== selfName)
      this.home.depart(name, { name: to.owner, node: nodeIdOf(to.owner), how: 'late', claim: to.claim });
    else if (!this.home.handovers.has(queue) && this.home.departure(queue) === undefined) this.#rejoin(name, queue);
  }

  /** Where it lives; null while that is not told. */
  #homeOf(queue: string): Claimed | null {
    const { homes, subscriptions } = this.ports;
    const [first] = homes.claims(queue);
    return first !== undefined && isSame(first.claim, { ids: subscriptions.idsOf(queue) }) ? first : null;
  }

  /** The subscription has stayed, or has come back. */
  #rejoin(name: string, queue: string): void {
    const { subscriptions, scheduleFlush } = this.ports;
    this.#rejoining.set(name, 'open');
    const over = (): void => {
      this.#rejoining.delete(name);
      this.#hold.end();
      // One that cannot be read stays for its operator, and the others go past it.
      subscriptions.late.gone(name);
      subscriptions.stays(queue);
      scheduleFlush();
    };
    this.home.merge(name, queue, over, {
      // As long as more comes, something will always be on its way.
      waits: () => this.#hold.begin(),
      emptied: () => {
        this.#rejoining.set(name, 'closed');
        // What comes after the last one goes behind it.
        subscriptions.stays(queue);
        this.#hold.end();
      },
    });
  }

  /** The subscription that it was put aside for has ended. */
  drop(queue: string): void {
    const { subscriptions, host } = this.ports;
    for (let name = subscriptions.late.first(queue); name !== null; name = subscriptions.late.first(queue)) {
      this.home.abandon(name);
      host.delete(name);
      subscriptions.late.gone(name);
    }
  }

  /** What comes by the former home goes first. */
  handOver(queue: string, done: () => void): void {
    const { notes, handovers } = this.home;
    const { journal, counters, subscriptions, scheduleFlush } = this.ports;
    const former = notes.former(queue) ?? '';
    handovers.begin(queue, former, (missing) => {
      notes.setFormer(queue, null);
      if (missing.length > 0) {
        counters.handoversCut++;
        journal.warn('subscription-handover-cut', { queue, former, nodes: missing.slice(0, 10) });
      }
      subscriptions.stays(queue);
      done();
      scheduleFlush();
    });
  }
}
