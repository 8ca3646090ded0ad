import fc from 'fast-check';
import { TableCrc32, crc32 } from './crc32';

describe('CRC-32', () => {
  it('has the check value of its definition', () => {
    expect(crc32('123456789')).toBe(0xcbf43926);
    expect(new TableCrc32().of('123456789')).toBe(0xcbf43926);
  });

  it("is Node's, where Node has none yet too, also in parts", () => {
    const own = new TableCrc32();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (first, second) => {
        expect(own.of(first)).toBe(crc32(first));
        expect(own.of(second, own.of(first))).toBe(crc32(Buffer.concat([first, second])));
      }),
    );
  });
});
