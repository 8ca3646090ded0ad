import { ago, table } from './table';

it('pads columns to their widest cell, and leaves no blanks at the end', () => {
  expect(
    table(
      ['A', 'LONG', 'Z'],
      [
        ['aaa', 'b', ''],
        ['a', 'b', 'why'],
      ],
    ),
  ).toEqual(['A    LONG  Z', 'aaa  b', 'a    b     why']);
});

it.each([
  [-5, '0s'],
  [119, '119s'],
  [120, '2m'],
  [7_199, '119m'],
  [7_200, '2h'],
  [172_800, '2d'],
])('%i seconds ago is %s', (seconds, text) => {
  const then = '2026-01-01T00:00:00.000Z';
  expect(ago(then, Date.parse(then) + seconds * 1000)).toBe(text);
});
