import type { Figures } from './measure';
import { spread, type Result } from './report';

const WIDTHS = [30, 9, 18, 20, 9, 9, 8, 6, 6];

function line(cells: readonly string[]): string {
  return cells
    .map((cell, at) => (at < 2 ? cell.padEnd(WIDTHS[at] as number) : cell.padStart(WIDTHS[at] as number)))
    .join(' ');
}

export function durableHeader(): string {
  const outcome = ['p50 ms', 'p99 ms'];
  return line(['scenario', 'through', 'k msg/s', 'brokers CPU-s/M', ...outcome, 'MiB', 'lost', 'wrong']);
}

/** Medians, with the range where there are several runs. */
function shown(values: readonly (number | null)[], digits: number): string {
  const { median, min, max } = spread(values.filter((value) => value !== null));
  if (Number.isNaN(median)) return '-';
  const fixed = (value: number): string => value.toFixed(digits);
  return values.length === 1 ? fixed(median) : `${fixed(median)} (${fixed(min)}-${fixed(max)})`;
}

export function durableRow({ scenario, through, runs }: Result): string {
  const sum = (value: (figures: Figures) => number): string =>
    String(runs.reduce((total, figures) => total + value(figures), 0));
  const median = (value: (figures: Figures) => number | null): string =>
    spread(runs.map(value).filter((found) => found !== null)).median.toFixed(2);
  return line([
    scenario,
    through,
    shown(
      runs.map(({ rate }) => rate / 1000),
      1,
    ),
    shown(
      runs.map(({ nodesCpuPerMillion }) => nodesCpuPerMillion),
      2,
    ),
    median(({ outcomeP50Ms }) => outcomeP50Ms),
    median(({ outcomeP99Ms }) => outcomeP99Ms),
    shown([Math.max(...runs.map(memoryMiB))], 0),
    sum(({ lost }) => lost),
    sum(({ wrong }) => wrong),
  ]);
}

/** Of the brokers together, at the end. */
function memoryMiB({ processes }: Figures): number {
  const brokers = processes.filter(({ name }) => !/^(sender|receiver)/.test(name));
  return brokers.reduce((total, { rssAfter }) => total + rssAfter, 0) / 2 ** 20;
}

/** Ours to theirs, for each scenario that both ran. */
export function ratios(results: readonly Result[]): string[] {
  return results.flatMap((ours) => {
    const theirs = results.find(({ scenario, through }) => scenario === ours.scenario && through === 'artemis');
    if (ours.through !== 'fairlead' || theirs === undefined) return [];
    const ratio = (value: (figures: Figures) => number): string =>
      (spread(ours.runs.map(value)).median / spread(theirs.runs.map(value)).median).toFixed(2);
    const cpu = ratio(({ nodesCpuPerMillion }) => nodesCpuPerMillion);
    return [`${ours.scenario}: ${ratio(({ rate }) => rate)}x the rate of Artemis, ${cpu}x its CPU`];
  });
}
