import * as fc from 'fast-check';
import { VALUE } from '../amqp/codec/values.fixture';
import { AmqpMap } from '../amqp/codec/values';
import { DecodeError } from '../amqp/errors';
import { decodeMessage } from './decode-message';
import { encodeMessage } from './encode-message';
import { textBody, type MessageBody } from './message';
import { BodyBounds, bodyInPlace, plainHead, plainMessageBytes, writePlainMessage } from './plain-message';

describe('a plain message', () => {
  it('is what the encoder makes of the same', () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(255, 256, 70_000).map((length) => new Uint8Array(length)),
    );
    fc.assert(
      fc.property(body, fc.boolean(), fc.nat(5), (bytes, durable, at) => {
        const sections = { header: { durable }, properties: { to: 'topic/a.b' } };
        const head = plainHead(sections);
        const target = Buffer.alloc(at + plainMessageBytes(head, bytes.length));
        expect(writePlainMessage(target, at, head, bytes, 0, bytes.length)).toBe(target.length);
        expect(target.subarray(at)).toEqual(
          encodeMessage({ ...sections, body: { kind: 'data', parts: [Buffer.from(bytes)] } }),
        );
      }),
    );
  });

  it('takes a part of its source', () => {
    const head = plainHead({});
    const target = Buffer.alloc(plainMessageBytes(head, 3));
    writePlainMessage(target, 0, head, Buffer.from('abcdef'), 1, 4);
    expect(decodeMessage(target).body).toEqual({ kind: 'data', parts: [Buffer.from('bcd')] });
  });
});

describe('the body of a message, in place', () => {
  const found = new BodyBounds();
  const inPlace = (body: MessageBody, footer?: AmqpMap): string | null => {
    const bytes = encodeMessage({ properties: { subject: 's' }, body, footer });
    const surrounded = Buffer.concat([Buffer.alloc(7, 0x41), bytes, Buffer.alloc(7, 0x41)]);
    return bodyInPlace(surrounded, 7, 7 + bytes.length, found)
      ? surrounded.toString('latin1', found.start, found.end)
      : null;
  };

  it('is that of one data section, a string or a binary value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (array) => {
        const bytes = Buffer.from(array);
        const text = bytes.toString('latin1');
        expect(inPlace({ kind: 'data', parts: [bytes] })).toBe(text);
        expect(inPlace({ kind: 'data', parts: [bytes] }, new AmqpMap([['x', 1]]))).toBe(text);
        expect(inPlace({ kind: 'value', value: bytes })).toBe(text);
        expect(inPlace(textBody(bytes.toString('hex')))).toBe(bytes.toString('hex'));
      }),
    );
  });

  it('is not that of another body', () => {
    expect(inPlace({ kind: 'data', parts: [] })).toBeNull();
    expect(inPlace({ kind: 'data', parts: [Buffer.from('a'), Buffer.from('b')] })).toBeNull();
    expect(inPlace({ kind: 'sequence', lists: [['a']] })).toBeNull();
    const others = VALUE.filter((value) => typeof value !== 'string' && !Buffer.isBuffer(value));
    fc.assert(fc.property(others, (value) => expect(inPlace({ kind: 'value', value })).toBeNull()));
  });

  it('of whatever bytes is within them, or a DecodeError', () => {
    const whole = encodeMessage({ header: { durable: true }, body: { kind: 'data', parts: [Buffer.from('body')] } });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, end) => {
        const damaged = Buffer.from(whole);
        damaged[at] = byte;
        try {
          if (bodyInPlace(damaged, 0, end, found)) expect(found.start <= found.end && found.end <= end).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
