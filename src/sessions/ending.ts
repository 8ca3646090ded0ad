import type { SubscriptionRef } from '../addresses/contract';
import type { FairleadError } from '../common/errors';
import { SESSION_END_RETRY_MS } from './limits';

const FIRST_RETRY_MS = 100;

/** Durable subscriptions of one session that are being ended. */
interface Ending {
  readonly left: Set<SubscriptionRef>;
  readonly done: (() => void)[];
  retryAt: number;
  retryMs: number;
}

export interface EndingPorts {
  now(): number;
  unsubscribe(ref: SubscriptionRef, done: (error: FairleadError | null) => void): void;
}

/** Ends the durable subscriptions of sessions, wherever they live, however often it has to be tried. */
export class Endings {
  readonly #endings = new Map<string, Ending>();

  constructor(private readonly ports: EndingPorts) {}

  get size(): number {
    return this.#endings.size;
  }

  has(clientId: string): boolean {
    return this.#endings.has(clientId);
  }

  /** @param done told once all of them have ended, perhaps within the call */
  end(clientId: string, refs: readonly SubscriptionRef[], done: () => void): void {
    const before = this.#endings.get(clientId);
    if (before !== undefined) {
      before.done.push(done);
      return;
    }
    const ending: Ending = { left: new Set(refs), done: [done], retryAt: Infinity, retryMs: FIRST_RETRY_MS };
    this.#endings.set(clientId, ending);
    this.#try(clientId, ending);
  }

  /** @param done told when nothing of the session is being ended any more */
  whenEnded(clientId: string, done: () => void): void {
    const ending = this.#endings.get(clientId);
    if (ending === undefined) done();
    else ending.done.push(done);
  }

  #try(clientId: string, ending: Ending): void {
    ending.retryAt = Infinity;
    for (const ref of [...ending.left])
      this.ports.unsubscribe(ref, (error) => {
        if (error !== null && error.code !== 'FL_SUBSCRIPTION_UNKNOWN') {
          this.#retry(ending);
          return;
        }
        ending.left.delete(ref);
        this.#check(clientId, ending);
      });
    this.#check(clientId, ending);
  }

  #retry(ending: Ending): void {
    if (ending.retryAt !== Infinity) return;
    ending.retryAt = this.ports.now() + ending.retryMs;
    ending.retryMs = Math.min(SESSION_END_RETRY_MS, ending.retryMs * 2);
  }

  #check(clientId: string, ending: Ending): void {
    if (ending.left.size > 0 || this.#endings.get(clientId) !== ending) return;
    this.#endings.delete(clientId);
    for (const done of ending.done) done();
  }

  tick(now: number): void {
    for (const [clientId, ending] of this.#endings) if (now >= ending.retryAt) this.#try(clientId, ending);
  }

  deadline(): number {
    let next = Infinity;
    for (const { retryAt } of this.#endings.values()) next = Math.min(next, retryAt);
    return next;
  }
}
