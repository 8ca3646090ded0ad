import { SeededRandom } from '../../src/common/ports';
import { note } from '../support/seed';
import type { FaultyMesh } from './faulty-mesh';
import { pause } from './pause';
import type { Workload } from './workload';

/** One fault: what is done, and how it ends. */
interface Fault {
  readonly what: string;
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
}

const FAULT_MS_MAX = 3_000;
const OVERLAPPING_MAX = 2;
/** Bytes within which a reset or a damaged bit hits a connection under traffic. */
const WITHIN_BYTES = 20_000;

/**
 * Faults at random, by a seed, on the links of a mesh and on those of its nodes that have no clients: the guarantees between
 * the others hold throughout. Now and then all heals, the mesh drains, and the ledger is judged.
 */
export class RandomFaults {
  readonly #random: SeededRandom;

  constructor(
    private readonly faulty: FaultyMesh,
    private readonly work: Workload,
    /** Nodes without clients: they may die. */
    private readonly middles: readonly string[],
    seed: number,
  ) {
    this.#random = new SeededRandom(seed);
  }

  /** One round: some faults, overlapping or not, then heal, drain, check. */
  async round(faults: number): Promise<void> {
    const busy = new Set<string>();
    const running: Promise<void>[] = [];
    for (let n = 0; n < faults; n++) {
      const fault = this.#choose(busy);
      if (fault === null) continue;
      const lasting = this.#random.below(FAULT_MS_MAX);
      note(`  ${fault.what} for ${lasting} ms`);
      const [place = ''] = fault.what.split(' ');
      busy.add(place);
      await fault.begin();
      const over = pause(lasting).then(async () => {
        await fault.end();
        busy.delete(place);
      });
      running.push(over);
      if (busy.size >= OVERLAPPING_MAX) await Promise.all(running.splice(0));
      else await pause(this.#random.below(FAULT_MS_MAX / 2));
    }
    await Promise.all(running);
    await this.work.healAndSettle();
    this.work.resume();
  }

  /** Null where the place is busy with another fault. */
  #choose(busy: ReadonlySet<string>): Fault | null {
    const { faulty, middles } = this;
    const places = [...faulty.proxies.keys(), ...middles];
    const place = places[this.#random.below(places.length)] as string;
    if (busy.has(place)) return null;
    const faults = middles.includes(place) ? this.#nodeFaults(place) : this.#linkFaults(place);
    return faults[this.#random.below(faults.length)] as Fault;
  }

  #nodeFaults(name: string): Fault[] {
    const node = this.faulty.node(name);
    const start = (): Promise<void> => node.start();
    const stop = async (): Promise<void> => {
      const code = await node.stop();
      if (code !== 0) throw new Error(`${name} ended with ${code}\n${node.logTail()}`);
    };
    return [
      { what: `${name} killed`, begin: () => node.kill(), end: start },
      { what: `${name} stopped`, begin: stop, end: start },
      { what: `${name} paused`, begin: () => node.pause(), end: () => node.resume() },
    ];
  }

  #linkFaults(name: string): Fault[] {
    const link = this.faulty.link(name);
    const heal = (): Promise<void> => link.heal();
    const direction = this.#random.chance(0.5) ? 'up' : 'down';
    const bytes = this.#random.below(WITHIN_BYTES);
    const side = this.#random.chance(0.5) ? 'dialler' : 'listener';
    return [
      { what: `${name} cut`, begin: () => link.cut(), end: heal },
      { what: `${name} reset`, begin: () => link.reset(), end: heal },
      { what: `${name} swallows ${direction}`, begin: () => link.blackHole(direction), end: heal },
      { what: `${name} half open, known to the ${side}`, begin: () => link.halfOpen(side), end: heal },
      { what: `${name} delayed`, begin: () => link.delay(100), end: heal },
      { what: `${name} narrow`, begin: () => link.rate(200_000), end: heal },
      { what: `${name} sliced`, begin: () => link.slice(64), end: heal },
      { what: `${name} reset in a frame`, begin: () => void link.resetAfter(direction, bytes), end: heal },
      { what: `${name} corrupted`, begin: () => void link.corruptAfter(direction, bytes), end: heal },
    ];
  }
}
