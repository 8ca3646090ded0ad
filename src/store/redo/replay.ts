import type { QueueEnvironment } from '../queue-environment';
import { writeApplied } from '../store-life';
import { arenaOf } from '../write-log';
import { finalChanges } from './final-changes';
import type { RedoImage } from './reader';

/** Brings what a redo log has to LMDB, in one transaction. On the disk before it returns. */
export function replay({ root, codec }: QueueEnvironment, image: RedoImage): void {
  const changes = finalChanges(image);
  root.transactionSync(() => {
    for (const { space, queue, key, record } of changes.values()) {
      [codec.space, codec.queue] = [space, queue];
      if (record === null) {
        void root.remove(key);
        continue;
      }
      const arena = arenaOf(record.length);
      record.copy(arena);
      void root.put(key, arena);
    }
    writeApplied({ root, codec }, image.last, image.newest);
  });
}
