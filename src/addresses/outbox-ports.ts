import type { Journal } from '../common/ports';
import type { QueueHost } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import type { LargeBody, Outcome } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { PublisherHandler } from './contract';
import type { LocalPublisher } from './local-publisher';
import type { Outgoing } from './outgoing';

/** What an outbox asks of the queues around it. */
export interface OutboxPorts {
  readonly store: QueueStore;
  readonly host: Pick<QueueHost, 'join' | 'bodies' | 'messages'>;
  readonly journal: Journal;
  wall(): number;
  entryOf(name: string): AddressEntry;
  /** Something waits for an address for the first time, or (null) nothing has for long. */
  uses(entry: AddressEntry, outgoing: Outgoing | null): void;
  openPublisher(handler: PublisherHandler): LocalPublisher;
  /** Name of the node where a queue lives. */
  homeOf(entry: AddressEntry): string;
  /** Puts that came before, and past the outbox, are not answered yet. */
  isBehind(entry: AddressEntry): boolean;
  /** Bytes that wait to be sent to the home of a queue. */
  unsentBytes(entry: AddressEntry): number;
  /** Puts a message into its queue, under a number that it keeps. @param cameAt when it came into the mesh, by the clock of this life */
  put(
    entry: AddressEntry,
    slot: number,
    tag: number,
    cameAt: number,
    bytes: Buffer,
    start: number,
    epoch: number,
    seq: number,
  ): void;
  putLarge(
    entry: AddressEntry,
    slot: number,
    tag: number,
    cameAt: number,
    body: LargeBody,
    epoch: number,
    seq: number,
  ): void;
  deadLetter(address: string, payload: Buffer | LargeBody, done: (outcome: Outcome) => void): void;
}
