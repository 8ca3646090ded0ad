import type { Chunk } from '../common/chunk';
import { invariant } from '../common/errors';
import type { NodeId } from '../links/contract';
import { RESET, type Reset, type Tunnel, type TunnelHandler } from './contract';
import { PIECE_BYTES_MAX } from './limits';
import { PIECE, writeEnd, writeReset, type Piece, type Towards } from './messages';
import type { Pieces } from './pieces';
import type { TunnelCounters } from './ports';

/** What every end of a tunnel stands on. */
export interface EndPorts {
  readonly pieces: Pieces;
  readonly counters: TunnelCounters;
  /** Bytes that one tunnel may have on its way to this node now. */
  window(): number;
  /** The stream to its node is full: it is to be woken when that is over. */
  waits(end: TunnelEnd): void;
  /** It waits for nothing any more. */
  left(end: TunnelEnd): void;
  nameOf(node: NodeId): string;
}

/**
 * One end of a tunnel, whichever node opened it: two directions, each with its own credit in bytes since the opening, which the
 * receiving end gives as what came leaves it. Streams bring its pieces in order and once, so it numbers nothing.
 */
export abstract class TunnelEnd implements Tunnel {
  #state: 'asking' | 'open' | 'over' = 'asking';
  #sent = 0;
  #limit = 0;
  #received = 0;
  #consumed = 0;
  #granted = 0;
  #ended = false;
  #otherEnded = false;
  #blocked = false;
  /** That is so for want of credit. */
  #starved = false;

  protected constructor(
    protected readonly ports: EndPorts,
    /** Which end the pieces are for that are sent from here. */
    private readonly towards: Towards,
    /** Its number at the node that opened it. */
    public id: number,
    public node: NodeId,
    protected handler: TunnelHandler | null,
  ) {}

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  get peer(): string {
    return this.isOpen ? this.ports.nameOf(this.node) : '';
  }

  /** It is in no table any more. */
  protected abstract gone(): void;

  protected tell(piece: Piece, bytes: Buffer): void {
    this.ports.pieces.send(this.node, this.towards, piece, this.id, bytes, 0, bytes.length);
  }

  /** The first credit of the other end. */
  protected firstGrant(): number {
    this.#granted = this.ports.window();
    return this.#granted;
  }

  /** Both ends agree: bytes may pass. @param limit what the other end takes */
  protected opened(limit: number): void {
    this.#state = 'open';
    this.#blocked = false;
    this.#limit = limit;
  }

  protected isNowOver(): void {
    this.#state = 'over';
    this.ports.left(this);
    this.gone();
  }

  // --- out -----------------------------------------------------------------------------------------------------------------

  get blocked(): boolean {
    return this.#blocked;
  }

  get #isShut(): boolean {
    return !this.isOpen || this.#sent >= this.#limit || this.ports.pieces.isFull(this.node);
  }

  write(bytes: Buffer, start: number, end: number): number {
    invariant(!this.#ended, 'written to a tunnel that was ended');
    let at = start;
    while (at < end && !this.#isShut) {
      const to = Math.min(end, at + PIECE_BYTES_MAX, at + this.#limit - this.#sent);
      this.ports.pieces.send(this.node, this.towards, PIECE.data, this.id, bytes, at, to);
      this.#sent += to - at;
      at = to;
    }
    this.ports.counters.bytesOut += at - start;
    this.#blocked = this.#isShut;
    if (this.#blocked) this.#await();
    return at - start;
  }

  #await(): void {
    if (!this.isOpen) return;
    if (this.#sent >= this.#limit) this.#starved = true;
    else this.ports.waits(this);
  }

  /** What it waited for may be over. */
  wake(): void {
    if (!this.isOpen || this.#ended) return;
    this.#blocked = this.#isShut;
    if (this.#blocked) this.#await();
    else this.handler?.onWritable();
  }

  end(): void {
    if (this.#state !== 'open' || this.#ended) return;
    this.#ended = true;
    this.tell(PIECE.end, writeEnd());
    this.#finish();
  }

  reset(reason: Reset): void {
    if (this.isOver) return;
    this.tell(PIECE.reset, writeReset(reason));
    this.ports.counters.reset(reason);
    this.isNowOver();
  }

  #finish(): void {
    if (this.#ended && this.#otherEnded) this.isNowOver();
  }

  // --- in ------------------------------------------------------------------------------------------------------------------

  onCredit(limit: number): void {
    if (limit <= this.#limit) return;
    this.#limit = limit;
    if (!this.#starved) return;
    this.#starved = false;
    this.wake();
  }

  onData(chunk: Chunk, start: number, end: number): void {
    if (!this.isOpen || this.#otherEnded) return;
    this.#received += end - start;
    if (this.#received > this.#granted) {
      this.reset(RESET.violated);
      this.handler?.onReset(RESET.violated);
      return;
    }
    this.ports.counters.bytesIn += end - start;
    this.handler?.onData(chunk, start, end);
  }

  onEnd(): void {
    if (!this.isOpen || this.#otherEnded) return;
    this.#otherEnded = true;
    this.handler?.onEnd();
    // The handler may have reset it.
    if (!this.isOver) this.#finish();
  }

  /** It is over by the other end's word, or because that end is no more. */
  onReset(reason: Reset): void {
    if (this.isOver) return;
    this.ports.counters.reset(reason);
    this.isNowOver();
    this.handler?.onReset(reason);
  }

  consumed(bytes: number): void {
    this.#consumed += bytes;
    if (!this.isOpen || this.#otherEnded) return;
    const window = this.ports.window();
    // Half of a window at a time: credit for every piece would cost as many messages as there are pieces.
    if (this.#granted - this.#consumed > window / 2) return;
    this.#granted = this.#consumed + window;
    this.ports.pieces.credit(this.node, this.towards, this.id, this.#granted);
  }
}
