import type { NodeId, StreamClass } from '../links/contract';

/** What frames have their turn by on links: frames of one origin to the same targets in one class keep their order. */
export function streamKey(origin: NodeId, cls: StreamClass, targets: readonly { readonly node: NodeId }[]): number {
  let key = (Math.imul(origin, 31) + cls) >>> 0;
  for (const { node } of targets) key = (Math.imul(key, 31) + node) >>> 0;
  return key;
}
