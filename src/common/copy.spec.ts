import { copyBytes } from './copy';

describe('copyBytes', () => {
  it('copies what Buffer.copy does, at every length and alignment', () => {
    const source = Buffer.from(Uint8Array.from({ length: 600 }, (_, at) => at * 31 + 7));
    for (let length = 0; length <= 400; length += length < 40 ? 1 : 17) {
      for (const [from, to] of [
        [0, 0],
        [1, 3],
        [5, 2],
        [200, 600 - length],
      ] as const) {
        const expected = Buffer.alloc(600, 9);
        source.copy(expected, to, from, from + length);
        const target = Buffer.alloc(600, 9);
        copyBytes(source, from, from + length, target, to);
        expect([length, target.equals(expected)]).toEqual([length, true]);
      }
    }
  });

  it('follows a change of either buffer', () => {
    const [first, second] = [Buffer.from('first'), Buffer.from('other')];
    const [one, two] = [Buffer.alloc(5), Buffer.alloc(5)];
    copyBytes(first, 0, 5, one, 0);
    copyBytes(second, 0, 5, one, 0);
    copyBytes(second, 0, 5, two, 0);
    copyBytes(first, 0, 5, two, 0);
    expect([one.toString(), two.toString()]).toEqual(['other', 'first']);
  });
});
