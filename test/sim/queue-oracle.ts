import type { Connectivity } from './connectivity';
import type { ReceiverRecord } from './ledger';
import type { QueueOracle } from './queue-judge';

/** Decides by what was done to nodes and wires what queues have promised. */
export class WorldQueueOracle implements QueueOracle {
  constructor(
    private readonly connectivity: Connectivity,
    /** Names of the nodes where each queue lives, or has lived. */
    private readonly homes: ReadonlyMap<string, readonly string[]>,
    /** When nodes lost what was on their disks. */
    private readonly diskLosses: ReadonlyMap<string, readonly number[]>,
    private readonly partitionHoldMs: number,
    /** How long a delivery may be on its way. */
    private readonly wayMs: number,
  ) {}

  /** Another process of the home's name has a disk of its own, which goes with it. */
  lostDisk(queue: string, from: number, to: number): boolean {
    return this.#homesOf(queue).some((home) => {
      const isLost = (this.diskLosses.get(home) ?? []).some((at) => from <= at && at <= to);
      return isLost || this.connectivity.disturbances(home).some((one) => one.twin && one.from <= to && from <= one.to);
    });
  }

  mayReturn({ node, queue }: ReceiverRecord, cameAt: number, to: number): boolean {
    const homes = this.#homesOf(queue);
    const from = cameAt - this.wayMs;
    return (
      [...new Set([...homes, node])].some((name) => this.#isUpset(name, from, to)) ||
      homes.some((home) => this.#isApart(home, node, from, to))
    );
  }

  /** It was killed, or had to begin a new life. */
  #isUpset(node: string, from: number, to: number): boolean {
    return (
      this.connectivity.births(node).some((born) => from <= born && born <= to) ||
      this.connectivity.disturbances(node).some((one) => one.from <= to && from <= one.to)
    );
  }

  #isApart(home: string, node: string, from: number, to: number): boolean {
    if (home === node) return false;
    const { partitionHoldMs: hold } = this;
    return this.connectivity
      .apart(home, node)
      .some((one) => one.to - one.from >= hold && one.from <= to && from <= one.to);
  }

  isLate(queue: string, settledAt: number, at: number): boolean {
    return this.#homesOf(queue).some((home) =>
      this.connectivity.births(home).some((born) => born <= settledAt && at - this.wayMs <= born),
    );
  }

  #homesOf(queue: string): readonly string[] {
    return this.homes.get(queue) ?? [];
  }
}
