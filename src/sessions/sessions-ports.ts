import type { SessionWill } from '../addresses/client-contract';
import type { SubscriptionRef } from '../addresses/contract';
import type { FairleadError } from '../common/errors';
import type { NodeId } from '../links/contract';
import type { Told } from './kept-records';
import type { Table } from './table';
import type { TableEntry } from './table-entry';

/** What sessions are built on. */
export interface SessionsPorts {
  readonly table: Table;
  readonly self: NodeId;
  readonly selfName: string;
  /** Of this process; greater than those before it. */
  readonly life: number;
  readonly partitionHoldMs: number;
  now(): number;
  wall(): number;
  /** An entry of the table is written. */
  wrote(entry: TableEntry): void;
  /** The state of a session is another one, or null for none. */
  saveState(clientId: string, state: () => Buffer | null): void;
  whenKept(told: Told): void;
  /** The node of a name, when it is within reach; undefined otherwise. */
  reachable(name: string): NodeId | undefined;
  /** All nodes that the last run knew were compared with this one since its start. */
  hasMetAll(): boolean;
  /** This node has the lowest id of all that are within reach. */
  isLowest(): boolean;
  send(node: NodeId, kind: number, payload: Buffer): void;
  unsubscribe(ref: SubscriptionRef, done: (error: FairleadError | null) => void): void;
  publish(will: SessionWill): void;
  scheduleFlush(): void;
}
