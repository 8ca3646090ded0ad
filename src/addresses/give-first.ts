import { Chunk } from '../common/chunk';
import type { ConsumerHandler } from './contract';
import type { Lane } from './lane';
import { SpillBlock } from './spill';

/** Gives the first of a lane to a client, which is ready. */
export function giveFirst(lane: Lane, handler: ConsumerHandler, settled: boolean): void {
  const { start, length, entry, slot } = lane.ring;
  const held = lane.shift();
  if (held instanceof Chunk || held instanceof SpillBlock)
    handler.deliver(slot, entry, settled, held.bytes, start, start + length);
  else handler.deliverLarge(slot, entry, settled, held);
  held.release();
}
