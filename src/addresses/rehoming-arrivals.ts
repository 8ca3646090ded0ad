import { WireError } from '../common/wire';
import type { NodeId } from '../links/contract';
import type { QueueHost } from '../queues/contract';
import type { StagedQueue } from '../queues/moves-contract';
import { isSubscriptionQueue, mergingName, readMergingName } from './reserved-names';
import {
  ABORTED,
  readHead,
  writeClaimed,
  writeRefused,
  writeTaken,
  writeTransfer,
  type TransferHead,
} from './rehoming-messages';
import type { QueueClaim } from './queue-claim';
import type { RehomingNotes } from './rehoming-notes';

/** What queues that come need of those around them. */
export interface ArrivalsHome {
  readonly host: QueueHost;
  readonly notes: RehomingNotes;
  send(node: NodeId, kind: 'taken' | 'staged' | 'claimed' | 'refused', payload: Buffer): void;
  nodeName(node: NodeId): string;
  nodeOf(name: string): NodeId;
  /** Why a queue cannot come now; null when it can. */
  refusal(head: TransferHead): { readonly why: string; readonly again: boolean } | null;
  /** It is going to live here: what is left here of another one of its name goes. */
  comes(queue: string, claim: QueueClaim): void;
  /** What lives here is also what others were that are told by these ids. */
  joined(queue: string, ids: readonly string[]): void;
  /** The version of this node's facts that tells of what lives here now. */
  factsVersion(): number;
  /** The queue lives here from now on. */
  claimed(queue: string, claim: QueueClaim): void;
  /** Something may come by its old home yet, which therefore must not forget it. */
  isComing(queue: string): boolean;
  /** What came by a transfer is to go into the queue that lives here. @param done it is there, on the disk */
  merge(from: string, into: string, done: () => void): void;
  scheduleFlush(): void;
}

/** One queue on its way to this node. */
interface Arrival {
  readonly transfer: string;
  readonly from: NodeId;
  readonly head: TransferHead;
  readonly staged: StagedQueue;
  /** Pieces that came, and how many of them are on the disk. */
  came: number;
  durable: number;
  isClaiming: boolean;
}

/**
 * Queues on their way to this node. A copy is nothing before it is adopted: with one group it is a queue of this node, which tells so
 * with a claim above the old home's, and it is noted that the transfer has come to its end. That is told the old home, after a crash
 * too, until it has deleted what it had.
 */
export class Arrivals {
  readonly #byTransfer = new Map<string, Arrival>();
  /** Transfers whose messages are on their way into the queue that was here. */
  readonly #merging = new Set<string>();

  constructor(private readonly home: ArrivalsHome) {}

  /** After a start: what a former life has not brought to its end. */
  start(): void {
    for (const name of this.home.host.stored) {
      const merging = readMergingName(name);
      if (merging !== null) this.#merge(merging.transfer, merging.queue);
    }
  }

  /** Something comes, or goes, into a queue here that is of another node. */
  isBusy(queue: string): boolean {
    for (const { head } of this.#byTransfer.values()) if (head.queue === queue) return true;
    for (const transfer of this.#merging) if (this.home.notes.taken(transfer)?.queue === queue) return true;
    return false;
  }

  // --- what the old home sends ---------------------------------------------------------------------------------------------------

  onPiece(from: NodeId, transfer: string, number: number, bytes: Buffer): void {
    if (number === ABORTED) {
      this.#aborted(from, transfer);
      return;
    }
    if (number === 0) {
      this.#begin(from, transfer, readHead(bytes));
      return;
    }
    const arrival = this.#find(from, transfer);
    if (arrival === null || arrival.isClaiming) return;
    if (number !== arrival.came) {
      this.#refuse(arrival, 'a piece of it is missing', true);
      return;
    }
    arrival.came++;
    this.#take(arrival, bytes);
  }

  #find(from: NodeId, transfer: string): Arrival | null {
    const arrival = this.#byTransfer.get(transfer);
    return arrival?.from === from ? arrival : null;
  }

  #begin(from: NodeId, transfer: string, head: TransferHead): void {
    for (const other of [...this.#byTransfer.values()])
      if (other.from === from && other.head.queue === head.queue) {
        // It is told once that is certain.
        if (other.isClaiming) return;
        this.#drop(other);
      }
    if (head.former !== '' && this.home.notes.taken(head.former) !== null) {
      this.#tellClaimed(head.former);
      return;
    }
    const refusal = this.home.refusal(head);
    if (refusal !== null) {
      this.home.send(from, 'refused', writeRefused(transfer, refusal.again, refusal.why));
      return;
    }
    const staged = this.home.host.moves.stage();
    this.#byTransfer.set(transfer, { transfer, from, head, staged, came: 1, durable: 1, isClaiming: false });
    this.home.scheduleFlush();
  }

  #take(arrival: Arrival, bytes: Buffer): void {
    try {
      arrival.staged.take(bytes, (error) => {
        if (this.#byTransfer.get(arrival.transfer) !== arrival) return;
        if (error === null) this.#taken(arrival);
        else this.#refuse(arrival, `its disk does not take it: ${error.message}`, false);
      });
      this.home.scheduleFlush();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#refuse(arrival, error.message, false);
    }
  }

  #taken(arrival: Arrival): void {
    const { transfer, from, staged } = arrival;
    arrival.durable++;
    this.home.send(from, 'taken', writeTaken(transfer, arrival.durable));
    if (staged.isComplete && arrival.durable === arrival.came) this.home.send(from, 'staged', writeTransfer(transfer));
  }

  #refuse(arrival: Arrival, why: string, again: boolean): void {
    this.#drop(arrival);
    this.home.send(arrival.from, 'refused', writeRefused(arrival.transfer, again, why));
  }

  #drop({ transfer, staged }: Arrival): void {
    this.#byTransfer.delete(transfer);
    staged.discard();
    this.home.scheduleFlush();
  }

  // --- the end -------------------------------------------------------------------------------------------------------------------

  /** The old home will not serve it again before it is told what became of this. */
  onCommit(from: NodeId, transfer: string): void {
    const arrival = this.#find(from, transfer);
    if (arrival === null || arrival.isClaiming || !arrival.staged.isComplete) return;
    const refusal = this.home.refusal(arrival.head);
    if (refusal !== null) {
      this.#refuse(arrival, refusal.why, true);
      return;
    }
    arrival.isClaiming = true;
    const { head, staged } = arrival;
    const { queue, claim, how, ids } = head;
    const former = this.home.nodeName(from);
    if (how !== 'move') this.#mergeMarks(queue, staged);
    else this.#comes(queue, claim, former);
    this.home.notes.setTaken(transfer, { from: former, queue, how, ids });
    staged.adopt(how === 'move' ? queue : mergingName(transfer, queue), () => {
      this.#byTransfer.delete(transfer);
      if (how !== 'move') this.#merge(transfer, queue);
      else {
        this.home.claimed(queue, claim);
        this.#tellClaimed(transfer);
      }
    });
    this.home.scheduleFlush();
  }

  #comes(queue: string, claim: QueueClaim, former: string): void {
    this.home.comes(queue, claim);
    this.home.notes.setClaim(queue, claim);
    if (isSubscriptionQueue(queue)) this.home.notes.setFormer(queue, former);
  }

  /** A put that the loser has is not taken again here. */
  #mergeMarks(queue: string, staged: StagedQueue): void {
    const { host } = this.home;
    const into = host.find(queue);
    if (into !== null) host.moves.mergeMarks(staged, into);
  }

  #merge(transfer: string, queue: string): void {
    this.#merging.add(transfer);
    this.home.joined(queue, this.home.notes.taken(transfer)?.ids ?? []);
    const name = mergingName(transfer, queue);
    this.home.merge(name, queue, () => {
      this.#merging.delete(transfer);
      this.#tellClaimed(transfer);
    });
  }

  #tellClaimed(transfer: string): void {
    const taken = this.home.notes.taken(transfer);
    if (taken === null || this.#merging.has(transfer)) return;
    if (taken.how === 'move' && this.home.isComing(taken.queue)) return;
    this.home.send(this.home.nodeOf(taken.from), 'claimed', writeClaimed(transfer, this.home.factsVersion()));
  }

  /** Nothing comes by the old home any more. */
  onHandedOver(queue: string): void {
    for (const transfer of this.home.notes.allTaken())
      if (this.home.notes.taken(transfer)?.queue === queue) this.#tellClaimed(transfer);
  }

  #aborted(from: NodeId, transfer: string): void {
    const arrival = this.#find(from, transfer);
    if (arrival !== null && !arrival.isClaiming) this.#drop(arrival);
  }

  /** The old home has none of it any more. */
  onForget(transfer: string): void {
    if (this.home.notes.taken(transfer) === null) return;
    this.home.notes.forgetTaken(transfer);
    this.home.scheduleFlush();
  }

  /** A node is within reach: it may not know what came to its end. */
  onReachable(node: NodeId): void {
    for (const transfer of this.home.notes.allTaken())
      if (this.home.nodeOf(this.home.notes.taken(transfer)?.from ?? '') === node) this.#tellClaimed(transfer);
  }

  /** Whatever had been agreed on with a node (null: all) is void. */
  broken(node: NodeId | null): void {
    for (const arrival of [...this.#byTransfer.values()])
      if ((node === null || arrival.from === node) && !arrival.isClaiming) this.#drop(arrival);
  }
}
