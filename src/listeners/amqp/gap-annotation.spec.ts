import { AmqpMap, AmqpTyped, sym, type AmqpValue } from '../../amqp/codec/values';
import { decodeMessage } from '../../message/decode-message';
import { encodeMessage } from '../../message/encode-message';
import { dataBody, type Message } from '../../message/message';
import type { LargeBody } from '../../streams/contract';
import { FakeLargeBody } from '../edge/messages.fixture';
import { GAP_ANNOTATION, PendingGap } from './gap-annotation';

function readAll(body: LargeBody, partBytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const part = Buffer.alloc(partBytes);
    const length = body.read(at, part);
    parts.push(part.subarray(0, length));
    at += length;
  }
  return Buffer.concat(parts);
}

const gapOf = (entries: Readonly<Record<string, number | null>>): PendingGap => {
  const gap = new PendingGap();
  gap.add(new Map(Object.entries(entries)));
  return gap;
};

const told = (entries: Readonly<Record<string, AmqpValue>>): AmqpMap =>
  new AmqpMap([[sym(GAP_ANNOTATION), new AmqpMap(Object.entries(entries))]]);

const MESSAGE: Message = { header: { durable: true }, properties: { to: 'a' }, body: dataBody(Buffer.from('body')) };
const ENCODED = encodeMessage(MESSAGE);

describe('gap annotation', () => {
  it('names each origin with what was missed in all, once, and null where that is not known', () => {
    const gap = gapOf({ east: 3, west: null });
    gap.add(new Map([['east', 4]]));
    gap.add(new Map([['east', null]]));
    const bytes = gap.tellWith(ENCODED, 0, ENCODED.length, Infinity);
    const expected = told({ east: new AmqpTyped('ulong', 7), west: null });
    expect(bytes && decodeMessage(bytes)).toEqual({ ...MESSAGE, messageAnnotations: expected });
    expect(gap.isNone).toBe(true);
  });

  it('waits for the next message when one is malformed, or would be larger than the client takes', () => {
    const gap = gapOf({ east: 3 });
    expect(gap.tellWith(ENCODED, 0, ENCODED.length, ENCODED.length + 10)).toBeNull();
    const bad = Buffer.from('005372c00101', 'hex');
    expect(gap.tellWith(bad, 0, bad.length, Infinity)).toBeNull();
    expect(gap.tellWithLarge(new FakeLargeBody(ENCODED), ENCODED.length)).toBeNull();
    expect(gap.isNone).toBe(false);
    expect(gap.tellWith(ENCODED, 0, ENCODED.length, ENCODED.length + 100)).not.toBeNull();
  });

  it.each([0, 20_000, 200_000])('goes with a large message whose own annotations take %d bytes', (bytes) => {
    const note = [sym('x-opt-note'), 'n'.repeat(bytes)] as const;
    const message: Message = {
      ...MESSAGE,
      messageAnnotations: new AmqpMap([note]),
      body: dataBody(Buffer.alloc(300_000, 7)),
    };
    const body = new FakeLargeBody(encodeMessage(message));
    const whole = gapOf({ east: 3 }).tellWithLarge(body, Infinity) as LargeBody;
    whole.retain();
    const read = readAll(whole, 32 * 1024);
    expect(read).toHaveLength(whole.length);
    const messageAnnotations = new AmqpMap([note, ...told({ east: new AmqpTyped('ulong', 3) })]);
    expect(decodeMessage(read)).toEqual({ ...message, messageAnnotations });
    whole.release();
    expect(body.claims).toBe(1);
  });

  it('looks no further than a bound for its place in a large message', () => {
    const messageAnnotations = new AmqpMap([[sym('x-opt-note'), 'n'.repeat(1_100_000)]]);
    const gap = gapOf({ east: 3 });
    expect(
      gap.tellWithLarge(new FakeLargeBody(encodeMessage({ ...MESSAGE, messageAnnotations })), Infinity),
    ).toBeNull();
    expect(gap.isNone).toBe(false);
  });
});
