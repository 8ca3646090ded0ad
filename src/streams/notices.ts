import { WireWriter, type WireReader } from '../common/wire';
import { STREAM_CLASS, type StreamClass } from '../links/contract';
import { CONTROL_GAP, CONTROL_GIVEN_UP } from './delivery';
import { CONTROL_BYTES_MAX, GAP_ADDRESSES_MAX } from './limits';
import type { Peer } from './peer';

/**
 * What a node tells a peer that it had given up, once the peer is back. The peer may not have given up itself: without a word it would
 * wait for outcomes, and for leave to publish, that went down with the former streams.
 *
 * Given up: u8 streams, streams x (u8 class, u32 epoch, u48 next expected sequence).
 * Gap: u16 addresses, addresses x (text wire name, u48 messages).
 */
export class Notices<A> {
  constructor(private readonly send: (peer: Peer<A>, kind: number, payload: Buffer) => void) {}

  /** Notes where the receiving ends stand as the peer is given up. */
  givenUp(peer: Peer<A>): void {
    peer.givenUp = peer.receive.flatMap((stream) =>
      stream === null ? [] : [{ cls: stream.cls, epoch: stream.epoch, nextSeq: stream.expectedSeq }],
    );
  }

  /** The peer can be told. */
  tell(peer: Peer<A>): void {
    this.#tellGivenUp(peer);
    this.#tellMissed(peer);
  }

  #tellGivenUp(peer: Peer<A>): void {
    const { givenUp } = peer;
    if (givenUp === null) return;
    peer.givenUp = null;
    const writer = new WireWriter().u8(givenUp.length);
    for (const { cls, epoch, nextSeq } of givenUp) writer.u8(cls).u32(epoch).u48(nextSeq);
    this.send(peer, CONTROL_GIVEN_UP, writer.take());
  }

  #tellMissed(peer: Peer<A>): void {
    let writer = new WireWriter().u16(0);
    let told = 0;
    const send = (): void => {
      writer.patchU16(0, told);
      this.send(peer, CONTROL_GAP, writer.take());
      told = 0;
      writer = new WireWriter().u16(0);
    };
    for (const [address, count] of peer.missed) {
      writer.text(address).u48(count);
      if (++told === GAP_ADDRESSES_MAX || writer.length >= CONTROL_BYTES_MAX) send();
    }
    if (told > 0) send();
    peer.missed.clear();
  }
}

/** @throws WireError */
export function readGivenUp(
  reader: WireReader,
  visit: (cls: StreamClass, epoch: number, nextSeq: number) => void,
): void {
  for (let left = reader.u8(); left > 0; left--) {
    const cls = reader.u8();
    const epoch = reader.u32();
    const nextSeq = reader.u48();
    // Of control and bulk there are no outcomes; another class is a later version's.
    if (cls === STREAM_CLASS.high || cls === STREAM_CLASS.normal) visit(cls, epoch, nextSeq);
  }
}

/** @throws WireError */
export function readMissed(reader: WireReader): ReadonlyMap<string, number> {
  const missed = new Map<string, number>();
  for (let left = reader.u16(); left > 0; left--) missed.set(reader.text(), reader.u48());
  return missed;
}
