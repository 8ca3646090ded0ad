import type { AddressSpace } from '../../addresses/contract';
import type { Journal } from '../../common/ports';
import type { FlushQueue } from '../../transport/flush-queue';
import type { ClientBudget } from '../edge/client-budget';
import type { Deadlines } from '../edge/deadlines';
import type { EdgeProtocol } from '../edge/edge-protocol';
import type { OriginRule } from './origin';

/** What HTTP for clients is built on. */
export interface HttpEdgeOptions {
  readonly addresses: AddressSpace;
  /** Spoken over WebSockets. */
  readonly protocols: readonly EdgeProtocol[];
  /** Shared by all listeners of the node. */
  readonly budget: ClientBudget;
  /** Of what is written at the end of the node's turn. */
  readonly queue: FlushQueue;
  readonly deadlines: Deadlines;
  readonly journal: Journal;
  readonly messageBytesMax: number;
}

/** One listener's own part. */
export interface HttpBind {
  readonly host: string;
  readonly port: number;
  readonly rule: OriginRule;
}
