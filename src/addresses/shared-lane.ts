import { Chunk } from '../common/chunk';
import type { NodeId } from '../links/contract';
import { OUTCOME, type LargeBody } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { ForwarderPorts } from './forwarder';
import { Lane } from './lane';
import type { LocalConsumer } from './local-consumer';
import { SpillBlock } from './spill';
import type { Held } from './wait-ring';

/** What waits at this node for any consumer of an anycast address: one lane that all of them take from as they have credit. */
export class SharedLane {
  constructor(private readonly ports: ForwarderPorts) {}

  /** Gives a message to the first consumer in turn that can take it; else it waits for any of them. */
  offer(
    entry: AddressEntry,
    origin: NodeId,
    bytes: Buffer,
    start: number,
    end: number,
    held: Chunk | null,
    site: number,
  ): void {
    const consumer = ready(entry);
    if (consumer !== null) {
      consumer.give(entry, bytes, start, end, site);
      return;
    }
    const lane = this.#laneOf(entry);
    lane.push(entry, bytes, start, end, held, site);
    if (lane.slow) this.ports.chokes.hold(entry, origin);
  }

  offerLarge(entry: AddressEntry, origin: NodeId, body: LargeBody, site: number): void {
    const consumer = ready(entry);
    if (consumer !== null) {
      consumer.giveLarge(entry, body, site);
      return;
    }
    const lane = this.#laneOf(entry);
    lane.pushLarge(entry, body, site);
    if (lane.slow) this.ports.chokes.hold(entry, origin);
  }

  #laneOf(entry: AddressEntry): Lane {
    const { chokes, counters, sites, lanes, holding } = this.ports;
    entry.lane ??= new Lane(
      {
        dropped: (reason, count) => counters.drop(reason, count),
        settled: (slot, outcome) => sites.settle(slot, outcome, null),
        onSlow: () => chokes.onSlow(entry, true),
      },
      lanes,
      holding,
    );
    return entry.lane;
  }

  /** A consumer can take what waits. */
  pump(consumer: LocalConsumer): void {
    const { entry } = consumer;
    const { lane } = entry;
    if (lane === null) return;
    while (lane.size > 0 && !consumer.closed && consumer.handler.ready()) consumer.giveFirst(lane);
    this.#relieve(entry, lane);
  }

  #relieve(entry: AddressEntry, lane: Lane): void {
    if (lane.recovered()) this.ports.chokes.onSlow(entry, false);
  }

  /** The last consumer here has gone: what waits goes elsewhere. */
  abandon(entry: AddressEntry): void {
    const { lane } = entry;
    if (lane === null) return;
    const { pending, sites } = this.ports;
    while (lane.size > 0) {
      const { start, length, slot } = lane.ring;
      const held = lane.shift();
      const own = sites.pendingOf(slot);
      if (own >= 0 && !pending.keeps(own)) this.#keep(own, held, start, length);
      else held.release();
      sites.settle(slot, OUTCOME.undelivered, null);
    }
    this.#relieve(entry, lane);
  }

  /** Keeps a message of a publisher here for another site. */
  #keep(own: number, held: Held, start: number, length: number): void {
    const { pending } = this.ports;
    if (held instanceof Chunk) {
      pending.keep(own, held, start, length);
      held.release();
    } else if (held instanceof SpillBlock) {
      const chunk = new Chunk(Buffer.from(held.bytes.subarray(start, start + length)), null, 0);
      pending.keep(own, chunk, 0, length);
      chunk.release();
      held.release();
    } else pending.keepBody(own, held);
  }
}

/** The next consumer in turn that can take a message; none while others wait before it. */
function ready(entry: AddressEntry): LocalConsumer | null {
  const { locals, lane } = entry;
  if (lane !== null && lane.size > 0) return null;
  for (let n = 0; n < locals.length; n++) {
    const at = (entry.turn + n) % locals.length;
    const consumer = locals[at] as LocalConsumer;
    if (consumer.closed || !consumer.handler.ready()) continue;
    entry.turn = (at + 1) % locals.length;
    return consumer;
  }
  return null;
}
