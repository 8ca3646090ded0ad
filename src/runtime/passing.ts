import type { MeshNode } from '../mesh/contract';
import { REROUTE_MS, TRANSIT_QUIET_MS } from './limits';

/**
 * Watches, from the moment on at which a node drains, whether batches of others still pass through it. Neighbours with another way
 * send around it as soon as they hear of the drain; who has none goes on.
 */
export class Passing {
  #frames: number;
  #quietSince: number;

  constructor(
    private readonly node: Pick<MeshNode, 'counters'>,
    private readonly began: number,
  ) {
    this.#frames = node.counters().forwardedFrames;
    this.#quietSince = began;
  }

  /** Neighbours have had the time to reroute, and none of what has no other way has passed for a while. */
  isOver(now: number): boolean {
    const { forwardedFrames } = this.node.counters();
    if (forwardedFrames !== this.#frames) {
      this.#frames = forwardedFrames;
      this.#quietSince = now;
    }
    return now - this.began >= REROUTE_MS && now - this.#quietSince >= TRANSIT_QUIET_MS;
  }
}
