import type { ConsumerRecord, PublisherRecord } from './ledger';

/** What a check found, as a sentence that begins with the guarantee that was broken. */
export type Problem = string;

/** Most of one kind that are told; a broken run breaks everywhere. */
const TOLD_MAX = 20;

export function told(problems: readonly Problem[]): readonly Problem[] {
  const more = problems.length - TOLD_MAX;
  return more <= 0 ? problems : [...problems.slice(0, TOLD_MAX), `and ${more} more like the last one`];
}

export function nameOfMessage({ id, address, node, life }: PublisherRecord, seq: number): string {
  return `message ${seq} of publisher ${id} (${address} at ${node}, life ${life})`;
}

export function nameOfConsumer({ id, filter, node, life }: ConsumerRecord): string {
  return `consumer ${id} (${filter} at ${node}, life ${life})`;
}
