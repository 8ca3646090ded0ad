import { WireError, WireReader, WireWriter } from '../common/wire';
import { claimText, readClaim, type QueueClaim } from './queue-claim';

/** What pieces of queues go by between nodes. */
export const REHOMING_WIRE = 'h';

/**
 * How a queue comes: it is the queue from then on; or it goes behind what is there by right, as what another node has made of that name,
 * or as what came to a former home of a subscription.
 */
export type MoveKind = 'move' | 'merge' | 'late';
const KINDS: readonly MoveKind[] = ['move', 'merge', 'late'];

/** What a transfer begins with. */
export interface TransferHead {
  readonly queue: string;
  /** What the new home is to tell of it. */
  readonly claim: QueueClaim;
  readonly how: MoveKind;
  /** Of a subscription: by what it is told from another of its name. */
  readonly ids: readonly string[];
  /** A former transfer of it that was to come to its end, for all the old home knows; empty for none. */
  readonly former: string;
}

/** In place of a number: nothing more comes, and what came is of no use. */
export const ABORTED = 0xffff_ffff;

/** A piece of a transfer: text transfer, u32 number, then for the first one its head, for others records. */
export function writePiece(transfer: string, number: number, bytes: Buffer): Buffer {
  return new WireWriter(64 + bytes.length).text(transfer).u32(number).raw(bytes).take();
}

/** u8 kind, text queue, text former, blob claim, u8 ids, of each its text. */
export function writeHead({ queue, claim, how, former, ids }: TransferHead): Buffer {
  const writer = new WireWriter()
    .u8(KINDS.indexOf(how))
    .text(queue)
    .text(former)
    .blob(Buffer.from(claimText(claim)))
    .u8(ids.length);
  for (const id of ids) writer.text(id);
  return writer.take();
}

/** @throws WireError */
export function readHead(bytes: Buffer): TransferHead {
  const reader = new WireReader(bytes);
  const how = KINDS[reader.u8()];
  const queue = reader.text();
  const former = reader.text();
  if (queue === '' || how === undefined) throw new WireError('a transfer of no queue');
  const claim = readClaim(Buffer.from(reader.blob()));
  return { how, queue, former, claim, ids: Array.from({ length: reader.u8() }, () => reader.text()) };
}

/** text transfer, u53 version of the sender's facts that tells of it. */
export function writeClaimed(transfer: string, version: number): Buffer {
  return new WireWriter(32).text(transfer).u53(version).take();
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
