import type { FairleadError } from '../common/errors';
import type { Clock, Journal } from '../common/ports';
import type { NodeId } from '../links/contract';
import type { QueueHost, QueuePolicy } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import type { Replicas, Routes } from '../routing/contract';
import { CONTROL } from './control';
import type { PutSpan } from './handovers';
import type { LateQueues } from './late-queues';
import type { AddressCounters, AddressStreams } from './ports';
import type { QueueClaim } from './queue-claim';
import type { QueueHomes } from './queue-homes';

const KIND = {
  taken: CONTROL.moveTaken,
  staged: CONTROL.moveStaged,
  commit: CONTROL.moveCommit,
  claimed: CONTROL.moveClaimed,
  refused: CONTROL.moveRefused,
  forget: CONTROL.moveForget,
} as const;

/** How far a queue is on its way to another node. */
export interface MoveView {
  readonly queue: string;
  readonly to: string;
  readonly state: 'settling' | 'copying' | 'finishing' | 'moved' | 'failed';
  /** Copied so far. */
  readonly bytes: number;
  readonly messages: number;
  /** Why it stays where it is; null while nothing is wrong. */
  readonly error: FairleadError | null;
}

/** Subscriptions of this node, as rehoming sees them. */
export interface MovingSubscriptions {
  readonly late: LateQueues;
  /** Whether one of the name lives here and outlives its consumers. */
  isDurable(name: string): boolean;
  /** The same also of one that cannot be served. */
  isHere(name: string): boolean;
  /** By what one that lives here, or has left, is told from another of its name; none when nothing is known of it. */
  idsOf(name: string): readonly string[];
  /** It is on its way to another node: what is put for it is put aside. */
  leaves(name: string): void;
  /** It is not on its way any more: once nothing is put aside for it, it takes what is put. */
  stays(name: string): void;
  /** Another node tells that it lives there. What is put here for it nevertheless is put aside, and follows it. */
  departed(name: string, to: string): void;
  /** It has come to this node with its queue, which is there. */
  adopted(name: string, claim: QueueClaim): void;
  /** What lives here is also what others were that are told by these ids. */
  joined(name: string, ids: readonly string[]): void;
  /** It has ended, wherever it was. */
  ended(name: string): void;
}

/** What rehoming is built on. */
export interface RehomingPorts {
  readonly selfName: string;
  /** One life of this node. */
  readonly incarnation: number;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly streams: AddressStreams;
  readonly routes: Routes;
  readonly replicas: Replicas;
  readonly store: QueueStore;
  readonly host: QueueHost;
  readonly homes: QueueHomes;
  readonly counters: AddressCounters;
  readonly subscriptions: MovingSubscriptions;
  /** How a queue treats its messages by the rules; null where they say that it is none. */
  policyOf(queue: string): QueuePolicy | null;
  /** Where it lives, or whether it is served here, is another than before. */
  changed(queue: string): void;
  /** A put that waits for where its queue lives is to be sent again. */
  undelivered(site: number): void;
  /** A queue has come, and is to be served here. */
  arrived(queue: string): void;
  /** What this node has put to what subscriptions of another one hold. */
  spanOf(node: string): PutSpan;
  readonly scheduleFlush: () => void;
}

export function isReachable({ routes }: Pick<RehomingPorts, 'routes'>, node: NodeId): boolean {
  return routes.view(node)?.reachable === true;
}

export function sendMove({ streams }: RehomingPorts, node: NodeId, kind: keyof typeof KIND, payload: Buffer): void {
  streams.sendControl(node, KIND[kind], payload);
}
