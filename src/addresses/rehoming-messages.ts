import { WireError, WireReader, WireWriter } from '../common/wire';
import { claimText, readClaim, type QueueClaim } from './queue-claim';

/** What pieces of queues go by between nodes. */
export const REHOMING_WIRE = 'h';

/** What a transfer begins with. */
export interface TransferHead {
  readonly queue: string;
  /** What the new home is to tell of it. */
  readonly claim: QueueClaim;
  /** The queue is there already, by right: what comes goes behind what it has. */
  readonly merges: boolean;
  /** A former transfer of it that was to come to its end, for all the old home knows; empty for none. */
  readonly former: string;
}

/** In place of a number: nothing more comes, and what came is of no use. */
export const ABORTED = 0xffff_ffff;

/** A piece of a transfer: text transfer, u32 number, then for the first one its head, for others records. */
export function writePiece(transfer: string, number: number, bytes: Buffer): Buffer {
  return new WireWriter(64 + bytes.length).text(transfer).u32(number).raw(bytes).take();
}

/** u8 merges, text queue, text former, blob claim. */
export function writeHead({ queue, claim, merges, former }: TransferHead): Buffer {
  return new WireWriter()
    .u8(merges ? 1 : 0)
    .text(queue)
    .text(former)
    .blob(Buffer.from(claimText(claim)))
    .take();
}

/** @throws WireError */
export function readHead(bytes: Buffer): TransferHead {
  const reader = new WireReader(bytes);
  const merges = reader.u8() !== 0;
  const queue = reader.text();
  const former = reader.text();
  if (queue === '') throw new WireError('a transfer of no queue');
  return { merges, queue, former, claim: readClaim(Buffer.from(reader.blob())) };
}

/** text transfer. */
export function writeTransfer(transfer: string): Buffer {
  return new WireWriter(32).text(transfer).take();
}

/** text transfer, u32 pieces on the disk. */
export function writeTaken(transfer: string, pieces: number): Buffer {
  return new WireWriter(32).text(transfer).u32(pieces).take();
}

/** text transfer, u8 whether to try again, text why. */
export function writeRefused(transfer: string, again: boolean, why: string): Buffer {
  return new WireWriter(64)
    .text(transfer)
    .u8(again ? 1 : 0)
    .text(why)
    .take();
}
