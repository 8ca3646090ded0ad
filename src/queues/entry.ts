import type { PutSink } from './contract';
import type { Mark } from './marks';
import type { Refusal } from './refusals';
import { deliveriesOf, expiresAtOf, flagsOf, publisherOf } from './record';

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
  /** It certainly will not be: whoever put it has been told. */
  onNotStored(entry: Entry, refusal: Refusal): void;
  /** The change of its record, or its removal, is on the disk. */
  onChanged(entry: Entry): void;
  /** The change of its record, or its removal, failed and has to be written again. */
  changeAgain(entry: Entry): void;
}

/** A message in memory. One object for each, so that the hot path makes no other. */
export class Entry {
  state: EntryState = ENTRY.storing;
  /** Failed deliveries, as its record says. */
  deliveries: number;
  readonly expiresAt: number;
  readonly publisher: number;
  /** It was given to somebody before, or may have been before a crash: it says so in its header. */
  seen = false;
  /** Consumers that it must not go to again. */
  excluded: number[] | null = null;
  sink: PutSink | null = null;
  token = 0;
  mark: Mark | null = null;
  putSeq = 0;

  constructor(
    readonly owner: EntryOwner,
    readonly key: number,
    readonly lane: number,
    public record: Buffer,
  ) {
    this.deliveries = deliveriesOf(record);
    this.publisher = publisherOf(record);
    this.expiresAt = expiresAtOf(record);
  }

  get flags(): number {
    return flagsOf(this.record);
  }
}
