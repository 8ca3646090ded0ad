import type { NodeId } from '../links/contract';
import type { DropReason, Outcome, OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { CircuitOpen } from './circuit-messages';
import type { Holding } from './holding';
import type { QueueClientPorts } from './queue-client';
import type { RemoteConsumer } from './remote-consumer';
import type { LaneBudget } from './spill';

/** This node's end of a circuit: the other one is at the queue's home. */
export interface Circuit {
  readonly home: NodeId;
  /** Deliveries from now on are for nobody. */
  forget(): void;
  credit(limit: number): void;
  drain(): void;
  /** The home is to tell when settlements are on its disk. */
  confirm(): void;
  /** @param closed the client's link is over */
  close(closed: boolean): void;
}

/** What a consumer of a queue elsewhere is built on. */
export interface RemoteConsumerPorts extends QueueClientPorts {
  readonly lanes: LaneBudget;
  readonly holding: Holding;
  now(): number;
  /** Opens a circuit to the home of the queue; null while that is out of reach. */
  openCircuit(consumer: RemoteConsumer, what: CircuitOpen): Circuit | null;
  /** It waits for the home, or its answer, up to its deadline. */
  waits(consumer: RemoteConsumer, waits: boolean): void;
  isReachable(node: NodeId): boolean;
  /** The queue is one of a subscription, and there is none any more. */
  isGone(entry: AddressEntry): boolean;
  /** The queue has come to this node. */
  isHere(entry: AddressEntry): boolean;
  /** Name of the queue's home, for messages to users. */
  homeName(entry: AddressEntry): string;
  settled(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void;
  dropped(reason: DropReason, count: number): void;
  /** It goes on although the way to the home broke. */
  reopened(): void;
}
