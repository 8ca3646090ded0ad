import { crc32 } from '../common/crc32';
import { trafficClassOf, type NodeId, type StreamClass } from '../links/contract';
import type { Batch } from './batch';
import type { BatchTarget } from './frames';
import { writeBatchHead } from './frames';
import { FRAME_TARGETS_MAX, HOPS_MAX } from './limits';
import type { StreamCounters, StreamPorts } from './ports';
import type { SendStream, StreamEntry } from './send-stream';
import { streamKey } from './stream-key';

/** One stream's share in a frame that is about to be written. */
interface Share {
  readonly stream: SendStream;
  readonly entry: StreamEntry;
  readonly incarnation: number;
}

/** CRC of sealed bodies, computed once however often a batch is sent. */
const bodyCrcs = new WeakMap<Batch, number>();

function bodyCrc(batch: Batch): number {
  let crc = bodyCrcs.get(batch);
  if (crc === undefined) bodyCrcs.set(batch, (crc = crc32(batch.chunk.bytes)));
  return crc;
}

/** Writes frames of this node's own streams: one frame per next hop for all targets that a batch may be sent to now. */
export class FrameSender<A> {
  readonly #byLink = new Map<number, Share[]>();

  constructor(
    private readonly ports: StreamPorts<A>,
    private readonly counters: StreamCounters,
  ) {}

  /** Sends one entry of one stream. @returns false when no route leads there at present */
  sendOne(stream: SendStream, entry: StreamEntry, incarnation: number, now: number): boolean {
    const link = this.#hop(stream.target, stream.cls);
    if (link < 0) return false;
    this.#write(link, [{ stream, entry, incarnation }], now);
    return true;
  }

  /** Adds a share to the frame of its next hop. @returns false when no route leads there at present */
  collect(stream: SendStream, entry: StreamEntry, incarnation: number): boolean {
    const link = this.#hop(stream.target, stream.cls);
    if (link < 0) return false;
    const shares = this.#byLink.get(link);
    if (shares === undefined) this.#byLink.set(link, [{ stream, entry, incarnation }]);
    else shares.push({ stream, entry, incarnation });
    return true;
  }

  /** Sends what was collected; all shares are of one batch. */
  sendCollected(now: number): void {
    for (const [link, shares] of this.#byLink) {
      for (let from = 0; from < shares.length; from += FRAME_TARGETS_MAX) {
        this.#write(link, shares.slice(from, from + FRAME_TARGETS_MAX), now);
      }
    }
    this.#byLink.clear();
  }

  #hop(target: NodeId, cls: StreamClass): number {
    return this.ports.routes.nextHop(target, this.ports.routes.self.id, cls);
  }

  #write(link: number, shares: readonly Share[], now: number): void {
    const first = shares[0] as Share;
    const { batch } = first.entry;
    const self = this.ports.routes.self;
    const targets: BatchTarget[] = [];
    let resent = false;
    for (const { stream, entry, incarnation } of shares) {
      if (entry.left) {
        resent = true;
        this.counters.resentFrames++;
      }
      stream.markSent(entry, now);
      targets.push({ node: stream.target, incarnation, epoch: stream.epoch, firstSeq: entry.firstSeq });
    }
    const head = writeBatchHead({
      cls: batch.cls,
      resent,
      hops: HOPS_MAX,
      origin: self.id,
      incarnation: self.incarnation,
      targets,
      count: batch.count,
      bodyCrc: bodyCrc(batch),
    });
    const key = streamKey(self.id, batch.cls, targets);
    this.ports.frames.enqueue(link, trafficClassOf(batch.cls), head, batch.chunk, key, self.id);
  }
}
