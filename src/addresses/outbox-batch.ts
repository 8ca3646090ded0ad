import type { GroupCompanion, PutSink } from '../queues/contract';
import type { StoreCompletion } from '../queues/store-port';
import type { PayloadName } from './outbox-payloads';
import type { Outgoing } from './outgoing';

/** A message that a group writes. */
export interface OutboxPut {
  readonly to: Outgoing;
  readonly key: number;
  readonly bytes: number;
  /** That which came with it, and is shared with others; null when its record has it. */
  readonly payload: PayloadName | null;
  /** The record of one that was accepted before, under another number: it must not be lost. */
  readonly again: Buffer | null;
}

/** Somebody who is told once a group is on the disk. */
export interface OutboxAnswer {
  readonly sink: PutSink;
  readonly token: number;
}

/** What one group of the store has of the outbox. */
export class OutboxBatch implements GroupCompanion {
  readonly puts: OutboxPut[] = [];
  readonly answers: OutboxAnswer[] = [];
  readonly erased: { readonly id: number; readonly key: number }[] = [];
  /** What it has of counts of payloads. */
  readonly waiting: StoreCompletion[] = [];
  /** Destinations whose totals, and whose names, go with it; and numbers of such as are forgotten. */
  readonly touched = new Set<Outgoing>();
  readonly named: Outgoing[] = [];
  readonly forgotten: number[] = [];

  constructor(
    private readonly onClosing: () => void,
    private readonly onDone: (error: Error | null) => void,
  ) {}

  closing(): void {
    this.onClosing();
  }

  done(error: Error | null): void {
    this.onDone(error);
  }
}
