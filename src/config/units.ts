/** Durations and sizes as users write them. Parsed once, at compile time; the rest of the program knows `...Ms` and `...Bytes`. */

export const DURATION_PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
export const SIZE_PATTERN = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB|TiB)$/;

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

function parse(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | null {
  const match = pattern.exec(text);
  if (!match) return null;
  const value = Number(match[1]) * (units[match[2] ?? ''] ?? Number.NaN);
  return Number.isSafeInteger(Math.round(value)) ? Math.round(value) : null;
}

/** Milliseconds of `250ms`, `10s`, `1.5m`, `1h`, `7d`; null when the text is no duration. */
export function parseDuration(text: string): number | null {
  return parse(text, DURATION_PATTERN, MS_PER_UNIT);
}

/** Bytes of `512B`, `64KiB`, `1MiB`, `1GiB`; null when the text is no size. */
export function parseSize(text: string): number | null {
  return parse(text, SIZE_PATTERN, BYTES_PER_UNIT);
}

function format(value: number, units: Readonly<Record<string, number>>): string {
  const fitting = Object.entries(units).filter(([, factor]) => value >= factor && value % factor === 0);
  const [unit, factor] = fitting.at(-1) ?? Object.entries(units)[0] ?? ['', 1];
  return `${value / factor}${unit}`;
}

/** The shortest exact way to write a duration. */
export function formatDuration(ms: number): string {
  return format(ms, MS_PER_UNIT);
}

/** The shortest exact way to write a size. */
export function formatSize(bytes: number): string {
  return format(bytes, BYTES_PER_UNIT);
}
