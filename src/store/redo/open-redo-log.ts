import { dirname } from 'node:path';
import { QueueStoreDamagedError } from '../errors';
import type { QueueEnvironment } from '../queue-environment';
import { beginRedo, redoPosition } from '../store-life';
import { readRedoFiles, RedoImage } from './reader';
import { RedoLog } from './redo-log';
import { replay } from './replay';

/**
 * Brings what the redo log of the last life has to LMDB, and begins that of this one.
 * @param id of the redo log where the store has none yet
 * @throws QueueStoreDamagedError
 */
export function openRedoLog(file: string, environment: QueueEnvironment, id: number): RedoLog {
  const folder = dirname(file);
  const position = redoPosition(environment);
  const image = new RedoImage(readRedoFiles(folder), position);
  const [damage] = image.damages;
  if (damage !== undefined) throw new QueueStoreDamagedError(file, damage);
  const isNew = position.id === 0;
  if (!isNew && (!image.isEmpty || image.newest !== position.needed)) replay(environment, image);
  const { newest, last: sequence, newestFile: kept } = image;
  const redo = new RedoLog(folder, { id: isNew ? id : position.id, sequence, newest, kept });
  if (isNew) beginRedo(environment, { id, applied: sequence, needed: redo.neededAfter(sequence) });
  return redo;
}
