import fc from 'fast-check';
import { putU16, putU32, u16At, u32At } from './big-endian';

describe('big-endian numbers', () => {
  it('are what Buffer reads and writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 3 }), (value, at) => {
        const [own, expected] = [Buffer.alloc(8), Buffer.alloc(8)];
        putU32(own, at, value);
        expected.writeUInt32BE(value, at);
        expect(own).toEqual(expected);
        expect(u32At(own, at)).toBe(value);
        putU16(own, at, value % 2 ** 16);
        expected.writeUInt16BE(value % 2 ** 16, at);
        expect(own).toEqual(expected);
        expect(u16At(own, at)).toBe(value % 2 ** 16);
      }),
    );
  });
});
