import type { QueueView } from './contract';

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
