import type { NodeId, StreamClass } from '../links/contract';

/**
 * Which of `count` equal ways node `at` takes for a stream (origin, destination, class). Every node computes it alike for every
 * other, so a path is known from end to end; `at` is mixed in so that one hop's choice does not bias the next one's.
 */
export function choose(origin: NodeId, destination: NodeId, cls: StreamClass, at: NodeId, count: number): number {
  if (count <= 1) return 0;
  let hash = Math.imul(origin ^ (origin >>> 15), 0x2c1b3c6d);
  hash = Math.imul((hash ^ destination ^ (hash >>> 12)) + cls, 0x297a2d39);
  hash = Math.imul((hash ^ at ^ (hash >>> 15)) | 0, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % count;
}
