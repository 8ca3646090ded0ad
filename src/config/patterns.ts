/** Relations between patterns of dotted words, where `*` is one word and `#` zero or more. */

type Words = readonly string[];
/** Decides the pair (i, j) of rests from pairs of shorter rests. */
type Step = (x: string | undefined, y: string | undefined, at: (di: number, dj: number) => boolean) => boolean;

/** Fills a table from the ends of both patterns: time and space are their product, whatever the `#`s. */
function decide(a: Words, b: Words, step: Step): boolean {
  const width = b.length + 1;
  const table = new Uint8Array((a.length + 1) * width);
  for (let i = a.length; i >= 0; i--)
    for (let j = b.length; j >= 0; j--) {
      const yes = step(a[i], b[j], (di, dj) => table[(i + di) * width + j + dj] === 1);
      table[i * width + j] = yes ? 1 : 0;
    }
  return table[0] === 1;
}

/** True when some name matches both patterns. */
export function overlaps(a: string, b: string): boolean {
  return decide(a.split('.'), b.split('.'), (x, y, at) => {
    if (x === undefined && y === undefined) return true;
    if (x === '#') return at(1, 0) || (y !== undefined && at(0, 1));
    if (y === '#') return at(0, 1) || (x !== undefined && at(1, 0));
    return x !== undefined && y !== undefined && (x === y || x === '*' || y === '*') && at(1, 1);
  });
}

/** True when `wide` matches every name that `narrow` matches; may say false of exotic equals such as `*.#` and `#.*`. */
export function covers(wide: string, narrow: string): boolean {
  return decide(wide.split('.'), narrow.split('.'), (x, y, at) => {
    if (x === undefined && y === undefined) return true;
    if (x === '#') return at(1, 0) || (y !== undefined && at(0, 1));
    return x !== undefined && y !== undefined && y !== '#' && (x === '*' || x === y) && at(1, 1);
  });
}
