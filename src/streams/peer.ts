import type { NodeId, StreamClass } from '../links/contract';
import type { LargeAssembler } from './reassembly';
import type { ReceiveStream } from './receive-stream';
import type { SendStream } from './send-stream';

/** A large message that arrives from an origin. */
export interface IncomingLarge<A> {
  readonly address: A;
  readonly flags: number;
  readonly assembler: LargeAssembler;
}

/** Where this node stands with another one: reachable, held (unreachable, but within `partitionHold`), or given up. */
export type PeerState = 'reachable' | 'held' | 'unusable';

/** One for each class of streams, made on first use. */
export type ByClass<T> = [T | null, T | null, T | null, T | null];

/** Everything the stream layer knows of one other node. */
export class Peer<A> {
  state: PeerState = 'unusable';
  /** Monotonic ms at which a held peer is given up. */
  holdDeadline = Infinity;
  incarnation = 0;
  /** The life of the peer that the receiving ends belong to. */
  receiveIncarnation = 0;
  readonly send: ByClass<SendStream> = [null, null, null, null];
  readonly receive: ByClass<ReceiveStream> = [null, null, null, null];
  /** By class x 2^32 + large id. */
  readonly incoming = new Map<number, IncomingLarge<A>>();
  /** Messages given up on the way to this peer, by address, until it can be told. */
  readonly missed = new Map<string, number>();
  /** Where the receiving ends stood when the peer was given up, until it can be told; null when there is nothing to tell. */
  givenUp: readonly { readonly cls: StreamClass; readonly epoch: number; readonly nextSeq: number }[] | null = null;
  lastHeard = -Infinity;

  constructor(readonly id: NodeId) {}

  /** Aborts large messages of a class that will never be completed. @returns how many */
  abortIncoming(cls: StreamClass): number {
    let aborted = 0;
    for (const [key, large] of this.incoming) {
      if (Math.floor(key / 0x1_0000_0000) !== cls) continue;
      large.assembler.abort();
      this.incoming.delete(key);
      aborted++;
    }
    return aborted;
  }
}

/** All other nodes, by id. */
export class Peers<A> {
  readonly #byId = new Map<NodeId, Peer<A>>();

  /** The peer, made on first use. */
  of(id: NodeId): Peer<A> {
    let peer = this.#byId.get(id);
    if (peer === undefined) this.#byId.set(id, (peer = new Peer(id)));
    return peer;
  }

  find(id: NodeId): Peer<A> | undefined {
    return this.#byId.get(id);
  }

  all(): IterableIterator<Peer<A>> {
    return this.#byId.values();
  }
}
