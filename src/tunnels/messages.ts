import { WireWriter } from '../common/wire';
import { REASON_CHARS_MAX } from './limits';
import type { Refusal, Reset } from './contract';

/** The name that all tunnels go by in batches. No address is like it: those have more than one letter. */
export const TUNNEL_WIRE = 'p';
/** First letter of keys of the interest that say which services a node offers; the name follows. */
export const SERVICE_LETTER = 'p';

/** Kind of the control message with credit: it must not wait behind data. u8 towards, u32 tunnel, u48 bytes since the opening. */
export const TUNNEL_CREDIT = 64;

/** What a piece of a tunnel says. */
export const PIECE = {
  /** text service, u48 bytes that the opener takes. */
  open: 1,
  /** u48 bytes that the service takes. */
  accept: 2,
  /** u8 refusal, text reason. */
  refuse: 3,
  data: 4,
  end: 5,
  /** u8 reason. */
  reset: 6,
} as const;
export type Piece = (typeof PIECE)[keyof typeof PIECE];

/** Which end of a tunnel a piece is for. Tunnels are numbered by the node that opens them. */
export const TOWARDS = { service: 0, opener: 1 } as const;
export type Towards = (typeof TOWARDS)[keyof typeof TOWARDS];

/** u8 towards, u8 piece, u32 tunnel. */
export const PIECE_HEAD_BYTES = 6;

export function writeHead(into: Buffer, towards: Towards, piece: Piece, tunnel: number): void {
  into[0] = towards;
  into[1] = piece;
  into.writeUInt32BE(tunnel, 2);
}

const NOTHING = Buffer.alloc(0);

export function writeOpen(service: string, limit: number): Buffer {
  return new WireWriter().text(service).u48(limit).take();
}

export function writeAccept(limit: number): Buffer {
  return new WireWriter(6).u48(limit).take();
}

export function writeRefusal(refusal: Refusal, reason: string): Buffer {
  return new WireWriter().u8(refusal).text(reason.slice(0, REASON_CHARS_MAX)).take();
}

export function writeReset(reason: Reset): Buffer {
  return Buffer.of(reason);
}

export function writeEnd(): Buffer {
  return NOTHING;
}

export function writeCredit(towards: Towards, tunnel: number, limit: number): Buffer {
  return new WireWriter(11).u8(towards).u32(tunnel).u48(limit).take();
}
