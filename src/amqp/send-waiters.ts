import type { SenderLink } from './sender-link';
import type { Session } from './session';

/** Links of one connection that a window or a bound keeps from sending, and those to be told at the end of the turn that they may. */
export class SendWaiters {
  #woken: SenderLink[] = [];
  readonly #blocked = new Set<SenderLink>();

  constructor(private readonly requestFlush: () => void) {}

  get woken(): boolean {
    return this.#woken.length > 0;
  }

  get blocked(): boolean {
    return this.#blocked.size > 0;
  }

  /** The link is told at the end of the turn that it may send. */
  wake(link: SenderLink): void {
    this.#woken.push(link);
    this.requestFlush();
  }

  /** The link waits until its session or the connection takes more. */
  block(link: SenderLink): void {
    this.#blocked.add(link);
  }

  /** Wakes the blocked links of a session, or all. */
  unblock(session: Session | null): void {
    for (const link of this.#blocked) {
      if (session !== null && link.session !== session) continue;
      this.#blocked.delete(link);
      this.wake(link);
    }
  }

  forget(link: SenderLink): void {
    this.#blocked.delete(link);
  }

  clear(): void {
    this.#woken = [];
    this.#blocked.clear();
  }

  flush(): void {
    if (this.#woken.length === 0) return;
    const woken = this.#woken;
    this.#woken = [];
    for (const link of woken) link.woken();
  }
}
