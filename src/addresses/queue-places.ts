import { FairleadError } from '../common/errors';
import type { NodeId } from '../links/contract';
import type { Queue, QueueHost } from '../queues/contract';
import type { AddressEntry } from './address-entry';
import { isTemporary } from './address-names';
import { AddressError } from './errors';
import { NOWHERE, type QueueHomes } from './queue-homes';
import { QueueState } from './queue-state';
import { isReserved } from './reserved-names';

export interface QueuePlacesPorts {
  readonly self: NodeId;
  readonly host: QueueHost;
  readonly homes: QueueHomes;
  /** A queue here whose name is none of a client's; null where there is none. */
  reservedHere(name: string): Queue | null;
  /** A queue here is on its way to another node. */
  isLeaving(name: string): boolean;
}

/** Where the queues of addresses live; those that are to live here are made. */
export class QueuePlaces {
  constructor(private readonly ports: QueuePlacesPorts) {}

  /** Where the queue lives; one that is to live here is made. */
  refresh(entry: AddressEntry): QueueState {
    const state = (entry.queue ??= new QueueState());
    if (state.generation !== this.ports.homes.generation) this.#lookUp(entry, state);
    return state;
  }

  #lookUp(entry: AddressEntry, state: QueueState): void {
    const { self, homes } = this.ports;
    state.home = homes.homeOf(entry.name, entry.policy);
    // Until its new home is known there is none.
    if (state.home === self && this.ports.isLeaving(entry.name)) state.home = NOWHERE;
    if (state.home === self) this.#open(entry, state);
    else state.set(null, null);
    state.generation = homes.generation;
  }

  #open({ name, policy }: AddressEntry, state: QueueState): void {
    const { host } = this.ports;
    try {
      const queue = isTemporary(name)
        ? host.find(name)
        : isReserved(name)
          ? this.ports.reservedHere(name)
          : host.open(name, policy);
      state.set(queue, queue === null ? new AddressError('FL_QUEUE_GONE', `there is no queue '${name}'`) : null);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      state.set(null, error);
    }
  }

  /**
   * The queue of an entry where it lives here, or null: also while older puts are on their way to where it lived before.
   * @throws FairleadError when it cannot be served
   */
  here(entry: AddressEntry): Queue | null {
    const state = this.refresh(entry);
    if (!state.isAt(this.ports.self)) return null;
    if (state.queue === null)
      throw state.damage ?? new AddressError('FL_QUEUE_GONE', `there is no queue '${entry.name}'`);
    return state.queue;
  }
}
