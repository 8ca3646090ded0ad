import { OUTCOME } from '../streams/contract';
import type { GroupCompanion, PutSink } from './contract';
import type { Entry } from './entry';
import type { Mark } from './marks';
import { REFUSAL, refusalDetail, type Refusal } from './refusals';
import type { StoreCompletion } from './store-port';

/** Tells whoever put something what became of it. */
export function answerPut(sink: PutSink, token: number, refusal: Refusal): void {
  if (refusal === REFUSAL.none) sink.onPut(token, OUTCOME.accepted, null);
  else sink.onPut(token, OUTCOME.rejected, refusalDetail(refusal));
}

/** For puts whose fate is told otherwise. */
export const NOBODY: PutSink = { onPut: () => undefined };

/** A put that is answered with a group that has no record of its own for it. */
export interface Repeat {
  readonly sink: PutSink;
  readonly token: number;
  readonly mark: Mark | null;
  readonly seq: number;
  /** Not a put that was made before: it is accepted or refused with this group. */
  readonly sharesFate: boolean;
}

/** A consumer that wants to know when a settlement is on the disk. */
export interface Settlement {
  readonly holder: SettlementHolder;
  readonly token: number;
}

export interface SettlementHolder {
  onConfirmed(token: number): void;
}

/** A queue of which a group has changed something. */
export interface GroupMember {
  /** Its state with this mark is on the disk, or is not. */
  onState(mark: number, error: Error | null): void;
  /** All of the group is told: deliver what can be. */
  pump(): void;
}

interface Written {
  readonly queue: GroupMember;
  readonly mark: number;
}

/** What one turn has changed in all queues: durable together. */
export class Group implements StoreCompletion {
  readonly puts: Entry[] = [];
  /** Records that were changed or removed: they are written until it succeeds. */
  readonly changes: Entry[] = [];
  /** Records that transactions removed: they are there again when it fails. */
  readonly taken: Entry[] = [];
  readonly repeats: Repeat[] = [];
  readonly settlements: Settlement[] = [];
  readonly states: Written[] = [];
  /** What else waits for it; each sees itself to a failure. */
  readonly waiting: StoreCompletion[] = [];
  /** Others, whose records go with it. */
  readonly companions: GroupCompanion[] = [];
  /** It has changes of no queue. */
  isTouched = false;

  constructor(private readonly onDone: (group: Group, error: Error | null) => void) {}

  done(error: Error | null): void {
    this.onDone(this, error);
  }

  /** Tells all that waited, in order. @param refusal what puts are told; none when it is on the disk */
  tell(error: Error | null, refusal: Refusal): void {
    for (const { queue, mark } of this.states) queue.onState(mark, error);
    if (error === null) {
      for (const entry of this.puts) entry.owner.onStored(entry);
      for (const entry of this.changes) entry.owner.onChanged(entry);
      for (const entry of this.taken) entry.owner.onChanged(entry);
      for (const { holder, token } of this.settlements) holder.onConfirmed(token);
    } else {
      for (const entry of this.puts) entry.owner.onNotStored(entry, refusal);
      for (const entry of this.changes) entry.owner.changeAgain(entry);
      for (const entry of this.taken) entry.owner.restore(entry);
    }
    for (const repeat of this.repeats) tellRepeat(repeat, refusal);
    for (const companion of this.companions) companion.done(error);
    for (const completion of this.waiting) completion.done(error);
  }
}

function tellRepeat({ sink, token, mark, seq, sharesFate }: Repeat, refusal: Refusal): void {
  if (sharesFate && refusal !== REFUSAL.none) mark?.notWritten(seq, refusal);
  if (mark?.isOwed(seq) === true) sink.onPut(token, OUTCOME.undelivered, refusalDetail(REFUSAL.storeFailed));
  else answerPut(sink, token, mark === null ? refusal : mark.refusalOf(seq));
}
