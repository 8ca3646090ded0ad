import type { Chunk } from '../common/chunk';
import { trafficClassOf } from '../links/contract';
import { writeBatchHead, type BatchHead, type BatchTarget } from './frames';
import type { StreamCounters, StreamPorts } from './ports';
import { streamKey } from './stream-key';

/**
 * Sends a frame of another origin on: its targets are split by next hop, the head is rewritten, the body goes by reference.
 * Nothing is kept; what has no route is dropped here and sent again by its origin.
 */
export class Transit<A> {
  readonly #byLink = new Map<number, BatchTarget[]>();

  constructor(
    private readonly ports: StreamPorts<A>,
    private readonly counters: StreamCounters,
  ) {}

  forward(head: BatchHead, targets: readonly BatchTarget[], body: Chunk): void {
    if (head.hops === 0) {
      this.counters.hopLimitDrops++;
      return;
    }
    for (const target of targets) {
      const link = this.ports.routes.nextHop(target.node, head.origin, head.cls);
      if (link < 0) {
        this.counters.unroutableFrames++;
        continue;
      }
      const list = this.#byLink.get(link);
      if (list === undefined) this.#byLink.set(link, [target]);
      else list.push(target);
    }
    for (const [link, list] of this.#byLink) {
      const rewritten = writeBatchHead({ ...head, hops: head.hops - 1, targets: list });
      const key = streamKey(head.origin, head.cls, list);
      this.ports.frames.enqueue(link, trafficClassOf(head.cls), rewritten, body, key, head.origin);
      this.counters.forwardedFrames++;
    }
    this.#byLink.clear();
  }
}
