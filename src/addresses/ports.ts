import type { ChunkPool } from '../common/chunk';
import type { Clock, Journal, Random } from '../common/ports';
import type { NodeId } from '../links/contract';
import type { QueueHost, QueueHostEvents } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import type { AddressKind } from './contract';
import type { MapStamp, OriginFacts, Replicas, Routes } from '../routing/contract';
import type { DropReason, Streams } from '../streams/contract';
import type { SpoolPort } from '../streams/reassembly';
import type { AddressPolicy } from './rules';

/** The streams as addresses use them. */
export interface AddressStreams extends Streams {
  /** What is appended from now on comes after what was appended before, whatever its target set. */
  sealBatches(): void;
  /** Outcomes that were told so far go before the control messages that follow. */
  sendOutcomes(): void;
}

/** A fact that is new, or null for one that is gone. */
export type FactChange = readonly [key: string, value: Buffer | null];

/** Where what outlives a restart is written. */
export interface AddressMemory {
  saveKnownNodes(names: readonly string[]): void;
  /** Changes of an origin's facts and the stamp of what they lead to: all of it is kept, or nothing. */
  saveFacts(origin: string, stamp: MapStamp, changes: readonly FactChange[]): void;
}

/** What the address layer is built on. */
export interface AddressPorts {
  readonly self: NodeId;
  readonly selfName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly streams: AddressStreams;
  readonly routes: Routes;
  readonly replicas: Replicas;
  readonly retention: ChunkPool;
  readonly spool: SpoolPort;
  readonly memory: AddressMemory;
  readonly rules: readonly AddressPolicy[];
  readonly defaultKind: AddressKind;
  readonly ingressPoolBytes: number;
  readonly startHoldMs: number;
  readonly partitionHoldMs: number;
  /** Names of nodes known when the last run ended. */
  readonly knownNodes: readonly string[];
  /** Facts of other nodes kept from the last run. */
  readonly facts: readonly OriginFacts[];
  /** Where messages for queues of other nodes wait, with custody of the ingress. */
  readonly queueStore: QueueStore;
  /** Makes the queues of this node from what is on its disk. */
  readonly queues: (events: QueueHostEvents) => QueueHost;
  readonly scheduleFlush: () => void;
}

/** Counters of the address layer. */
export class AddressCounters {
  published = 0;
  delivered = 0;
  /** Gap events: an origin gave up messages for this node, or began a new life. */
  gaps = 0;
  /** Anycast messages that went past the nearest site because its quota was full. */
  overflows = 0;
  /** Times that publishers were asked to wait for a slow consumer. */
  chokes = 0;
  /** Puts into queues of other nodes that had to be sent again, and puts of other nodes that this one had already. */
  putsResent = 0;
  putsRepeated = 0;
  /** Circuits to queues of other nodes that broke and were opened again without the client noticing. */
  circuitsReopened = 0;
  /** Queues and subscriptions that were not made here, for a limit. */
  queuesRefused = 0;
  /** Subscriptions that came here and took what was put directly before all was known to have come by their former homes. */
  handoversCut = 0;
  readonly dropped = new Map<string, number>();

  drop(reason: DropReason, count: number): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
  }
}
