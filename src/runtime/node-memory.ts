import type { Journal } from '../common/ports';
import type { QueueHost } from '../queues/contract';
import type { ClientStore } from '../store/client-store';
import type { LmdbQueueStore } from '../store/queue-store';
import type { NodeState } from '../store/node-state';
import type { Memory } from './site-runtime';

export interface MemoryParts {
  readonly state: Pick<NodeState, 'close'>;
  readonly store: Pick<LmdbQueueStore, 'close'>;
  readonly clients: Pick<ClientStore, 'close'>;
  readonly queues: Pick<QueueHost, 'stop'>;
  readonly journal: Journal;
}

/**
 * All that a node keeps on its disk. Queues write how they stand, then the store says that this was a clean end; the state is closed
 * last: it holds the lock of the folder.
 */
export class NodeMemory implements Memory {
  constructor(private readonly parts: MemoryParts) {}

  async close(): Promise<void> {
    const { state, store, clients, queues, journal } = this.parts;
    const error = await new Promise<Error | null>((done) => queues.stop(done));
    if (error) journal.warn('queues-not-stopped', { error: error.message });
    await store.close();
    await clients.close();
    await state.close();
  }
}
