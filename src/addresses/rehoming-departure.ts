import { FairleadError } from '../common/errors';
import type { NodeId } from '../links/contract';
import type { QueueItems, QueueMoves } from '../queues/moves-contract';
import { RecordDamagedError } from '../queues/store-port';
import { AddressError } from './errors';
import {
  REHOME_DAMAGED_MS,
  REHOME_LOOK_MS,
  REHOME_PEER_MS,
  REHOME_PIECE_BYTES,
  REHOME_PIECES_AHEAD,
  REHOME_RETRY_MS,
  REHOME_SETTLE_MS,
} from './limits';
import type { QueueClaim } from './queue-claim';
import { ABORTED, writeHead, writePiece, writeTransfer, type MoveKind } from './rehoming-messages';
import type { Leaving, RehomingNotes } from './rehoming-notes';
import { isSubscriptionQueue, readLateName } from './reserved-names';

const NOTHING = Buffer.alloc(0);

/** What a queue that leaves needs of those around it. */
export interface DepartureHome {
  readonly moves: QueueMoves;
  readonly notes: RehomingNotes;
  now(): number;
  /** A name for a transfer that no other has, or ever had. */
  newTransfer(): string;
  isReachable(node: NodeId): boolean;
  /** The way to a node takes no more for now. */
  isFull(node: NodeId): boolean;
  sendPiece(node: NodeId, piece: Buffer): void;
  send(node: NodeId, kind: 'commit' | 'forget', payload: Buffer): void;
  /** Whether it is served here is another than before. */
  changed(queue: string): void;
  scheduleFlush(): void;
  /** What is put for it from now on is put aside. */
  leaves(queue: string): void;
  /** By what it is told from another of its name. */
  idsOf(queue: string): readonly string[];
  /** Its records go, with what is noted in this turn. */
  drop(queue: string): void;
  /** It has come to its end. @param error why the queue is served here as before; null when it has left */
  over(departure: Departure, error: FairleadError | null): void;
}

/** Where a queue is to go. */
export interface Destination {
  readonly name: string;
  readonly node: NodeId;
  readonly how: MoveKind;
  /** What it is to tell of the queue. */
  readonly claim: QueueClaim;
}

/** A transfer that is under way. */
interface Transfer {
  readonly name: string;
  readonly items: QueueItems;
  /** What was read and not sent. */
  rest: Buffer | null;
  at: number;
  sent: number;
  /** Pieces on the disk there. */
  taken: number;
  isStaged: boolean;
}

/**
 * A queue on its way from this node to another one. Its consumers settle what they have (`settling`); its service ends, and all of it
 * comes to the disk (`detaching`); it is copied (`copying`), from the beginning again whenever the other node or the way to it was
 * lost. Up to here a crash leaves it as it was. That it may have gone is on the disk here (`committing`) before the other node is told to
 * adopt the copy, and from then on it is served here only by others' word; once the other node says that it has it, it is deleted.
 */
export class Departure {
  phase: 'settling' | 'detaching' | 'copying' | 'committing' | 'finishing' | 'over' = 'settling';
  /** Records of so many bytes are on the disk there. */
  bytes = 0;
  /** Messages that it had when its service ended. */
  messages = 0;
  /** Of a subscription: the other node has told that it lives there. */
  isAway = false;
  /** The other node has it, and tells so with that version of its facts, which is not known here. */
  claimedAs: { readonly transfer: string; readonly version: number } | null = null;
  /** What of it cannot be read, and keeps it from going where it has to go; null when nothing is known. */
  damage: string | null = null;
  #until: number;
  #transfer: Transfer | null = null;
  /** What is on the disk here, or on its way to it. */
  #leaving: Leaving | null;
  #retryAt = 0;
  /** When the other node was within reach last. */
  #reachedAt: number;
  /** Why it stays, once its service has ended: what is ending cannot be served again. */
  #failure: FairleadError | null = null;

  constructor(
    private readonly home: DepartureHome,
    readonly queue: string,
    readonly to: Destination,
    /** Of a former life. */
    leaving: Leaving | null,
  ) {
    this.#leaving = leaving;
    this.#reachedAt = home.now();
    this.#until = home.now() + REHOME_SETTLE_MS;
  }

  /** Begins, once it is known to all who are told within: whose consumer goes may end the subscription. */
  start(): void {
    if (this.isCommitted || this.merges) this.#detach();
    else this.home.moves.pause(this.queue, true);
    this.home.scheduleFlush();
  }

  /** The other node has the queue by right: what goes there goes behind what it has. */
  get merges(): boolean {
    return this.to.how !== 'move';
  }

  /** Nobody is served here. */
  get isDetached(): boolean {
    return this.phase !== 'settling' && this.phase !== 'over';
  }

  /** It may be at the other node already: only that can say. */
  get isCommitted(): boolean {
    return this.#leaving !== null;
  }

  get transfer(): string | null {
    return this.#transfer?.name ?? null;
  }

  /** Whether a transfer of this name may have come to its end. */
  awaits(transfer: string): boolean {
    return this.#leaving?.transfer === transfer;
  }

  // --- steps -------------------------------------------------------------------------------------------------------------------

  /** What it is there. */
  get target(): string {
    return readLateName(this.queue)?.queue ?? this.queue;
  }

  #detach(): void {
    this.phase = 'detaching';
    this.home.leaves(this.queue);
    // Consumers that look for it meanwhile find it gone.
    this.home.changed(this.queue);
    const moved = new AddressError('FL_QUEUE_MOVED', `queue '${this.queue}' moves to ${this.to.name}: attach again`);
    this.home.moves.detach(this.queue, moved, () => {
      if (this.phase !== 'detaching') return;
      this.phase = 'copying';
      if (this.#failure !== null) this.fail(this.#failure);
      this.home.scheduleFlush();
    });
  }

  #begin(): void {
    const { home, queue, to, target } = this;
    const name = home.newTransfer();
    const items = home.moves.items(queue);
    this.#transfer = { name, items, rest: null, at: 0, sent: 0, taken: 0, isStaged: false };
    const former = this.#leaving?.transfer ?? '';
    this.bytes = 0;
    const ids = home.idsOf(target);
    this.#send(this.#transfer, writeHead({ queue: target, claim: to.claim, how: to.how, former, ids }));
  }

  #send(transfer: Transfer, bytes: Buffer): void {
    this.home.sendPiece(this.to.node, writePiece(transfer.name, transfer.sent, bytes));
    transfer.sent++;
    this.bytes += bytes.length;
  }

  #pump(transfer: Transfer): void {
    while (transfer.sent - transfer.taken < REHOME_PIECES_AHEAD && !this.home.isFull(this.to.node)) {
      const piece = this.#nextPiece(transfer);
      if (piece === null) return;
      this.#send(transfer, piece);
    }
  }

  #nextPiece(transfer: Transfer): Buffer | null {
    if (transfer.rest === null || transfer.at >= transfer.rest.length) {
      transfer.rest = transfer.items.next(REHOME_PIECE_BYTES);
      transfer.at = 0;
    }
    const { rest, at } = transfer;
    if (rest === null) return null;
    transfer.at = Math.min(rest.length, at + REHOME_PIECE_BYTES);
    return rest.subarray(at, transfer.at);
  }

  /** What cannot be read for now is tried again; what is damaged stays here. */
  #pumpGuarded(transfer: Transfer): void {
    try {
      this.#pump(transfer);
    } catch (error) {
      if (error instanceof FairleadError) this.#restart(REHOME_RETRY_MS);
      else if (error instanceof RecordDamagedError || error instanceof RangeError) this.#damaged(error);
      else throw error;
    }
  }

  #damaged(error: Error): void {
    const why = `queue '${this.queue}' cannot be read as a whole: ${error.message}`;
    if (!this.isCommitted && !this.merges) {
      this.fail(new AddressError('FL_REHOME_REFUSED', why));
      return;
    }
    // It has to go there all the same: given back, it would be sent off again at once.
    this.damage = why;
    this.#restart(REHOME_DAMAGED_MS);
  }

  /** From the beginning again, after a while. */
  #restart(pauseMs: number): void {
    const transfer = this.#transfer;
    this.#transfer = null;
    if (transfer !== null && !this.awaits(transfer.name)) this.#abort(transfer);
    if (pauseMs > 0) this.#retryAt = this.home.now() + pauseMs;
    if (this.phase === 'committing') this.phase = 'copying';
    this.home.scheduleFlush();
  }

  /** Behind its pieces, so that none of them comes later. */
  #abort({ name }: Transfer): void {
    this.home.sendPiece(this.to.node, writePiece(name, ABORTED, NOTHING));
  }

  // --- what the other node tells -------------------------------------------------------------------------------------------------

  onTaken(pieces: number): void {
    if (this.#transfer === null) return;
    this.#transfer.taken = pieces;
    this.home.scheduleFlush();
  }

  /** All of it is on the disk there. */
  onStaged(): void {
    const transfer = this.#transfer;
    if (transfer === null || this.phase !== 'copying' || transfer.isStaged) return;
    transfer.isStaged = true;
    this.damage = null;
    const { to, queue, home } = this;
    this.#leaving = { to: to.name, transfer: transfer.name, how: to.how, claim: to.claim };
    home.notes.setLeaving(queue, this.#leaving, () => {
      if (this.#transfer !== transfer || this.phase !== 'copying') return;
      this.phase = 'committing';
      home.send(to.node, 'commit', writeTransfer(transfer.name));
    });
    home.scheduleFlush();
  }

  /** It is the queue's home. */
  onClaimed(transfer: string): void {
    if (this.phase === 'finishing' || this.phase === 'over') return;
    this.phase = 'finishing';
    this.#transfer = null;
    const { home, queue, to } = this;
    const pointer: QueueClaim = { generation: to.claim.generation, since: 0, subscription: null, movedTo: to.name };
    // Of subscriptions that is kept with what they are.
    const left = this.merges || isSubscriptionQueue(queue) ? null : pointer;
    home.notes.setLeft(queue, left, () => {
      this.phase = 'over';
      home.send(to.node, 'forget', writeTransfer(transfer));
      home.over(this, null);
    });
    home.drop(queue);
    home.scheduleFlush();
  }

  onRefused(again: boolean, why: string): void {
    // It said that it has not taken any of it: it may go elsewhere.
    if (this.merges && this.#leaving !== null) {
      this.#leaving = null;
      this.home.notes.forgetLeaving(this.queue);
    }
    if (again || this.isCommitted || this.merges) this.#restart(REHOME_RETRY_MS);
    else
      this.fail(new AddressError('FL_REHOME_REFUSED', `${this.to.name} does not take queue '${this.queue}': ${why}`));
  }

  /** Whatever had been agreed on with the other node is void. */
  broken(): void {
    if (this.#transfer !== null) this.#restart(0);
  }

  /** The queue is served here as before, or will be once all of it is on the disk. */
  fail(error: FairleadError): void {
    if (this.isCommitted || this.phase === 'over') return;
    if (this.phase === 'detaching') {
      this.#failure ??= error;
      return;
    }
    const wasDetached = this.isDetached;
    if (this.#transfer !== null) this.#abort(this.#transfer);
    this.#transfer = null;
    this.phase = 'over';
    if (!wasDetached) this.home.moves.pause(this.queue, false);
    this.home.over(this, error);
  }

  /** Nobody wants it any more: its records are deleted. */
  abandon(): void {
    if (this.#transfer !== null) this.#abort(this.#transfer);
    this.#transfer = null;
    this.phase = 'over';
    this.home.notes.forgetLeaving(this.queue);
  }

  // --- time --------------------------------------------------------------------------------------------------------------------

  flush(now: number): void {
    const { home, to } = this;
    if (home.isReachable(to.node)) this.#reachedAt = now;
    else if (!this.merges && now >= this.#reachedAt + REHOME_PEER_MS && this.phase !== 'detaching') {
      this.fail(new AddressError('FL_REHOME_NODE', `node ${to.name} is out of reach: queue '${this.queue}' stays`));
      if (!this.isCommitted) return;
    }
    if (this.phase === 'settling') this.#settle(now);
    if (this.phase !== 'copying' || !home.isReachable(to.node)) return;
    if (this.#transfer === null && now >= this.#retryAt) this.#begin();
    if (this.#transfer !== null) this.#pumpGuarded(this.#transfer);
  }

  #settle(now: number): void {
    if (now < this.#until && this.home.moves.isBusy(this.queue)) return;
    this.#detach();
  }

  deadline(): number {
    if (this.phase === 'settling') return this.home.now() + REHOME_LOOK_MS;
    if (this.phase === 'copying' && this.#transfer === null) {
      if (this.home.isReachable(this.to.node)) return Math.max(this.#retryAt, this.home.now() + 1);
      return this.isCommitted || this.merges ? Infinity : this.#reachedAt + REHOME_PEER_MS;
    }
    return this.isCommitted || this.merges ? Infinity : this.#reachedAt + REHOME_PEER_MS;
  }
}
