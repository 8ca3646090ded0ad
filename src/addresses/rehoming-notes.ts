import type { MoveNotes } from '../queues/moves-contract';
import { claimText, readClaim, type QueueClaim } from './queue-claim';
import type { MoveKind } from './rehoming-messages';

const LEAVING = 'leaving/';
const LEFT = 'left/';
const CLAIM = 'claim/';
const TAKEN = 'taken/';
const FORMER = 'former/';

/** A queue of this node that another one may have already: nobody serves it here before that is known. */
export interface Leaving {
  readonly to: string;
  readonly transfer: string;
  readonly how: MoveKind;
  readonly claim: QueueClaim;
}

/** A transfer that has come to its end here, though its old home may not know. */
export interface Taken {
  readonly from: string;
  readonly queue: string;
  readonly how: MoveKind;
  /** Of a subscription: by what it is told from another of its name. */
  readonly ids: readonly string[];
}

/** What is known of moves after a crash. All that is set in one turn is on the disk together, with what queues change in it. */
export class RehomingNotes {
  constructor(private readonly notes: MoveNotes) {}

  leaving(queue: string): Leaving | null {
    return parse<Leaving>(this.notes.get(LEAVING + queue));
  }

  allLeaving(): readonly string[] {
    return [...this.notes.names(LEAVING)].map((name) => name.slice(LEAVING.length));
  }

  setLeaving(queue: string, leaving: Leaving, done: () => void): void {
    this.notes.set(LEAVING + queue, JSON.stringify(leaving), done);
  }

  /** It certainly has not gone. */
  forgetLeaving(queue: string): void {
    if (this.notes.get(LEAVING + queue) !== null) this.notes.set(LEAVING + queue, null);
  }

  /** Where a queue has gone that was here; null for one of which others tell. */
  left(queue: string): QueueClaim | null {
    return claimOf(this.notes.get(LEFT + queue));
  }

  allLeft(): readonly string[] {
    return [...this.notes.names(LEFT)].map((name) => name.slice(LEFT.length));
  }

  forgetLeft(queue: string): void {
    this.notes.set(LEFT + queue, null);
  }

  /** It has gone. @param pointer what is told of that; null where others tell of it */
  setLeft(queue: string, pointer: QueueClaim | null, done: () => void): void {
    this.notes.set(LEAVING + queue, null);
    if (this.notes.get(CLAIM + queue) !== null) this.notes.set(CLAIM + queue, null);
    this.notes.set(LEFT + queue, pointer === null ? null : claimText(pointer), done);
  }

  /** What is told of a queue here; null for one that has never moved. */
  claim(queue: string): QueueClaim | null {
    return claimOf(this.notes.get(CLAIM + queue));
  }

  /** It has come. */
  setClaim(queue: string, claim: QueueClaim): void {
    this.notes.set(CLAIM + queue, claimText(claim));
    if (this.notes.get(LEFT + queue) !== null) this.forgetLeft(queue);
  }

  forgetClaim(queue: string): void {
    if (this.notes.get(CLAIM + queue) !== null) this.notes.set(CLAIM + queue, null);
  }

  /** The former home of a subscription from where something may come yet; null when nothing does. */
  former(queue: string): string | null {
    return this.notes.get(FORMER + queue);
  }

  allFormer(): readonly string[] {
    return [...this.notes.names(FORMER)].map((name) => name.slice(FORMER.length));
  }

  setFormer(queue: string, node: string | null): void {
    if (this.former(queue) !== node) this.notes.set(FORMER + queue, node);
  }

  taken(transfer: string): Taken | null {
    return parse<Taken>(this.notes.get(TAKEN + transfer));
  }

  allTaken(): readonly string[] {
    return [...this.notes.names(TAKEN)].map((name) => name.slice(TAKEN.length));
  }

  setTaken(transfer: string, taken: Taken): void {
    this.notes.set(TAKEN + transfer, JSON.stringify(taken));
  }

  forgetTaken(transfer: string): void {
    this.notes.set(TAKEN + transfer, null);
  }
}

function claimOf(text: string | null): QueueClaim | null {
  return text === null ? null : readClaim(Buffer.from(text));
}

/** Written by this node. */
function parse<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}
