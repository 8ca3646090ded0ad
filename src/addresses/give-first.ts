import { Chunk } from '../common/chunk';
import type { AddressRef, ConsumerHandler } from './contract';
import type { Lane } from './lane';
import { SpillBlock } from './spill';

/** Gives the first of a lane to a client, which is ready. */
export function giveFirst(lane: Lane, handler: ConsumerHandler, address: AddressRef, settled: boolean): void {
  const { start, length, slot } = lane.ring;
  const held = lane.shift();
  if (held instanceof Chunk || held instanceof SpillBlock)
    handler.deliver(slot, address, settled, held.bytes, start, start + length);
  else handler.deliverLarge(slot, address, settled, held);
  held.release();
}
