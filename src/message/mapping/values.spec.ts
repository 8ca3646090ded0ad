import * as fc from 'fast-check';
import { encodeValue } from '../../amqp/codec/encoder';
import { VALUE } from '../../amqp/codec/values.fixture';
import { AmqpTyped, sym, type AmqpValue } from '../../amqp/codec/values';
import { bodyOfBytes, bodyToBytes } from './body';
import { MessageFieldError } from './errors';
import { decodeHeaderText, encodeHeaderName, encodeHeaderText } from './http-text';
import { idToText, parseIdText } from './id-text';
import { ID, TEXT } from './mapping.fixture';
import { parseTypedJson, parseTypedText, typedJson, typedText } from './typed-json';

describe('values of AMQP as text', () => {
  it.each<[AmqpValue, string, string]>([
    ['x', 'string', 'x'],
    [5, 'long', '5'],
    [new AmqpTyped('int', -5), 'int', '-5'],
    [new AmqpTyped('double', 5), 'double', '5'],
    [new AmqpTyped('double', -0), 'double', '-0'],
    [new AmqpTyped('char', 0x41), 'char', 'A'],
    [new AmqpTyped('char', 0), 'char', 'U+0'],
    [new AmqpTyped('uuid', Buffer.alloc(16, 0xab)), 'uuid', 'abababab-abab-abab-abab-abababababab'],
    [new Date(0), 'timestamp', '1970-01-01T00:00:00.000Z'],
    [Buffer.from('x'), 'binary', 'eA=='],
    [sym('s'), 'symbol', 's'],
    [null, 'null', ''],
    [[1], 'json', '[1]'],
  ])('%j is a %s', (value, type, text) => {
    expect(typedText(value)).toEqual({ type, text });
  });

  it('come back with their type, whatever they are', () => {
    fc.assert(
      fc.property(VALUE, (value) => {
        const { type, text } = typedText(value);
        expect(encodeValue(parseTypedText(type, text, 'f'))).toEqual(encodeValue(value));
        expect(encodeValue(parseTypedJson(typedJson(value), 'f'))).toEqual(encodeValue(value));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['ubyte', '256'],
    ['ubyte', '-1'],
    ['byte', '128'],
    ['int', '2147483648'],
    ['int', '1.5'],
    ['int', ''],
    ['int', ' 5'],
    ['long', '9223372036854775808'],
    ['ulong', '18446744073709551616'],
    ['ulong', '9'.repeat(10_000)],
    ['double', '0x5'],
    ['double', ''],
    ['float', '1,5'],
    ['boolean', 'yes'],
    ['uuid', 'abababab-abab-abab-abab-ababababab'],
    ['binary', 'a'],
    ['char', 'ab'],
    ['symbol', 'é'],
    ['null', 'x'],
    ['timestamp', 'today'],
    ['decimal32', 'zz'],
    ['nothing', 'x'],
    ['toString', 'x'],
    ['json', '{'],
    ['json', '{"$int":5}'],
    ['json', '{"$amqp":"QA=="}'],
    ['json', '{"$map":[[1]]}'],
    ['json', '{"$":"x"}'],
    ['json', '"\\ud800"'],
    ['json', '['.repeat(40) + ']'.repeat(40)],
  ])('no %s is %j', (type, text) => {
    expect(() => parseTypedText(type, text, 'f')).toThrow(
      expect.objectContaining({ field: 'f', code: 'FL_MESSAGE_FIELD' }),
    );
  });

  it('of a client are a value, or an error of ours', () => {
    const json = fc.oneof(
      fc.json(),
      fc
        .tuple(fc.constantFrom('$map', '$amqp', '$described', '$int', '$x'), fc.jsonValue())
        .map(([tag, value]) => JSON.stringify({ [tag]: value })),
    );
    fc.assert(
      fc.property(json, (text) => {
        try {
          encodeValue(parseTypedJson(text, 'f'));
        } catch (error) {
          expect(error).toBeInstanceOf(MessageFieldError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('ids as text', () => {
  it('come back with their type', () => {
    fc.assert(
      fc.property(ID, (id) => expect(encodeValue(parseIdText(idToText(id)))).toEqual(encodeValue(id))),
      { numRuns: 1_000 },
    );
  });

  it('and every text is that of one id', () => {
    const text = fc.oneof(
      TEXT,
      ID.map(idToText),
      ID.map((id) => `ID:AMQP_STRING:${idToText(id)}`),
    );
    fc.assert(
      fc.property(text, (one) => expect(idToText(parseIdText(one))).toBe(one)),
      { numRuns: 1_000 },
    );
  });
});

describe('texts in headers of HTTP', () => {
  it('come back, as values and in names', () => {
    fc.assert(
      fc.property(TEXT, (text) => {
        expect(decodeHeaderText(encodeHeaderText(text))).toBe(text);
        expect(decodeHeaderText(encodeHeaderName(text).toLowerCase())).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a body that somebody has changed', () => {
  const changed = Buffer.from('changed');

  it.each(['null', 'data', 'data 3 3', 'data 9999999999'])('is data where it was %s', (kind) => {
    expect(bodyOfBytes(changed, kind)).toEqual({ kind: 'data', parts: [changed] });
  });

  it.each(['value', 'sequence', 'data x', 'data -1', 'text', `data${' 0'.repeat(1_001)}`])(
    'is refused where it was %j',
    (kind) => {
      expect(() => bodyOfBytes(changed, kind)).toThrow(MessageFieldError);
    },
  );

  it('is refused where it was text and is no UTF-8', () => {
    expect(() => bodyOfBytes(Buffer.from([0xff]), 'string')).toThrow(MessageFieldError);
  });

  it('of more sections than are told is one', () => {
    const parts = Array.from({ length: 1_001 }, () => Buffer.from('a'));
    expect(bodyToBytes({ kind: 'data', parts })).toEqual({ bytes: Buffer.alloc(1_001, 'a'), kind: null, text: false });
  });
});
