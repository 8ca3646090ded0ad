import { FairleadError } from '../common/errors';
import type { Queue, QueuePolicy } from './contract';
import type { StagedQueue } from './moves-contract';
import type { Home } from './queues.fixture';

/** What consumers of a queue that leaves are told. */
export const MOVED = new FairleadError('FL_QUEUE_MOVED', 'it lives elsewhere');
export const POLICY: Partial<QueuePolicy> = { duplicateWindowMs: 60_000 };
/** Bytes of a piece: odd, so that records are cut anywhere. */
const PIECE = 10_007;

/** Ends the service of a queue, and lets the disk have what it had. */
export function detach(home: Home, name = 'q'): void {
  let done = false;
  home.host.moves.detach(name, MOVED, () => (done = true));
  for (let turns = 0; !done && turns < 100; turns++) {
    home.host.tick(home.wall);
    home.settle();
  }
  expect(done).toBe(true);
}

/** Copies a detached queue, in pieces of an odd size. */
export function copy(from: Home, to: Home, name = 'q'): StagedQueue {
  const items = from.host.moves.items(name);
  const staged = to.host.moves.stage();
  for (let bytes = items.next(40_000); bytes !== null; bytes = items.next(40_000)) {
    for (let at = 0; at < bytes.length; at += PIECE)
      staged.take(bytes.subarray(at, at + PIECE), (error) => expect(error).toBeNull());
    to.settle();
  }
  expect(staged.isComplete).toBe(true);
  return staged;
}

/** What a queue gives to a consumer that takes all of it. */
export function texts(home: Home, queue: Queue): string[] {
  const consumer = home.consume(queue, 1_000);
  home.settle();
  return consumer.texts;
}
