import fc from 'fast-check';
import { decodeSession, encodeSession, type SessionRecord } from './session-record';

const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array));
const text = fc.string({ maxLength: 12, unit: 'grapheme' });
const time = fc.integer({ min: 0, max: 2 ** 45 });
const durable = fc.option(fc.record({ name: text, client: fc.option(text) }));
const subscription = fc.record({ filter: text, durable, options: bytes });
const will = fc.record({ address: text, payload: bytes, durable: fc.boolean(), retain: fc.boolean(), delayMs: time });
const record = fc
  .record({
    owner: text,
    protocol: text,
    replaced: time,
    life: time,
    expiryMs: fc.oneof(time, fc.constant(Infinity)),
    endsAt: time,
    isEnding: fc.boolean(),
    subscriptions: fc.array(subscription, { maxLength: 5 }),
    will: fc.option(will),
    willAt: time,
  })
  .map((all): SessionRecord => (all.will === null ? { ...all, willAt: 0 } : all));

describe('the record of a session', () => {
  it('is read as it was written', () => {
    fc.assert(fc.property(record, (written) => expect(decodeSession(encodeSession(written))).toEqual(written)));
  });

  it('of another version, or cut off, is none', () => {
    fc.assert(
      fc.property(record, fc.nat(), (written, cut) => {
        const encoded = encodeSession(written);
        expect(() => decodeSession(encoded.subarray(0, cut % encoded.length))).toThrow();
      }),
    );
    expect(() => decodeSession(Buffer.from([9]))).toThrow('session of version 9');
  });
});
