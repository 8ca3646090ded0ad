import fc from 'fast-check';
import { editDistance, nearest } from './nearest';
import { formatDuration, formatSize, parseDuration, parseSize } from './units';

describe('units', () => {
  it.each([
    ['250ms', 250],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['10', null],
    ['-1s', null],
    ['1 s', null],
    ['', null],
  ])('%s is %s ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    ['512B', 512],
    ['64KiB', 65_536],
    ['1.5MiB', 1_572_864],
    ['1GiB', 1_073_741_824],
    ['5MB', null],
    ['1', null],
    ['99999999999TiB', null],
  ])('%s is %s bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it('write what they read', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), (n) => parseDuration(formatDuration(n)) === n && parseSize(formatSize(n)) === n),
    );
  });
});

describe('nearest', () => {
  it('counts edits and swaps', () => {
    expect([editDistance('', 'abc'), editDistance('abc', 'abc'), editDistance('prot', 'port')]).toEqual([3, 0, 1]);
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => editDistance(a, b) === editDistance(b, a)));
  });

  it('suggests only what can have been meant', () => {
    const known = ['partitionHold', 'startHold', 'listen', 'links'];
    expect(nearest('partition_hold', known)).toBe('partitionHold');
    expect(nearest('linsk', known)).toBe('links');
    expect(nearest('brokers', known)).toBeNull();
    expect(nearest('links'.repeat(1_000_000), known)).toBeNull();
  });
});
