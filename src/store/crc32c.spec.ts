import { crc32c } from './crc32c';

const sumOf = (bytes: Buffer): string => (crc32c(bytes, 0, bytes.length) >>> 0).toString(16);

describe('CRC-32C', () => {
  it('is that of RFC 3720, appendix B.4', () => {
    const up = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
    const down = Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i));
    expect([Buffer.alloc(32), Buffer.alloc(32, 0xff), up, down].map(sumOf)).toEqual([
      '8a9136aa',
      '62a8ab43',
      '46dd794e',
      '113fdb5c',
    ]);
    expect(sumOf(Buffer.from('123456789'))).toBe('e3069283');
  });

  it('goes on from what came before, wherever that was cut', () => {
    const bytes = Buffer.from('the quick brown fox jumps over the lazy dog');
    const whole = crc32c(bytes, 0, bytes.length);
    for (let cut = 0; cut <= bytes.length; cut++)
      expect(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut))).toBe(whole);
  });
});
