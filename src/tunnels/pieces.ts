import type { NodeId } from '../links/contract';
import { STREAM_CLASS } from '../links/contract';
import type { Streams, TargetSet } from '../streams/contract';
import { PIECE_BYTES_MAX } from './limits';
import {
  PIECE_HEAD_BYTES,
  TUNNEL_CREDIT,
  TUNNEL_WIRE,
  writeCredit,
  writeHead,
  type Piece,
  type Towards,
} from './messages';

/** What this node tells itself, for its own services: in order, and in the next turn as if it came from elsewhere. */
export interface Looped {
  readonly credit: boolean;
  readonly bytes: Buffer;
}

/** Sends what tunnels say: data and what must not overtake it in bulk streams, so that no message waits behind it; credit as control. */
export class Pieces {
  readonly #scratch = Buffer.allocUnsafe(PIECE_HEAD_BYTES + PIECE_BYTES_MAX);
  readonly #sets = new Map<NodeId, TargetSet>();
  #looped: Looped[] = [];

  constructor(
    private readonly self: NodeId,
    private readonly streams: Streams,
    private readonly scheduleFlush: () => void,
  ) {}

  isFull(node: NodeId): boolean {
    return node !== this.self && this.streams.isFull(node, STREAM_CLASS.bulk);
  }

  /** @param bytes at most `PIECE_BYTES_MAX` of them from `start` to `end`; copied */
  send(node: NodeId, towards: Towards, piece: Piece, tunnel: number, bytes: Buffer, start: number, end: number): void {
    const scratch = this.#scratch;
    writeHead(scratch, towards, piece, tunnel);
    bytes.copy(scratch, PIECE_HEAD_BYTES, start, end);
    const length = PIECE_HEAD_BYTES + end - start;
    if (node === this.self) this.#loop(false, Buffer.from(scratch.subarray(0, length)));
    else this.streams.append(this.#setOf(node), STREAM_CLASS.bulk, TUNNEL_WIRE, 0, scratch, 0, length, -1);
  }

  credit(node: NodeId, towards: Towards, tunnel: number, limit: number): void {
    const payload = writeCredit(towards, tunnel, limit);
    if (node === this.self) this.#loop(true, payload);
    else this.streams.sendControl(node, TUNNEL_CREDIT, payload);
  }

  #setOf(node: NodeId): TargetSet {
    let set = this.#sets.get(node);
    if (set === undefined) this.#sets.set(node, (set = this.streams.targetSet([node])));
    return set;
  }

  /** No tunnel leads there any more. */
  forget(node: NodeId): void {
    this.#sets.delete(node);
  }

  #loop(credit: boolean, bytes: Buffer): void {
    this.#looped.push({ credit, bytes });
    this.scheduleFlush();
  }

  takeLooped(): readonly Looped[] {
    const looped = this.#looped;
    this.#looped = [];
    return looped;
  }
}
