import type { Socket } from 'node:net';
import { Flow, type FlowQuality, type Trap } from './proxy-flow';

/** `up`: from the side that dialled to the side that listens; `down`: the other way. */
export type Direction = 'up' | 'down';
export const DIRECTIONS: readonly Direction[] = ['up', 'down'];

export interface PairOptions {
  readonly quality: Readonly<Record<Direction, FlowQuality>>;
  readonly traps: Readonly<Record<Direction, Trap[]>>;
  readonly random: () => number;
  readonly onGone: () => void;
}

/** A proxied connection: two sockets and the two flows between them. */
export class ProxyPair {
  readonly #flows: Readonly<Record<Direction, Flow>>;

  constructor(
    private readonly dialled: Socket,
    private readonly listening: Socket,
    private readonly options: PairOptions,
  ) {
    const flow = (direction: Direction, source: Socket, target: Socket): Flow =>
      new Flow(source, target, options.quality[direction], options.traps[direction], options.random, () =>
        this.reset(),
      );
    this.#flows = { up: flow('up', dialled, listening), down: flow('down', listening, dialled) };
    this.#watch('up', dialled, listening);
    this.#watch('down', listening, dialled);
  }

  passed(direction: Direction): number {
    return this.#flows[direction].passed;
  }

  /** Both ends see a reset. */
  reset(): void {
    this.dialled.resetAndDestroy();
    this.listening.resetAndDestroy();
  }

  /** One end sees a reset; the other is told nothing, as its bytes vanish from now on. */
  resetOnly(end: 'dialler' | 'listener'): void {
    (end === 'dialler' ? this.dialled : this.listening).resetAndDestroy();
  }

  /** A socket that ends abruptly takes its partner along, unless the news would have to travel through a black hole. */
  #watch(direction: Direction, socket: Socket, other: Socket): void {
    // What happened is seen at the close that follows; errors are what this program is for.
    socket.on('error', () => undefined);
    socket.on('end', () => {
      if (other.destroyed) socket.destroy();
    });
    socket.on('close', (hadError) => {
      if (hadError && !this.options.quality[direction].blackHole) other.resetAndDestroy();
      if (!other.destroyed) return;
      this.#flows.up.stop();
      this.#flows.down.stop();
      this.options.onGone();
    });
  }
}
