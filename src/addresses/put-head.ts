import { WireError } from '../common/wire';

/** Before each message that is put into a queue of another node: u8 flags, u53 epoch, u48 sequence, u32 publisher, u32 ms since it came into the mesh. */
export const PUT_HEAD_BYTES = 23;
const AGE_AT = 19;
const AGE_MAX = 0xffff_ffff;

/** The put comes from what its origin had stored before. Such puts are numbered apart. */
export const PUT_FROM_OUTBOX = 1;

/** Bits of the flags that tell the turn of its lane: it is another one whenever the lane begins again with what has no answer. */
const TURN_SHIFT = 2;
const TURNS = 64;

/** Flags of a put of a lane in a turn. */
export function flagsOfTurn(flags: number, turn: number): number {
  return flags | ((turn % TURNS) << TURN_SHIFT);
}

/** The head of a put that was read last. */
export class PutHead {
  fromOutbox = false;
  epoch = 0;
  seq = 0;
  publisher = 0;
  turn = 0;
  age = 0;

  set(flags: number, epoch: number, seq: number, publisher: number, age: number): void {
    this.fromOutbox = (flags & PUT_FROM_OUTBOX) !== 0;
    this.epoch = epoch;
    this.seq = seq;
    this.publisher = publisher;
    this.age = age;
  }

  /** @throws WireError */
  read(bytes: Buffer, start: number, end: number): void {
    if (end - start < PUT_HEAD_BYTES) throw new WireError(`put of ${end - start} bytes, shorter than its head`);
    this.fromOutbox = ((bytes[start] as number) & PUT_FROM_OUTBOX) !== 0;
    this.turn = (bytes[start] as number) >> TURN_SHIFT;
    this.epoch = bytes.readUInt32BE(start + 1) * 0x1_0000_0000 + bytes.readUInt32BE(start + 5);
    this.seq = bytes.readUIntBE(start + 9, 6);
    this.publisher = bytes.readUInt32BE(start + 15);
    this.age = bytes.readUInt32BE(start + AGE_AT);
  }
}

export function writePutHead(
  target: Buffer,
  flags: number,
  epoch: number,
  seq: number,
  publisher: number,
  age: number,
): void {
  target[0] = flags;
  target.writeUInt32BE(Math.floor(epoch / 0x1_0000_0000), 1);
  target.writeUInt32BE(epoch % 0x1_0000_0000, 5);
  target.writeUIntBE(seq, 9, 6);
  target.writeUInt32BE(publisher, 15);
  writePutAge(target, age);
}

/** The head is sent again, or later than it was written. */
export function writePutAge(target: Buffer, age: number): void {
  target.writeUInt32BE(Math.max(0, Math.min(AGE_MAX, Math.floor(age))), AGE_AT);
}
