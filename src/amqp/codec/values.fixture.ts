import * as fc from 'fast-check';
import { AmqpArray, AmqpDescribed, AmqpMap, AmqpTyped, sym, type AmqpTypeName, type AmqpValue } from './values';

function typed(type: AmqpTypeName, value: fc.Arbitrary<number | bigint | Buffer>): fc.Arbitrary<AmqpTyped> {
  return value.map((inner) => new AmqpTyped(type, inner));
}

function bits(bytes: number): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array) => Buffer.from(array));
}

/** As the decoder tells integers: numbers where they are safe, else bigints. */
function wide(arbitrary: fc.Arbitrary<bigint>): fc.Arbitrary<number | bigint> {
  return arbitrary.map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
}

const signed64 = wide(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const finite = { noNaN: true } as const;
const symbol = fc.string({ unit: 'grapheme-ascii', maxLength: 300 }).map(sym);
const binary = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const timestamp = fc.oneof(
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(new AmqpTyped('timestamp', 2n ** 62n), new AmqpTyped('timestamp', -(2n ** 63n))),
);

/** Every primitive type of AMQP 1.0 (part 1.6) but the compound ones, as the decoder gives it. */
export const PRIMITIVE: fc.Arbitrary<AmqpValue> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  typed('ubyte', fc.nat(0xff)),
  typed('ushort', fc.nat(0xffff)),
  typed('uint', fc.nat(0xffff_ffff)),
  typed('ulong', wide(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))),
  typed('byte', fc.integer({ min: -128, max: 127 })),
  typed('short', fc.integer({ min: -32_768, max: 32_767 })),
  typed('int', fc.integer()),
  signed64,
  typed('float', fc.float(finite)),
  typed('double', fc.double(finite)),
  typed('decimal32', bits(4)),
  typed('decimal64', bits(8)),
  typed('decimal128', bits(16)),
  typed('char', fc.nat(0x10_ffff)),
  timestamp,
  typed('uuid', bits(16)),
  binary,
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  symbol,
);

/** Elements of one encoding, as arrays hold them. */
const array: fc.Arbitrary<AmqpValue> = fc.oneof(
  fc.array(symbol, { maxLength: 20 }).map((items) => new AmqpArray(0xb3, items)),
  fc.array(fc.string({ maxLength: 20 }), { maxLength: 20 }).map((items) => new AmqpArray(0xa1, items)),
  fc.array(typed('uint', fc.nat(0xffff_ffff)), { maxLength: 300 }).map((items) => new AmqpArray(0x70, items)),
  fc.array(typed('uuid', bits(16)), { maxLength: 5 }).map((items) => new AmqpArray(0x98, items)),
  fc.array(fc.boolean(), { maxLength: 20 }).map((items) => new AmqpArray(0x56, items)),
  fc.nat(4).map((length) => new AmqpArray(0x40, Array<AmqpValue>(length).fill(null))),
  fc.array(binary, { maxLength: 5 }).map((items) => new AmqpArray(0xb0, items, sym('app:part'))),
);

/** Values of every type, nested. */
export const VALUE: fc.Arbitrary<AmqpValue> = fc.letrec<{ value: AmqpValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    PRIMITIVE,
    array,
    fc.array(tie('value'), { maxLength: 6 }),
    fc.array(fc.tuple(PRIMITIVE, tie('value')), { maxLength: 6 }).map((entries) => new AmqpMap(entries)),
    fc.tuple(symbol, tie('value')).map(([descriptor, value]) => new AmqpDescribed(descriptor, value)),
  ),
})).value;
