import { flagsOfTurn, PUT_FROM_OUTBOX, PUT_HEAD_BYTES, PutHead, writePutHead } from './put-head';
import { QueueState } from './queue-state';

const ORIGIN = 7;

function head(seq: number, turn: number, flags = 0): PutHead {
  const bytes = Buffer.alloc(PUT_HEAD_BYTES);
  writePutHead(bytes, flagsOfTurn(flags, turn), 1, seq, 0, 0);
  const read = new PutHead();
  read.read(bytes, 0, bytes.length);
  return read;
}

describe('a home that did not take a put', () => {
  it('takes none that was sent behind it before its origin knew', () => {
    const state = new QueueState();
    expect(state.isBehindRefused(ORIGIN, head(34, 3))).toBe(false);
    state.refuse(ORIGIN, head(35, 3));
    expect(state.isBehindRefused(ORIGIN, head(40, 3))).toBe(true);
    expect(state.isBehindRefused(ORIGIN, head(35, 4))).toBe(false);
    expect(state.isBehindRefused(ORIGIN, head(40, 4))).toBe(false);
  });

  it('and did not even see it, takes nothing of the turn of what comes next, by either numbering', () => {
    const state = new QueueState();
    state.miss(ORIGIN);
    expect(state.isBehindRefused(8, head(40, 3))).toBe(false);
    for (const flags of [0, PUT_FROM_OUTBOX]) {
      expect(state.isBehindRefused(ORIGIN, head(36, 3, flags))).toBe(true);
      expect(state.isBehindRefused(ORIGIN, head(37, 3, flags))).toBe(true);
      expect(state.isBehindRefused(ORIGIN, head(35, 4, flags))).toBe(false);
      expect(state.isBehindRefused(ORIGIN, head(36, 4, flags))).toBe(false);
    }
  });

  it('takes what others send, and what has other numbers', () => {
    const state = new QueueState();
    state.refuse(ORIGIN, head(35, 3));
    expect(state.isBehindRefused(8, head(40, 3))).toBe(false);
    expect(state.isBehindRefused(ORIGIN, head(40, 3, PUT_FROM_OUTBOX))).toBe(false);
    expect(state.isBehindRefused(ORIGIN, head(41, 3))).toBe(true);
  });
});
