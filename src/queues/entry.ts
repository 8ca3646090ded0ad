import type { LargeBody } from '../streams/contract';
import type { PutSink } from './contract';
import type { Mark } from './marks';
import { deliveriesOf, expiresAtOf, flagsOf, messageStart, publisherOf, RECORD_FLAG, sizeOf } from './record';
import type { Refusal } from './refusals';

export const ENTRY = {
  /** On its way to the disk. */
  storing: 0,
  ready: 1,
  /** A consumer has it, or the queue itself while it decides what becomes of it. */
  acquired: 2,
  /** Settled; its record is deleted, perhaps not on the disk yet. */
  gone: 3,
} as const;
export type EntryState = (typeof ENTRY)[keyof typeof ENTRY];

/** The queue of an entry, as a group of changes sees it. */
export interface EntryOwner {
  /** Its record is on the disk. */
  onStored(entry: Entry): void;
  /** It certainly will not be. */
  onNotStored(entry: Entry, refusal: Refusal): void;
  /** The change of its record, or its removal, is on the disk. */
  onChanged(entry: Entry): void;
  /** The change of its record, or its removal, failed: it has to be written again. */
  changeAgain(entry: Entry): void;
  /** Its removal failed with the transaction that wanted it. */
  restore(entry: Entry): void;
}

/** A message in memory. One object for each, so that the hot path makes no other. */
export class Entry {
  state: EntryState = ENTRY.storing;
  /** Failed deliveries, as its record says. */
  deliveries: number;
  readonly expiresAt: number;
  readonly publisher: number;
  readonly flags: number;
  /** Bytes of the message as it came. */
  readonly size: number;
  /** Changes of its record, or its removal, that are on their way to the disk. */
  changing = 0;
  /** It was given to somebody before, or may have been before a crash: it says so in its header. */
  seen = false;
  /** Consumers that it must not go to again. */
  excluded: number[] | null = null;
  /** Key of its record in `delayed`; -1 while it is in `messages`. */
  delayedKey = -1;
  /** The queue put it itself, as it moved a message: nobody is told, and it has to come to pass. */
  isMoved = false;
  /** It was settled, or put, by a transaction: when that fails it is as before. */
  inTransaction = false;
  /** Of a large message in a queue that lives in memory. */
  body: LargeBody | null = null;
  sink: PutSink | null = null;
  token = 0;
  mark: Mark | null = null;
  putSeq = 0;

  /** Its payload was released with its removal. */
  isReleased = false;

  /**
   * @param record the message behind a head. Of a payload that others have too, or will have, nothing in it ever changes, and its head
   * tells the publisher and nothing else
   * @param reference what the disk has in place of such a one
   */
  constructor(
    readonly owner: EntryOwner,
    readonly key: number,
    readonly lane: number,
    public record: Buffer,
    public reference: Buffer | null = null,
  ) {
    const { stored } = this;
    this.deliveries = deliveriesOf(stored);
    this.publisher = publisherOf(stored);
    this.expiresAt = expiresAtOf(stored);
    this.flags = flagsOf(stored) & ~RECORD_FLAG.shared;
    this.size = this.isLarge ? sizeOf(record) : record.length - messageStart(record);
  }

  /** What the disk has of it. */
  get stored(): Buffer {
    return this.reference ?? this.record;
  }

  /** What it counts with: its record, and its parts. */
  get bytes(): number {
    return this.isLarge ? this.record.length + this.size : this.record.length;
  }

  get isLarge(): boolean {
    return (this.flags & RECORD_FLAG.large) !== 0;
  }

  get isGrouped(): boolean {
    return (this.flags & RECORD_FLAG.grouped) !== 0;
  }
}
