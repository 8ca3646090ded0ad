import { FairleadError } from '../common/errors';
import type { QueuePolicy } from '../queues/contract';
import type { MergeSteps } from '../queues/moves-contract';
import { QUEUES_MAX } from '../queues/limits';
import { isSame } from './queue-claim';
import type { TransferHead } from './rehoming-messages';
import type { RehomingPorts } from './rehoming-ports';
import { isSubscriptionQueue } from './reserved-names';

/** Why a queue cannot come to this node now; null when it can. @param leaves it is on its way to another one */
export function refusalOf(
  ports: RehomingPorts,
  { queue, how, ids }: TransferHead,
  leaves: boolean,
): { readonly why: string; readonly again: boolean } | null {
  const { host, homes, store, selfName, policyOf, subscriptions } = ports;
  if (policyOf(queue) === null) return { why: 'by its rules the name is none of a queue', again: false };
  if (store.state !== 'ok') return { why: store.lacksRoom ? 'its disk is full' : 'its disk fails', again: false };
  if (how !== 'move') {
    const isHere = homes.claims(queue)[0]?.owner === selfName && !leaves;
    const isWanted = how === 'merge' || isSame({ ids }, { ids: subscriptions.idsOf(queue) });
    return isHere && isWanted && host.find(queue) !== null ? null : { why: 'it does not serve it now', again: true };
  }
  if (host.stored.includes(queue)) return { why: 'it has one of that name, which is another', again: false };
  return host.stored.length >= QUEUES_MAX ? { why: `it has ${QUEUES_MAX} queues`, again: false } : null;
}

/**
 * Moves all that one queue of this node has behind what another one has.
 * @param done null once all of it is there, on the disk, and the first one is deleted
 */
export function mergeQueues(
  ports: RehomingPorts,
  from: string,
  into: string,
  done: (error: Error | null) => void,
  steps?: MergeSteps,
): void {
  const { host, subscriptions, journal } = ports;
  const policy = ports.policyOf(into);
  if (policy === null) return;
  const over = (error: Error | null): void => {
    if (error !== null) journal.warn('queue-merge-failed', { queue: into, why: error.message });
    else host.delete(from);
    done(error);
    ports.changed(into);
  };
  // It was ended before all of it was there.
  if (isSubscriptionQueue(into) && !subscriptions.isHere(into)) over(null);
  else mergeOpen(ports, from, into, policy, over, steps);
}

function mergeOpen(
  { host }: RehomingPorts,
  from: string,
  into: string,
  policy: QueuePolicy,
  over: (error: Error | null) => void,
  steps: MergeSteps | undefined,
): void {
  try {
    host.moves.merge(host.open(from, policy), host.open(into, policy), over, steps);
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    over(error);
  }
}
