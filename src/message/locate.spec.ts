import * as fc from 'fast-check';
import { DecodeError } from '../amqp/errors';
import { described } from '../amqp/codec/delivery-states';
import { encodeValue } from '../amqp/codec/encoder';
import { PRIMITIVE } from '../amqp/codec/values.fixture';
import { AmqpDescribed, AmqpMap, sym, type AmqpValue } from '../amqp/codec/values';
import { Located, locate, SECTION } from './locate';

// A bound for what hangs: on a busy machine these take many times what they take alone.
jest.setTimeout(60_000);

const found = new Located();

function section(code: number, value: AmqpValue): Buffer {
  return encodeValue(described(code, value));
}

function look(bytes: Buffer, whole = true): { durable: boolean; to: string | null; complete: boolean } {
  locate(bytes, 0, bytes.length, whole, found);
  const to = found.toEnd > found.toStart ? bytes.toString('utf8', found.toStart, found.toEnd) : null;
  return { durable: found.durable, to, complete: found.complete };
}

const BODY = section(SECTION.data, Buffer.from('body'));

describe('locate (part 3.2)', () => {
  it('finds durable and to, whatever stands before, between and behind them', () => {
    const maps = fc.array(fc.tuple(fc.string().map(sym), PRIMITIVE), { maxLength: 5 }).map((all) => new AmqpMap(all));
    const option = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
    fc.assert(
      fc.property(
        option(fc.boolean()),
        option(maps),
        option(maps),
        fc.tuple(
          option(fc.uint8Array({ maxLength: 300 })),
          option(fc.string({ minLength: 1, maxLength: 300 })),
          option(fc.string()),
        ),
        (durable, delivery, message, [userId, to, subject]) => {
          const parts = [
            durable === null ? null : section(SECTION.header, [durable]),
            delivery && section(SECTION.deliveryAnnotations, delivery),
            message && section(SECTION.messageAnnotations, message),
            section(SECTION.properties, ['id', userId && Buffer.from(userId), to, subject]),
            section(SECTION.applicationProperties, new AmqpMap()),
            BODY,
          ];
          const bytes = Buffer.concat(parts.filter((part) => part !== null));
          expect(look(bytes)).toEqual({ durable: durable === true, to, complete: true });
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a body alone', BODY, false, null],
    ['an empty message', Buffer.alloc(0), false, null],
    ['an empty header and empty properties', Buffer.from('005370450053734500', 'hex').subarray(0, 8), false, null],
    ['properties of two fields', section(SECTION.properties, ['id', null]), false, null],
    ['a long list as header', Buffer.concat([Buffer.from('005370d00000000500000001' + '41', 'hex'), BODY]), true, null],
    ['durable in two bytes', Buffer.concat([Buffer.from('005370c003015601', 'hex'), BODY]), true, null],
    ['a descriptor of eight bytes', Buffer.from('00800000000000000073c0060340' + '40a10161', 'hex'), false, 'a'],
  ])('understands %s', (_what, bytes, durable, to) => {
    expect(look(bytes)).toMatchObject({ durable, to });
  });

  it('understands sections that are named by symbols', () => {
    const named = (name: string, value: AmqpValue) => encodeValue(new AmqpDescribed(sym(name), value));
    const bytes = Buffer.concat([
      named('amqp:header:list', [true]),
      named('amqp:properties:list', [null, null, 'topic/a']),
      BODY,
    ]);
    expect(look(bytes)).toEqual({ durable: true, to: 'topic/a', complete: true });
  });

  it.each([
    ['no section', Buffer.from('hello')],
    ['an unknown section', section(0x42, [])],
    ['an unknown name', encodeValue(new AmqpDescribed(sym('app:header:list'), []))],
    ['a header that is a string', section(SECTION.header, 'durable')],
    ['properties that are a map', section(SECTION.properties, new AmqpMap())],
    ['a section that passes the end', Buffer.from('005370d0ffffffff00000001', 'hex')],
    ['a descriptor without a value', Buffer.from('005373', 'hex')],
    ['garbage behind the header', Buffer.concat([section(SECTION.header, [true]), Buffer.from('zz')])],
  ])('refuses %s', (_what, bytes) => {
    expect(() => look(bytes)).toThrow(DecodeError);
  });

  it('of the head of a large message tells whether there may be more to find', () => {
    const annotations = new AmqpMap([[sym('x-opt-large'), 'x'.repeat(64_000)]]);
    const head = Buffer.concat([section(SECTION.header, [true]), section(SECTION.messageAnnotations, annotations)]);
    const whole = Buffer.concat([head, section(SECTION.properties, [null, null, 'topic/a']), BODY]);
    for (const cut of [1, 5, 48_000, head.length, head.length + 4])
      expect(look(whole.subarray(0, cut), false)).toMatchObject({ to: null, complete: false });
    expect(look(whole.subarray(0, whole.length - 2), false)).toEqual({ durable: true, to: 'topic/a', complete: true });
    expect(() => look(whole.subarray(0, 48_000))).toThrow(DecodeError);
  });

  it('never reads outside the bytes it was given, nor fails in another way', () => {
    const lead = fc.constantFrom('00', '0053', '005370', '005373', '005373c0', '005373d0', '0080', '00a3');
    fc.assert(
      fc.property(lead, fc.uint8Array({ maxLength: 60 }), fc.boolean(), (hex, noise, whole) => {
        const bytes = Buffer.concat([Buffer.from(hex, 'hex'), noise]);
        const surrounded = Buffer.concat([Buffer.alloc(20, 0x41), bytes, Buffer.alloc(20, 0x41)]);
        try {
          locate(surrounded, 20, 20 + bytes.length, whole, found);
          expect(found.toStart === 0 || (found.toStart >= 20 && found.toEnd <= 20 + bytes.length)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 10_000 },
    );
  });
});
