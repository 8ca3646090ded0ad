import type { FairleadError } from '../common/errors';
import type { LargeBody, Outcome } from '../streams/contract';
import type { LargeBodies, PutSink, Queue } from './contract';
import type { Group } from './group';
import type { WindowBudget } from './lane';
import type { LargeStore } from './large-store';
import type { RecordSlab } from './record';
import type { Refusal } from './refusals';
import type { SharedPayloads } from './shared-payloads';

/** Another queue of the host, as one that moves messages to it sees it. */
export interface MoveTarget {
  readonly temporary: boolean;
  /** Puts a message that comes from another queue, whatever the limits. */
  putMoved(message: Buffer, inTransaction: boolean): void;
  /** The same of a large one, as its record in the other queue says. @param body where that queue lives in memory */
  putMovedLarge(record: Buffer, lane: number, body: LargeBody | null, inTransaction: boolean): void;
}

/** A queue, as its host keeps account of it. */
export interface HostedQueue {
  readonly temporary: boolean;
  /** Its changes are being committed. */
  writeState(group: Group): void;
  pump(): void;
  /** Something that it wanted to do in a turn of its own. */
  turn(): void;
  /** Its time has come. */
  onTime(wall: number): void;
}

/** Bytes of all queues that live in memory, as of the end of their last turns. */
export interface MemoryUse {
  bytes: number;
}

/** The host, as its queues see it. */
export interface QueueHome {
  readonly slab: RecordSlab;
  readonly budget: WindowBudget;
  readonly memory: MemoryUse;
  readonly large: LargeStore;
  readonly payloads: SharedPayloads;
  readonly bodies: LargeBodies;
  /** More is on its way to the disk than should be. */
  readonly pressed: boolean;
  wall(): number;
  /** What this turn changes in queues on the disk, or in those in memory. */
  group(temporary: boolean): Group;
  touched(queue: HostedQueue): void;
  /** What has been changed is to be on the disk soon. */
  hurry(): void;
  /** It has something to do at once, in a turn of its own. */
  wantsTurn(queue: HostedQueue): void;
  /** It has something to do at that time, if nothing comes sooner. */
  wakeAt(queue: HostedQueue, wall: number): void;
  /** Done at the end of the turn. */
  later(act: () => void): void;
  refuse(sink: PutSink, token: number, refusal: Refusal): void;
  /** Tells it the same of a put that could not be stored, and is made again. */
  giveBack(sink: PutSink, token: number, refusal: Refusal): void;
  onRoom(queue: Queue): void;
  onDamage(queue: Queue, error: FairleadError): void;
  /** The queue of an address, if that is one of this host. */
  local(address: string): MoveTarget | null;
  forward(address: string, message: Buffer, done: (outcome: Outcome) => void): void;
  forwardLarge(address: string, body: LargeBody, done: (outcome: Outcome) => void): void;
}
