import type { QueueStore } from '../queues/store-port';
import { OUTBOX_STUCK_MS } from './limits';
import { OUTBOX_SPACE, wallOf, type Totals } from './outbox-records';
import type { Outgoing } from './outgoing';

/** What waits for one queue of another node, for operators. */
export interface OutboxView extends Totals {
  readonly queue: string;
  /** Name of the node where that lives. */
  readonly home: string;
  /** Wall-clock ms when the oldest came; null when nothing waits. */
  readonly oldestAt: number | null;
  /** `stuck`: its home has taken none for long. */
  readonly state: 'ok' | 'stuck' | 'damaged';
  /** What the home says to what it does not take for now. */
  readonly refusal: string | null;
}

/** @param home name of the node where the queue lives */
export function viewOf(to: Outgoing, home: string, store: QueueStore, now: number): OutboxView {
  const { entry, messages, bytes, refusal, damage, movedAt } = to;
  const isStuck = now - movedAt > OUTBOX_STUCK_MS;
  const state = damage !== null ? 'damaged' : isStuck ? 'stuck' : 'ok';
  return { queue: entry.name, home, messages, bytes, oldestAt: oldestOf(to, store), state, refusal };
}

function oldestOf({ id, durable, damage }: Outgoing, store: QueueStore): number | null {
  let oldest: number | null = null;
  if (store.state === 'failed' || damage !== null) return null;
  store.scan(OUTBOX_SPACE.messages, id, 0, durable + 1, (_key, record) => {
    oldest = wallOf(record);
    return false;
  });
  return oldest;
}
