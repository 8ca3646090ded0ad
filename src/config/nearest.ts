/** Number of insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b`. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** The known name nearest to `name`; null when none is near enough that the user can have meant it. */
export function nearest(name: string, known: readonly string[]): string | null {
  const plain = name.toLowerCase().replace(/[-_]/g, '');
  const ranked = known
    // What differs more in length cannot be near: so a name as long as a document costs nothing.
    .filter((candidate) => Math.abs(plain.length - candidate.length) <= distanceMax(plain, candidate))
    .map((candidate) => ({ candidate, distance: editDistance(plain, candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (!best) return null;
  return best.distance <= distanceMax(plain, best.candidate) ? best.candidate : null;
}

function distanceMax(a: string, b: string): number {
  return Math.max(1, Math.floor(Math.max(a.length, b.length) / 2.5));
}
