import type { AddressSpace } from '../../addresses/contract';
import type { FairleadError } from '../../common/errors';
import type { FlushQueue } from '../../transport/flush-queue';
import type { ClientBudget } from '../edge/client-budget';
import type { Deadlines } from '../edge/deadlines';
import type { ListenerCounters } from '../edge/listener-counters';
import type { FrameOutput } from './frame-output';
import type { MessageWriter } from './message-out';
import type { StompVersion } from './version';

/** What STOMP for clients is built on. */
export interface StompEdgeOptions {
  readonly addresses: AddressSpace;
  readonly queue: FlushQueue;
  /** Shared by all listeners of the node. */
  readonly budget: ClientBudget;
  readonly deadlines: Deadlines;
  readonly messageBytesMax: number;
  /** Told to clients as `server`, e.g. `fairlead/1.0.0`. */
  readonly server: string;
}

/** What the parts of one client's connection have in common. */
export interface Session {
  readonly addresses: AddressSpace;
  readonly budget: ClientBudget;
  readonly counters: ListenerCounters;
  readonly deadlines: Deadlines;
  readonly messageBytesMax: number;
  readonly version: StompVersion;
  /** Name of the client, for health and management; and what `no-local` goes by. */
  readonly client: string;
  /** `client-id` of CONNECT: subscriptions of that name are its own. */
  readonly clientId: string | null;
  readonly output: FrameOutput;
  readonly writer: MessageWriter;
  /** The client has not read what it was sent. */
  readonly full: boolean;
  /** A large message is written: what waited for that can go on. */
  onLargeEnd(): void;
  /** False while the client does not read, or is given a large message in parts. */
  canWrite(): boolean;
  /** Something was written to `output`. */
  wrote(): void;
  /** What the client has asked for is done. @param id undefined where it asked for no receipt */
  receipt(id: string | undefined): void;
  /** Ends the connection with an ERROR frame. @param receipt of the frame that it answers */
  fail(error: FairleadError, receipt?: string): void;
  /** Something has begun whose end a receipt of DISCONNECT waits for. */
  begun(): void;
  finished(): void;
  /** A frame that was not admitted may be admitted now. */
  goOn(): void;
}
