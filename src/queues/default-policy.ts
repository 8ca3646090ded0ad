import type { QueuePolicy } from './contract';

/** How a queue treats its messages where no rule says anything: no limits, nothing is dropped or redirected. */
export const DEFAULT_QUEUE_POLICY: QueuePolicy = {
  maxDepth: null,
  maxBytes: null,
  overLimit: 'reject',
  ttlMs: null,
  maxDeliveries: null,
  retryMs: 0,
  deadLetter: null,
  duplicateWindowMs: null,
  exclusive: false,
  locality: 'none',
};
