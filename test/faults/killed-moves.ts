import { fairlead } from '../support/command';
import { eventually } from '../support/eventually';
import type { SeededRandom } from '../../src/common/ports';
import type { FaultyMesh } from './faulty-mesh';
import { pause } from './pause';

const WITHIN_MS = 120_000;

export interface KilledMovesOptions {
  readonly nodes: readonly string[];
  readonly random: Pick<SeededRandom, 'below'>;
  /** How long a move takes about: a node is killed within it. */
  readonly moveMs: number;
  /** The node where a queue lives; '' where that is not known. */
  homeOf(queue: string): Promise<string>;
}

/** Moves queues by the command line, while nodes are killed. */
export class KilledMoves {
  constructor(
    private readonly faulty: FaultyMesh,
    private readonly options: KilledMovesOptions,
  ) {}

  /** What names a node to the command line. */
  api(node: string): readonly string[] {
    return ['--api', `http://127.0.0.1:${this.faulty.node(node).httpPort}`];
  }

  /** Begins a move, kills one of the nodes, starts it again, and hears the command's end: that it is there, or cannot be. */
  async cutOff(queue: string, to: string): Promise<void> {
    const { nodes, random, moveMs } = this.options;
    const moving = fairlead('queue', 'rehome', queue, to, ...this.api(await this.options.homeOf(queue)));
    await pause(random.below(moveMs));
    const doomed = this.faulty.node(nodes[random.below(nodes.length)] as string);
    await doomed.kill();
    await pause(random.below(moveMs));
    await doomed.start();
    await moving;
  }

  /** Asked again whatever was cut off comes to pass. */
  async complete(queue: string, to: string): Promise<void> {
    await eventually(
      `${queue} is at ${to}`,
      async () => {
        const home = await this.options.homeOf(queue);
        if (home === to) return true;
        if (home !== '') await fairlead('queue', 'rehome', queue, to, ...this.api(home));
        return false;
      },
      { withinMs: WITHIN_MS },
    );
  }
}
