import type { MeshNode } from '../mesh/contract';
import { FlushQueue } from '../transport/flush-queue';

type Turning = Pick<MeshNode, 'flush' | 'tick'>;

/** What the scheduler needs of the event loop; tests give their own. */
export interface LoopPorts {
  now(): number;
  /** After the present turn's input has been read. */
  immediate(then: () => void): void;
  timer(ms: number, then: () => void): () => void;
}

/** Nothing in the mesh is due more finely. */
const TICK_MS_MIN = 1;
/** An idle node looks up at least this often. */
const TICK_MS_MAX = 1_000;

export const NODE_LOOP: LoopPorts = {
  now: () => performance.now(),
  immediate: (then) => void setImmediate(then),
  timer: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Gives a mesh node its turns: one `flush` per turn of the event loop in which it asked for one, and `tick` when its next
 * deadline is due. A timer that fires first lets the loop read its sockets: a stall must not look like a dead neighbour.
 */
export class TurnScheduler {
  #node: Turning | null = null;
  #flushDue = false;
  #tickDue = false;
  #armedFor = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | null = null;
  /** Connections that write at the end of the same turn, after the mesh. */
  readonly connections = new FlushQueue(() => this.schedule());

  constructor(private readonly loop: LoopPorts = NODE_LOOP) {}

  /** Starts the clock of the node. */
  attach(node: Turning): void {
    this.#node = node;
    this.#requestTick();
  }

  stop(): void {
    this.#node = null;
    this.#disarm?.();
    this.#disarm = null;
  }

  /** The node's `scheduleFlush`. */
  readonly schedule = (): void => {
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.loop.immediate(this.#turn);
  };

  readonly #turn = (): void => {
    this.#flushDue = false;
    const deadline = this.#node?.flush();
    this.connections.flush();
    if (deadline !== undefined) this.#arm(deadline);
  };

  #requestTick(): void {
    if (this.#tickDue) return;
    this.#tickDue = true;
    this.loop.immediate(this.#tick);
  }

  readonly #tick = (): void => {
    this.#tickDue = false;
    if (!this.#node) return;
    const deadline = this.#node.tick();
    this.connections.flush();
    this.#arm(deadline);
  };

  /** Brings the timer forward; one that fires too early only ticks for nothing. */
  #arm(wanted: number): void {
    const now = this.loop.now();
    const deadline = Math.min(Math.max(wanted, now + TICK_MS_MIN), now + TICK_MS_MAX);
    if (this.#disarm && this.#armedFor <= deadline) return;
    this.#disarm?.();
    this.#armedFor = deadline;
    this.#disarm = this.loop.timer(Math.ceil(deadline - now), () => {
      this.#disarm = null;
      this.#requestTick();
    });
  }
}
