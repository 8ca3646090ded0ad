import { WireError, WireWriter, type WireReader } from '../common/wire';
import { FRAME } from './contract';
import { isCost } from './handshake';

/**
 * Frames that two neighbours speak about their link.
 *
 * Hello: u8 type, u8 flags, u53 incarnation, u32 cost, u48 sent at, u48 echo, u32 held, u32 summary. Times are microseconds;
 * `echo` repeats the neighbour's last `sent at`, `held` is how long it was kept here.
 *
 * Synced: u8 type, u32 number of the digest that is covered.
 *
 * Bye: u8 type, u8 flags, text reason.
 */
export interface HelloFrame {
  readonly incarnation: number;
  readonly cost: number;
  readonly sentAt: number;
  /** Null until the neighbour's first hello has come. */
  readonly echo: number | null;
  readonly held: number;
  /** Hash of all replicas that the neighbour holds. */
  readonly summary: number;
}

export interface ByeFrame {
  /** Answers the neighbour's goodbye. */
  readonly answer: boolean;
  readonly reason: string;
}

const HELLO_ECHO = 1;
const BYE_ANSWER = 1;
const TIME_WRAP = 2 ** 48;
const REASON_CHARS_MAX = 512;

/** Milliseconds of the clock as the wire's microseconds. */
export function wireTime(nowMs: number): number {
  return Math.floor(nowMs * 1000) % TIME_WRAP;
}

/** Microseconds from `earlier` to `later`, both as of {@link wireTime}. */
export function wireInterval(earlier: number, later: number): number {
  return (later - earlier + TIME_WRAP) % TIME_WRAP;
}

export function writeHello(hello: HelloFrame): Buffer {
  return new WireWriter(40)
    .u8(FRAME.hello)
    .u8(hello.echo === null ? 0 : HELLO_ECHO)
    .u53(hello.incarnation)
    .u32(hello.cost)
    .u48(hello.sentAt)
    .u48(hello.echo ?? 0)
    .u32(Math.min(hello.held, 0xffff_ffff))
    .u32(hello.summary)
    .take();
}

/** @throws WireError */
export function readHello(reader: WireReader): HelloFrame {
  reader.u8();
  const flags = reader.u8();
  const incarnation = reader.u53();
  const cost = reader.u32();
  if (incarnation < 1) throw new WireError('hello of incarnation 0');
  if (!isCost(cost)) throw new WireError(`hello with cost ${cost}, expected 1 to 2^24`);
  const sentAt = reader.u48();
  const echo = reader.u48();
  const held = reader.u32();
  const summary = reader.u32();
  return {
    incarnation,
    cost,
    sentAt,
    echo: (flags & HELLO_ECHO) === 0 ? null : echo,
    held,
    summary,
  };
}

export function writeSynced(digest: number): Buffer {
  return new WireWriter(8).u8(FRAME.synced).u32(digest).take();
}

/** @returns the number of the digest that the neighbour has covered. @throws WireError */
export function readSynced(reader: WireReader): number {
  reader.u8();
  return reader.u32();
}

export function writeBye(bye: ByeFrame): Buffer {
  return new WireWriter(32)
    .u8(FRAME.bye)
    .u8(bye.answer ? BYE_ANSWER : 0)
    .text(bye.reason.slice(0, REASON_CHARS_MAX))
    .take();
}

/** @throws WireError */
export function readBye(reader: WireReader): ByeFrame {
  reader.u8();
  const flags = reader.u8();
  return { answer: (flags & BYE_ANSWER) !== 0, reason: reader.text().slice(0, REASON_CHARS_MAX) };
}
