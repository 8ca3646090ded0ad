import type { Chunk } from '../common/chunk';
import { WireError, WireReader } from '../common/wire';
import { STREAM_CLASS } from '../links/contract';
import { visitBody, type BodyVisitor } from './batch';
import { DROP_REASON, MESSAGE_FLAG } from './contract';
import { LARGE_OPEN_MAX } from './limits';
import type { Peer } from './peer';
import type { StreamCounters, StreamPorts } from './ports';
import { LargeAssembler, SEGMENT_HEAD_BYTES, SEGMENT_PART, type LargeStorage } from './reassembly';
import type { ReceiveStream } from './receive-stream';

/** Control kinds of the stream layer itself; below 128 they belong to addresses. */
export const CONTROL_OUTCOMES = 128;
export const CONTROL_GAP = 129;
export const CONTROL_GIVEN_UP = 130;

/** What a body of the control class is handed to. */
export type ControlHandler<A> = (peer: Peer<A>, kind: number, reader: WireReader) => void;

/** Takes batches that are in turn apart and hands their messages up. One object for all streams: the fields are the present batch. */
export class Delivery<A> implements BodyVisitor {
  readonly #refs: A[] = [];
  #peer!: Peer<A>;
  #stream!: ReceiveStream;
  #firstSeq = 0;
  #body!: Chunk;
  readonly #storage: LargeStorage;

  constructor(
    private readonly ports: StreamPorts<A>,
    private readonly counters: StreamCounters,
    private readonly control: ControlHandler<A>,
    private readonly undelivered: (stream: ReceiveStream, seq: number) => void,
  ) {
    const { spool, receive, journal } = ports;
    this.#storage = { spool, pool: receive, failed: ({ message }) => journal.warn('spool-failed', { why: message }) };
  }

  /** @throws WireError when the body is malformed */
  deliver(peer: Peer<A>, stream: ReceiveStream, firstSeq: number, count: number, body: Chunk): void {
    this.#peer = peer;
    this.#stream = stream;
    this.#firstSeq = firstSeq;
    this.#body = body;
    this.#refs.length = 0;
    visitBody(body.bytes, body.length, count, this);
  }

  name(_index: number, name: string): void {
    this.#refs.push(this.ports.upper.resolveWire(name));
  }

  entry(position: number, flags: number, index: number, start: number, end: number): void {
    if (this.#stream.cls === STREAM_CLASS.control) {
      this.control(this.#peer, index, new WireReader(this.#body.bytes, start, end));
      return;
    }
    if (index >= this.#refs.length) throw new WireError(`batch entry ${position} names unknown address ${index}`);
    const seq = this.#firstSeq + position;
    const address = this.#refs[index] as A;
    if ((flags & MESSAGE_FLAG.segment) !== 0) this.#segment(seq, address, flags, start, end);
    else this.ports.upper.onMessage(this.#stream, seq, address, flags, this.#body, start, end);
  }

  #segment(seq: number, address: A, flags: number, start: number, end: number): void {
    if (end - start < SEGMENT_HEAD_BYTES) throw new WireError('segment shorter than its head');
    const { bytes } = this.#body;
    const key = this.#stream.cls * 0x1_0000_0000 + bytes.readUInt32BE(start);
    const part = bytes[start + 4] as number;
    const { incoming } = this.#peer;
    if ((part & SEGMENT_PART.first) !== 0 && incoming.size < LARGE_OPEN_MAX) {
      incoming.set(key, {
        address,
        flags: flags & ~MESSAGE_FLAG.segment,
        assembler: new LargeAssembler(this.#storage),
      });
    }
    const large = incoming.get(key);
    if (large === undefined) {
      if ((part & SEGMENT_PART.last) !== 0) this.#notTaken(seq, address, flags);
      return;
    }
    large.assembler.append(bytes, start + SEGMENT_HEAD_BYTES, end);
    if ((part & SEGMENT_PART.abort) !== 0) {
      incoming.delete(key);
      large.assembler.abort();
      this.counters.abortedLarge++;
    } else if ((part & SEGMENT_PART.last) !== 0) {
      incoming.delete(key);
      const body = large.assembler.finish();
      if (body === null) {
        this.#notTaken(seq, address, flags);
        return;
      }
      this.ports.upper.onLarge(this.#stream, seq, large.address, large.flags, body);
      body.release();
    }
  }
  /** A large message is whole, but there was no room for it here. */
  #notTaken(seq: number, address: A, flags: number): void {
    if ((flags & MESSAGE_FLAG.tracked) !== 0) {
      this.ports.upper.onNotTaken(this.#stream.origin, address);
      this.undelivered(this.#stream, seq);
    } else this.ports.upper.onDropped(this.ports.routes.self.id, '', 1, DROP_REASON.noRoom);
  }
}
