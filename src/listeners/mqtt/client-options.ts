import type { AddressSpace } from '../../addresses/contract';
import type { ClientSpace } from '../../addresses/client-contract';
import type { FlushQueue } from '../../transport/flush-queue';
import type { ClientBudget } from '../edge/client-budget';
import type { Deadlines } from '../edge/deadlines';
import type { KeptAccounts } from './kept-bytes';
import type { LeftPublishes } from './left-publishes';
import type { SubscribeTurns } from './subscribe-turns';
import type { SystemTopics } from './system-topics';
import type { TopicNames } from './topic-writer';
import type { Topics } from './topics';
import type { MqttTotals } from './totals';

/** What MQTT for clients is built on. */
export interface MqttEdgeOptions {
  readonly addresses: AddressSpace;
  /** Sessions, retained messages and wills. */
  readonly space: ClientSpace;
  readonly queue: FlushQueue;
  /** Shared by all listeners of the node. */
  readonly budget: ClientBudget;
  readonly messageBytesMax: number;
  readonly deadlines: Deadlines;
  /** Of this program, told below `$SYS`. */
  readonly version: string;
}

/** What the connections of a node share. */
export interface MqttNode extends MqttEdgeOptions {
  readonly topics: Topics;
  readonly names: TopicNames;
  readonly totals: MqttTotals;
  readonly system: SystemTopics;
  readonly turns: SubscribeTurns;
  readonly kept: KeptAccounts;
  readonly left: LeftPublishes;
}
