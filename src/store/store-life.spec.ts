import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openQueueEnvironment } from './queue-environment';
import { SPACE_END } from './queue-key';
import { SEAL_BYTES, sealOf } from './sealed-record';
import { beginLife, FORMAT, QUEUE_STORE_FORMAT, readFormat } from './store-life';

describe('the format of a store of queues', () => {
  it.each([
    ['the first is read as it is, and is this one from then on', 1, null],
    ['so is the one before', 2, null],
    ['a later one is refused', 99, `has format 99, this version reads format ${QUEUE_STORE_FORMAT}`],
  ])('%s', async (_what, format, refusal) => {
    const folder = mkdtempSync(join(tmpdir(), 'store-life-'));
    const file = join(folder, 'data.mdb');
    const environment = openQueueEnvironment(file);
    const { root, codec } = environment;
    const record = Buffer.alloc(SEAL_BYTES + 8);
    record.writeDoubleLE(format, SEAL_BYTES);
    record.writeInt32LE(sealOf(SPACE_END, 0, FORMAT, record, SEAL_BYTES, record.length));
    [codec.space, codec.queue] = [SPACE_END, 0];
    await root.put(FORMAT, record);
    const begin = (): unknown => beginLife(file, environment, 1_700_000_000_000, 1);
    if (refusal !== null) expect(begin).toThrow(refusal);
    else {
      expect(begin()).toMatchObject({ wasClean: false });
      expect(readFormat(file, environment)).toBe(QUEUE_STORE_FORMAT);
    }
    await root.close();
    rmSync(folder, { recursive: true });
  });
});
