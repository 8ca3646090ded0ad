import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Figures } from './measure';

/** All runs of one scenario over one thing, and the direct runs beside them. */
export interface Result {
  readonly scenario: string;
  /** `fairlead`, `direct`, or a peer's name. */
  readonly through: string;
  readonly runs: readonly Figures[];
  /** Rates of the direct runs of the same session, in the same order; empty for a direct run itself. */
  readonly direct: readonly number[];
}

/** Median, least and greatest: on a shared machine the range is the noise. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  const median = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
  return { median, min: sorted[0] ?? NaN, max: sorted[sorted.length - 1] ?? NaN };
}

const COLUMNS = [
  'scenario',
  'through',
  'k msg/s',
  'of direct',
  'nodes CPU-s/M',
  'sender',
  'receivers',
  'p50 ms',
  'p99 ms',
  'lost',
  'wrong',
];
const WIDTHS = [32, 10, 18, 10, 20, 8, 10, 9, 9, 6, 6];

export function header(): string {
  return line(COLUMNS);
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, at) => (at < 2 ? cell.padEnd(WIDTHS[at] as number) : cell.padStart(WIDTHS[at] as number)))
    .join(' ');
}

function shown({ median, min, max }: Spread, digits: number): string {
  if (Number.isNaN(median)) return '-';
  const fixed = (value: number): string => value.toFixed(digits);
  return min === max ? fixed(median) : `${fixed(median)} (${fixed(min)}-${fixed(max)})`;
}

export function row({ scenario, through, runs, direct }: Result): string {
  const of = (value: (figures: Figures) => number): Spread => spread(runs.map(value));
  const nullable = (value: (figures: Figures) => number | null): Spread =>
    spread(runs.map(value).filter((found) => found !== null));
  const cpu =
    (kind: string) =>
    (figures: Figures): number =>
      figures.processes
        .filter(({ name }) => name.startsWith(kind))
        .reduce((sum, { cpuPerMillion }) => sum + cpuPerMillion, 0);
  const ratio = spread(runs.flatMap(({ rate }, at) => (direct[at] === undefined ? [] : [rate / direct[at]])));
  return line([
    scenario,
    through,
    shown(
      of(({ rate }) => rate / 1000),
      1,
    ),
    shown({ ...ratio, min: ratio.median, max: ratio.median }, 2),
    through === 'direct'
      ? '-'
      : shown(
          of(({ nodesCpuPerMillion }) => nodesCpuPerMillion),
          2,
        ),
    of(cpu('sender')).median.toFixed(2),
    of(cpu('receiver')).median.toFixed(2),
    shown(only(nullable(({ p50Ms }) => p50Ms)), 2),
    shown(only(nullable(({ p99Ms }) => p99Ms)), 2),
    String(runs.reduce((sum, { lost }) => sum + lost, 0)),
    String(runs.reduce((sum, { wrong }) => sum + wrong, 0)),
  ]);
}

function only({ median }: Spread): Spread {
  return { median, min: median, max: median };
}

/** One line per process of a scenario with nodes: CPU time and memory. */
export function details({ runs }: Result): string[] {
  const [first] = runs;
  if (first === undefined) return [];
  const processes = first.processes.map(({ name }, at) => {
    const cpu = spread(runs.map(({ processes }) => processes[at]?.cpuPerMillion ?? NaN));
    const mib = (rss: 'rssBefore' | 'rssAfter'): string =>
      spread(runs.map(({ processes }) => (processes[at]?.[rss] ?? NaN) / 2 ** 20)).max.toFixed(0);
    return `  ${name}: ${shown(cpu, 2)} CPU-s/M, memory ${mib('rssBefore')} -> ${mib('rssAfter')} MiB`;
  });
  if (first.bytesPerIdle === null) return processes;
  return [...processes, `  idle connections: ${(first.bytesPerIdle / 1024).toFixed(1)} KiB each`];
}

/** Writes everything that was measured. @returns the file */
export function save(results: readonly Result[], folder: string): string {
  mkdirSync(folder, { recursive: true });
  const at = new Date();
  const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '', node: process.version };
  const file = join(folder, `${at.toISOString().replace(/[:.]/g, '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ at, machine, results }, null, 2)}\n`);
  return file;
}
