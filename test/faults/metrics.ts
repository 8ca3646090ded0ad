import { readFileSync } from 'node:fs';
import type { FairleadNode } from '../support/fairlead-node';

/** A counter or gauge of a node; 0 while it has no sample with these labels. */
export async function metricOf(
  node: FairleadNode,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { body } = await node.http('/metrics');
  const text = String(body);
  if (!text.includes(`# TYPE ${name} `)) throw new Error(`${node.name} has no metric ${name}`);
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  const matching = lines.filter((line) => wanted.every((label) => line.includes(label)));
  return matching.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

export function dropped(node: FairleadNode, reason: string): Promise<number> {
  return metricOf(node, 'fairlead_messages_dropped_total', { reason });
}

/** Resident memory of a process, in MiB. */
export function residentMiB(node: FairleadNode): number {
  const status = readFileSync(`/proc/${node.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
}
