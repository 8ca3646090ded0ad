import type { QueueView } from './contract';
import type { QueueCore } from './queue-core';

/** What can be said of a queue that holds nothing, or could not be opened. */
export const NOTHING_IN_QUEUE: Omit<QueueView, 'name' | 'state' | 'temporary'> = {
  depth: 0,
  bytes: 0,
  ready: 0,
  delayed: 0,
  acquired: 0,
  consumers: 0,
  put: 0,
  removed: 0,
  expired: 0,
  deadLettered: 0,
  dropped: 0,
  drops: { limit: 0, maxDeliveries: 0, rejected: 0, failed: 0 },
  duplicates: 0,
};

/** A queue that is served, or was until it was damaged. */
export function viewOf(core: QueueCore, consumers: number): QueueView {
  const { depth, bytes, delayed } = core.state;
  const drops = { ...core.drops };
  return {
    name: core.name,
    state: core.error === null ? 'open' : 'damaged',
    temporary: core.store === null,
    depth,
    bytes,
    ready: core.waiting,
    delayed,
    acquired: core.acquired,
    consumers,
    put: core.put,
    removed: core.removed,
    expired: core.expired,
    deadLettered: core.deadLettered,
    dropped: drops.limit + drops.maxDeliveries + drops.rejected + drops.failed,
    drops,
    duplicates: core.duplicates,
  };
}
