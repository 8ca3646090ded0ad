export type Phase = 'starting' | 'ready' | 'draining' | 'stopped';

/** Where a node is in its life; health and the ready line read it. */
export class Lifecycle {
  #phase: Phase = 'starting';
  #since: number;

  constructor(private readonly wall: () => number = Date.now) {
    this.#since = wall();
  }

  get phase(): Phase {
    return this.#phase;
  }

  get since(): string {
    return new Date(this.#since).toISOString();
  }

  enter(phase: Phase): void {
    this.#phase = phase;
    this.#since = this.wall();
  }
}
