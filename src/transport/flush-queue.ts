/** Something that gathers what one turn of the event loop wants written, and writes it at its end. */
export interface Flushable {
  flush(): void;
}

/**
 * The connections that have something to write at the end of this turn of the event loop. Whoever owns the turns calls `flush`:
 * in a node after the mesh has had its turn, so that what it brings leaves at once; by itself in a plain client.
 */
export class FlushQueue {
  #due: Flushable[] = [];

  /** @param requestTurn asks for a call of `flush` after the present input has been read */
  constructor(private readonly requestTurn: () => void) {}

  /** To be called once until it is flushed. */
  readonly schedule = (connection: Flushable): void => {
    this.#due.push(connection);
    if (this.#due.length === 1) this.requestTurn();
  };

  flush(): void {
    const due = this.#due;
    if (due.length === 0) return;
    this.#due = [];
    for (const connection of due) connection.flush();
  }

  /** A queue with turns of its own, for programs that are no mesh node. */
  static standalone(): FlushQueue {
    const queue: FlushQueue = new FlushQueue(() => void setImmediate(() => queue.flush()));
    return queue;
  }
}
