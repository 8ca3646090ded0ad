import { STREAM_CLASS } from '../links/contract';
import { visitBody, type Batch } from './batch';
import { DROP_REASON, GAP_OTHERS, MESSAGE_FLAG, type DropReason } from './contract';
import type { LargeSender } from './large-sender';
import { GAP_ADDRESSES_MAX } from './limits';
import type { Peer } from './peer';
import type { StreamPorts } from './ports';
import type { SendStream } from './send-stream';

/** Gives back to their owners what will never be delivered to a peer: tracked messages one by one, the others counted by address. */
export class PeerLosses<A> {
  constructor(
    private readonly ports: StreamPorts<A>,
    private readonly large: LargeSender,
  ) {}

  /** A stream is given up with everything unacknowledged in it. */
  streamLost(peer: Peer<A>, stream: SendStream, reason: DropReason): void {
    const firstUnsent = stream.entries.find((entry) => !entry.left)?.firstSeq ?? stream.nextSeq;
    const lost: (readonly [number, boolean])[] = [];
    stream.slots.forEachSorted((seq, slot) => lost.push([slot, seq < firstUnsent]));
    const dropped = new Map<string, number>();
    if (stream.cls !== STREAM_CLASS.control) {
      for (const entry of stream.entries) countUntracked(entry.batch, dropped);
    }
    const wasFull = stream.full;
    stream.discard();
    this.large.targetLost(peer.id, stream.cls, (slot, address) => {
      if (slot >= 0) lost.push([slot, false]);
      else dropped.set(address, (dropped.get(address) ?? 0) + 1);
    });
    if (wasFull) this.ports.upper.onFull(peer.id, stream.cls, false);
    this.#report(peer, dropped, reason);
    for (const [slot, sent] of lost) this.ports.upper.onLost(slot, peer.id, sent, reason);
  }

  /** What became of messages below `nextSeq` will not be told. */
  outcomesLost(peer: Peer<A>, stream: SendStream, nextSeq: number): void {
    const lost: (readonly [seq: number, slot: number])[] = [];
    stream.slots.forEachSorted((seq, slot) => {
      if (seq < nextSeq) lost.push([seq, slot]);
    });
    for (const [seq] of lost) stream.slots.take(seq);
    for (const [, slot] of lost) this.ports.upper.onLost(slot, peer.id, true, DROP_REASON.unreachable);
  }

  /** A sealed batch names a target that is no longer usable. */
  unsendable(peer: Peer<A>, batch: Batch): void {
    if (batch.cls === STREAM_CLASS.control) return;
    const dropped = new Map<string, number>();
    countUntracked(batch, dropped);
    this.#report(peer, dropped, DROP_REASON.unreachable);
    const { slots } = batch;
    for (let at = 0; slots !== null && at < batch.count; at++) {
      const slot = slots[at] ?? -1;
      if (slot >= 0) this.ports.upper.onLost(slot, peer.id, false, DROP_REASON.unreachable);
    }
  }

  #report(peer: Peer<A>, dropped: ReadonlyMap<string, number>, reason: DropReason): void {
    for (const [address, count] of dropped) {
      this.ports.upper.onDropped(peer.id, address, count, reason);
      if (reason !== DROP_REASON.unreachable) continue;
      const key = peer.missed.has(address) || peer.missed.size < GAP_ADDRESSES_MAX ? address : GAP_OTHERS;
      peer.missed.set(key, (peer.missed.get(key) ?? 0) + count);
    }
  }
}

/** Adds the messages of a batch that no slot answers for; of a large message only its end counts. */
function countUntracked(batch: Batch, into: Map<string, number>): void {
  const names: string[] = [];
  visitBody(batch.chunk.bytes, batch.chunk.length, batch.count, {
    name: (_index, name) => names.push(name),
    entry: (_position, flags, index, start) => {
      if ((flags & MESSAGE_FLAG.tracked) !== 0) return;
      if ((flags & MESSAGE_FLAG.segment) !== 0 && ((batch.chunk.bytes[start + 4] as number) & 2) === 0) return;
      const name = names[index] as string;
      into.set(name, (into.get(name) ?? 0) + 1);
    },
  });
}
