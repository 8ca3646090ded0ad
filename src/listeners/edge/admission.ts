import type { Socket } from 'node:net';
import type { PeerErrorLog } from '../../transport/peer-error-log';
import type { ClientBudget } from './client-budget';
import type { ListenerCounters } from './listener-counters';

/**
 * Takes a connection's place among those of all clients of the node. One for which there is none is cut, counted and told.
 * @returns whether it has a place: who closes it gives that back to the budget
 */
export function admit(socket: Socket, budget: ClientBudget, counters: ListenerCounters, errors: PeerErrorLog): boolean {
  if (budget.connections < budget.connectionsMax) {
    budget.connections++;
    return true;
  }
  counters.refused++;
  const from = socket.remoteAddress ?? '';
  errors.warn('connection-refused', `more than ${budget.connectionsMax} connections`, { peer: '', from });
  socket.destroy();
  return false;
}
