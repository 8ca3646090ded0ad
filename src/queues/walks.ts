import type { QueueCore } from './queue-core';

/** A walk through a queue for an operator. */
export interface Walk {
  /** @returns whether it is over */
  turn(): boolean;
  /** The queue is served no more. */
  end(error: Error): void;
}

/** The walks through a queue that are under way. */
export class Walks {
  #all: Walk[] = [];

  constructor(private readonly core: QueueCore) {}

  begin(walk: Walk): void {
    this.#all.push(walk);
    this.core.wantsTurn();
  }

  turn(): void {
    if (this.#all.length === 0) return;
    const walks = this.#all;
    this.#all = [];
    for (const walk of walks) if (!walk.turn()) this.#all.push(walk);
  }

  end(error: Error): void {
    for (const walk of this.#all.splice(0)) walk.end(error);
  }
}
