import * as fc from 'fast-check';
import { DecodeError } from '../errors';
import { decodeValue } from './decoder';
import { encodeValue } from './encoder';
import { VALUE } from './values.fixture';
import { AmqpArray, AmqpDescribed, AmqpMap, AmqpTyped, sym, type AmqpValue } from './values';

// A bound for what hangs: on a busy machine these take many times what they take alone.
jest.setTimeout(60_000);

function decode(bytes: Buffer): AmqpValue {
  const { value, end } = decodeValue(bytes, 0, bytes.length);
  expect(end).toBe(bytes.length);
  return value;
}

/** What a value is, for comparison: maps by their entries, described and typed values by their parts. */
function plain(value: AmqpValue): unknown {
  if (value instanceof AmqpMap) return ['map', ...[...value].map(([key, item]) => [plain(key), plain(item)])];
  if (value instanceof AmqpArray)
    return ['array', value.typeCode, plain(value.descriptor ?? null), ...value.items.map(plain)];
  if (value instanceof AmqpDescribed) return ['described', plain(value.descriptor), plain(value.value)];
  if (value instanceof AmqpTyped)
    return [value.type, Buffer.isBuffer(value.value) ? value.value.toString('hex') : value.value];
  if (Buffer.isBuffer(value)) return ['binary', value.toString('hex')];
  if (value instanceof Date) return ['timestamp', value.getTime()];
  if (Array.isArray(value)) return ['list', ...(value as AmqpValue[]).map(plain)];
  return typeof value === 'object' && value !== null ? ['symbol', String(value)] : value;
}

/** Made before the table of shared symbols has been filled by what follows. */
const EARLY = sym('fairlead:early');

describe('AMQP values', () => {
  it('1.6: every type comes back as it was, however nested', () => {
    fc.assert(
      fc.property(VALUE, (value) => {
        expect(plain(decode(encodeValue(value)))).toEqual(plain(value));
      }),
      { numRuns: 1_000 },
    );
  });

  it('1.6: what was decoded can always be encoded, and is then at most as long', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.constantFrom(0, 0x53, 0xc0, 0xd1, 0xe0), hostile),
      { numRuns: 20_000 },
    );
    function hostile(noise: Uint8Array, lead: number): void {
      const bytes = Buffer.from([lead, ...noise]);
      let value: AmqpValue;
      try {
        ({ value } = decodeValue(bytes, 0, bytes.length));
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
        return;
      }
      expect(encodeValue(value).length).toBeLessThanOrEqual(bytes.length);
    }
  });

  it('1.6: bytes of a valid value, changed anywhere, are a value or a DecodeError', () => {
    fc.assert(
      fc.property(VALUE, fc.nat(), fc.nat(255), (value, place, byte) => {
        const bytes = encodeValue(value);
        bytes[place % bytes.length] = byte;
        try {
          decodeValue(bytes, 0, bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ['an array of 2^31 nulls in 32 bytes', 'f00000000980000000' + '40'],
    ['an array of 2^32 - 1 empty lists', 'f000000005ffffffff' + '45'],
    ['an array of 2^31 arrays of nulls', 'f00000000c80000000' + 'f0' + '00000005' + '80000000'],
    ['a list that claims 2^32 - 1 elements', 'd000000008ffffffff' + '40404040'],
    ['a map that claims 2^31 elements', 'd10000000880000000' + '40404040'],
    ['a string of 4 GiB', 'b1ffffffff61'],
    ['a list of 4 GiB', 'd0ffffffff00000001'],
  ])('1.6: refuses %s at once, before anything is allocated for it', (_what, hex) => {
    const bytes = Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(16, 0x40)]);
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 1_000; n++) expect(() => decodeValue(bytes, 0, bytes.length)).toThrow(DecodeError);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('1.6: bounds what elements without bytes of their own may cost: a frame of nested arrays of nulls', () => {
    const inner = Buffer.from('e0028040', 'hex'); // 128 nulls in 4 bytes
    const items = Buffer.concat(Array<Buffer>(4_000).fill(inner));
    const head = Buffer.alloc(9);
    head[0] = 0xd0;
    head.writeUInt32BE(items.length + 4, 1);
    head.writeUInt32BE(4_000, 5);
    const bytes = Buffer.concat([head, items]);
    expect(() => decodeValue(bytes, 0, bytes.length)).toThrow('more elements');
  });

  it('1.6: refuses what is nested more than 32 deep, in lists, maps, arrays and descriptors', () => {
    const deep = (open: string) => Buffer.from(open.repeat(2_000) + '40', 'hex');
    for (const open of ['00', 'c0ff01', 'd00000ffff00000001', 'e0ff01e0', '0045'])
      expect(() => decodeValue(deep(open), 0, deep(open).length)).toThrow(DecodeError);
  });

  it.each([
    ['a constructor that does not exist', 'ff'],
    ['an array of described elements described twice', 'e00401' + '0040' + '00'],
    ['a map of three elements', 'c1040' + '3' + '404040'],
    ['a string that is no UTF-8', 'a102c328'],
    ['a list with bytes left over', 'c00401404040'],
    ['a compound that passes its parent', 'c00301c0ff01'],
    ['an end within a value', '7000'],
  ])('1.6: refuses %s', (_what, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(() => decodeValue(bytes, 0, bytes.length)).toThrow(DecodeError);
  });

  it('keeps maps apart by the type and the bits of their keys', () => {
    const uuid = (byte: number) => new AmqpTyped('uuid', Buffer.alloc(16, byte));
    const map = new AmqpMap([
      [sym('a'), 1],
      ['a', 2],
      [Buffer.from('a'), 3],
      [uuid(0xf0), 4],
      [uuid(0xf1), 5],
      [new AmqpTyped('uint', 1), 6],
      [1, 7],
    ]);
    expect([map.size, map.get(uuid(0xf1)), map.named('a')]).toEqual([7, 5, 1]);
  });

  it('does not let peers fill the table of shared symbols with long ones', () => {
    const name = 'x'.repeat(200);
    expect(sym(name)).not.toBe(sym(name));
    expect(sym('fairlead:early')).toBe(EARLY);
  });
});
