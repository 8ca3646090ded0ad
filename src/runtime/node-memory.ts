import type { LmdbQueueStore } from '../store/queue-store';
import type { NodeState } from '../store/node-state';
import type { Memory } from './site-runtime';

/** All that a node keeps on its disk. The state is closed last: it holds the lock of the folder. */
export class NodeMemory implements Memory {
  constructor(
    private readonly state: Pick<NodeState, 'close'>,
    private readonly queues: Pick<LmdbQueueStore, 'close'>,
  ) {}

  async close(): Promise<void> {
    await this.queues.close();
    await this.state.close();
  }
}
