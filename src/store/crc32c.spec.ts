import { SeededRandom } from '../common/ports';
import { crc32c } from './crc32c';

const sumOf = (bytes: Buffer): string => (crc32c(bytes, 0, bytes.length) >>> 0).toString(16);

/** By the book, bit by bit. */
function bitwise(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc;
}

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

  it('is the same however long the bytes are, and wherever they stand', () => {
    const random = new SeededRandom(32);
    const bytes = Buffer.from(Array.from({ length: 300_000 }, () => random.u32() & 0xff));
    const lengths = [...Array(70).keys(), 1_023, 1_100, 114_688, 114_689, 250_000];
    for (const length of lengths) {
      const start = random.u32() % 40_000;
      const wanted = bitwise(bytes.subarray(start, start + length));
      expect(crc32c(bytes, start, start + length)).toBe(wanted);
      expect(crc32c(Buffer.from(bytes.subarray(start, start + length)), 0, length)).toBe(wanted);
    }
  });

  it('goes on from what came before, wherever that was cut', () => {
    const bytes = Buffer.from('the quick brown fox jumps over the lazy dog');
    const whole = crc32c(bytes, 0, bytes.length);
    for (let cut = 0; cut <= bytes.length; cut++)
      expect(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut))).toBe(whole);
  });
});
