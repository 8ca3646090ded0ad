import { statSync } from 'node:fs';
import { PROBE_BYTES, PROBE_VALUES_MS } from './limits';
import { type QueueEnvironment, openQueueEnvironment } from './queue-environment';
import { tryWriteNow, wasStoppedCleanly } from './store-life';

/**
 * Reads a store of queues and begins a write, in a process that may die of it. Usage: queue-probe.main.js FILE. Ends with 1 and what
 * is wrong on the standard output when LMDB itself says so; what the system says of the file is found again when it is opened.
 */
function probe(file: string): void {
  const { size } = statSync(file);
  const environment = openQueueEnvironment(file);
  const { entryCount, pageSize } = environment.root.getStats() as {
    readonly entryCount: number;
    readonly pageSize: number;
  };
  // What was being written when a node was killed ends within a page as well; but then nothing refers to it.
  const endsWithinPage = size % pageSize > 0;
  if (size > PROBE_BYTES && !endsWithinPage && wasStoppedCleanly(environment)) return;
  // What it says of its stop is behind all other records.
  [environment.codec.space, environment.codec.queue] = [0, 0];
  const read = readValues(environment, endsWithinPage ? Infinity : PROBE_VALUES_MS);
  // Where a page was cut off within its records reading ends without an error, although counting goes on.
  const found = read ?? environment.root.getCount({ start: 0 });
  if (found !== entryCount) return tell(`it has ${found} records where ${entryCount} should be`);
  // Looks for free pages, and changes nothing that is read.
  tryWriteNow(environment);
}

function tell(damage: string): void {
  process.stdout.write(damage);
  process.exitCode = 1;
}

/** @returns how many there are; null when it takes longer than `ms` */
function readValues({ root }: QueueEnvironment, ms: number): number | null {
  const until = performance.now() + ms;
  let read = 0;
  for (const { value } of root.getRange({ start: 0 })) {
    if (value.length >= 0) read++;
    if (performance.now() > until) return null;
  }
  return read;
}

try {
  probe(process.argv[2] ?? '');
} catch (error) {
  const { code, message } = error as Error & { readonly code?: unknown };
  if (typeof code === 'number' && code < 0) tell(message);
}
