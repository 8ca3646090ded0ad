import * as fc from 'fast-check';
import { described } from '../amqp/codec/delivery-states';
import { encodeValue } from '../amqp/codec/encoder';
import { VALUE } from '../amqp/codec/values.fixture';
import { AmqpMap, AmqpTyped, sym, type AmqpValue } from '../amqp/codec/values';
import { DecodeError } from '../amqp/errors';
import { annotate, annotationAt } from './annotate';
import { SECTION } from './locate';

const KEY = 'x-opt-fairlead-gap';
const VALUE_SET = new AmqpMap([['east', new AmqpTyped('ulong', 7)]]);
const OWN = Buffer.concat([encodeValue(sym(KEY)), encodeValue(VALUE_SET)]);

const section = (code: number, value: AmqpValue): Buffer => encodeValue(described(code, value));

/** The section of message annotations as `annotate` writes it. */
function annotations(...pairs: readonly Buffer[]): Buffer {
  const body = Buffer.concat(pairs);
  const head = Buffer.from('005372d10000000000000000', 'hex');
  head.writeUInt32BE(body.length + 4, 4);
  head.writeUInt32BE(2 * pairs.length, 8);
  return Buffer.concat([head, body]);
}

function set(bytes: Buffer, start = 0, end = bytes.length): Buffer {
  const annotated = annotate(bytes, start, end, true, KEY, VALUE_SET);
  if (annotated === null) throw new Error('no place in a whole message');
  return Buffer.concat([annotated.head, bytes.subarray(annotated.rest, end)]);
}

const key = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 300 }).filter((name) => name !== KEY);
const pairs = fc.uniqueArray(fc.tuple(key, VALUE), { selector: ([name]) => name, maxLength: 6 });
const option = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });

const message = fc
  .record({
    header: option(fc.boolean()),
    delivery: option(pairs),
    annotations: option(pairs),
    subject: option(fc.string()),
    body: fc.uint8Array({ maxLength: 400 }),
  })
  .map(({ header, delivery, annotations: own, subject, body }) => ({
    before: Buffer.concat([
      header === null ? Buffer.alloc(0) : section(SECTION.header, [header]),
      delivery === null
        ? Buffer.alloc(0)
        : section(SECTION.deliveryAnnotations, new AmqpMap(delivery.map(([name, value]) => [sym(name), value]))),
    ]),
    annotations:
      own && section(SECTION.messageAnnotations, new AmqpMap(own.map(([name, value]) => [sym(name), value]))),
    pairs: (own ?? []).map(([name, value]) => Buffer.concat([encodeValue(sym(name)), encodeValue(value)])),
    bare: Buffer.concat([
      subject === null ? Buffer.alloc(0) : section(SECTION.properties, [null, null, null, subject]),
      section(SECTION.data, Buffer.from(body)),
    ]),
  }));

describe('annotate (part 3.2)', () => {
  it('adds its annotation behind those that are there; all else stays, byte for byte, wherever it lies', () => {
    fc.assert(
      fc.property(message, fc.nat(20), ({ before, annotations: own, pairs: others, bare }, offset) => {
        const bytes = Buffer.concat([Buffer.alloc(offset, 0x41), before, own ?? Buffer.alloc(0), bare, OWN]);
        const told = set(bytes, offset, bytes.length - OWN.length);
        expect(told).toEqual(Buffer.concat([before, annotations(...others, OWN), bare]));
        // A second time it takes the place of the first.
        expect(set(told)).toEqual(told);
      }),
      { numRuns: 300 },
    );
  });

  it('of the head of a large message does the same, or asks for more', () => {
    fc.assert(
      fc.property(message, fc.nat(2_000), ({ before, annotations: own, pairs: others, bare }, cut) => {
        const whole = Buffer.concat([before, own ?? Buffer.alloc(0), bare]);
        const end = Math.min(cut, whole.length - 1);
        const annotated = annotate(whole, 0, end, false, KEY, VALUE_SET);
        const place = before.length + (own?.length ?? 0);
        // The descriptor of the next section must be whole, and all of the annotations.
        if (annotated === null) expect(end).toBeLessThan(place + 3);
        else
          expect(Buffer.concat([annotated.head, whole.subarray(annotated.rest)])).toEqual(
            Buffer.concat([before, annotations(...others, OWN), bare]),
          );
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['an empty message', Buffer.alloc(0), annotations(OWN)],
    [
      'a header alone',
      section(SECTION.header, [true]),
      Buffer.concat([section(SECTION.header, [true]), annotations(OWN)]),
    ],
    ['annotations that are null', section(SECTION.messageAnnotations, null), annotations(OWN)],
    ['an empty map', section(SECTION.messageAnnotations, new AmqpMap()), annotations(OWN)],
    [
      'a key in its long form',
      annotations(Buffer.concat([Buffer.from('b300000012', 'hex'), Buffer.from(KEY), Buffer.from([0x41])])),
      annotations(OWN),
    ],
  ])('understands %s', (_what, bytes, expected) => {
    expect(set(bytes)).toEqual(expected);
  });

  it.each([
    ['no section', Buffer.from('hello')],
    ['annotations that are a list', section(SECTION.messageAnnotations, [true])],
    ['an odd number of elements', Buffer.from('005372c1020140', 'hex')],
    ['more elements than there are', Buffer.from('005372d100000005fffffffe40', 'hex')],
    ['fewer elements than there are', Buffer.from('005372c1050240404040', 'hex')],
    ['descriptors without end', Buffer.from(`005372c1${'0b02'}${'00'.repeat(10)}`, 'hex')],
    ['a section that passes the end', Buffer.from('005372d1ffffffff00000002', 'hex')],
  ])('refuses %s', (_what, bytes) => {
    expect(() => set(bytes)).toThrow(DecodeError);
  });

  it('never reads outside the bytes it was given, nor fails in another way', () => {
    const lead = fc.constantFrom('00', '005370', '005372', '005372c1', '005372d1', '005372c10802a301', '0080', '00a3');
    fc.assert(
      fc.property(lead, fc.uint8Array({ maxLength: 60 }), fc.boolean(), (hex, noise, whole) => {
        const bytes = Buffer.concat([Buffer.from(hex, 'hex'), noise]);
        const surrounded = Buffer.concat([Buffer.alloc(20, 0x41), bytes, Buffer.alloc(20, 0x41)]);
        try {
          const annotated = annotate(surrounded, 20, 20 + bytes.length, whole, KEY, VALUE_SET);
          if (annotated === null) expect(whole).toBe(false);
          else expect(annotated.rest >= 20 && annotated.rest <= 20 + bytes.length).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('annotationAt', () => {
  it('finds the value of an annotation among others, and none where there is none', () => {
    fc.assert(
      fc.property(pairs, pairs, VALUE, fc.boolean(), (before, behind, value, there) => {
        const own: (readonly [AmqpValue, AmqpValue])[] = there ? [[sym(KEY), value]] : [];
        const all = [...before, ...behind].map(([name, other]) => [sym(name), other] as const);
        const map = new AmqpMap([...all.slice(0, before.length), ...own, ...all.slice(before.length)]);
        const bytes = Buffer.concat([
          section(SECTION.header, [true]),
          section(SECTION.messageAnnotations, map),
          section(SECTION.data, Buffer.from('body')),
        ]);
        const at = annotationAt(bytes, 0, bytes.length, KEY);
        const encoded = encodeValue(value);
        if (there) expect(bytes.subarray(at, at + encoded.length)).toEqual(encoded);
        else expect(at).toBe(-1);
      }),
    );
  });

  it('is none in a message without annotations, and in a head that ends before them', () => {
    const bytes = Buffer.concat([section(SECTION.header, [true]), section(SECTION.data, Buffer.from('body'))]);
    for (let end = 0; end <= bytes.length; end++) expect(annotationAt(bytes, 0, end, KEY)).toBe(-1);
  });

  it('annotations that are no map are an error', () => {
    const bytes = section(SECTION.messageAnnotations, 'text');
    expect(() => annotationAt(bytes, 0, bytes.length, KEY)).toThrow(DecodeError);
  });
});
