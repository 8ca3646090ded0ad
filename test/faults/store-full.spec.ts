import { queueStoreFile } from '../../src/store/queue-environment';
import { itWithVolume, SmallVolume } from '../support/disk/small-volume';
import { heldGroups, StoreWriter } from '../support/disk/store-writer';

const CASE_MS = 120_000;
const VOLUME_BYTES = 24 * 1024 ** 2;
/** Nothing is deleted but by `drain`. */
const ALL = 1e9;

function volume(): SmallVolume {
  const small = SmallVolume.mount(VOLUME_BYTES);
  if (!small) throw new Error('a tmpfs could be mounted before');
  return small;
}

/** What is wrong with a store that must hold all groups from one on to that which was acknowledged last. */
function whatIsLost({ dataDir }: SmallVolume, { acknowledged }: StoreWriter, from: number): string[] {
  const { first, last, problems } = heldGroups(queueStoreFile(dataDir));
  return [
    ...problems,
    ...(first === from ? [] : [`the first group is ${first}, not ${from}`]),
    ...(last >= acknowledged ? [] : [`group ${acknowledged} was acknowledged, the last is ${last}`]),
  ];
}

async function drained(writer: StoreWriter): Promise<number> {
  writer.tell('drain');
  return Number((await writer.said('drained')).split(' ')[1]);
}

describe('a full volume (F20)', () => {
  itWithVolume(
    'takes nothing more before it is full to the last byte, and again once messages are gone',
    async () => {
      const small = volume();
      const writer = new StoreWriter({ folder: small.dataDir, keep: ALL });
      await writer.said('state full');
      expect(writer.lines.filter((line) => line.startsWith('refused'))).toEqual([]);
      const from = writer.lines.length;
      const low = await drained(writer);
      await writer.said('state ok', from);
      await writer.writes(100);
      await writer.close();
      expect(whatIsLost(small, writer, low)).toEqual([]);
      small.unmount();
    },
    CASE_MS,
  );

  itWithVolume.each([
    ['LMDB has most of what was put', undefined],
    ['the redo log alone has most of it', 1e9],
  ])(
    'lets go of messages also when others have taken the last byte, for good: %s',
    async (_what, layerMs) => {
      const small = volume();
      const writer = new StoreWriter({
        ...{ folder: small.dataDir, keep: ALL, to: 2_000 },
        ...(layerMs === undefined ? {} : { layerMs }),
      });
      await writer.writes(1_500);
      small.fill();
      await writer.said('state');
      // It waits for nobody to make room.
      const low = await drained(writer);
      expect(low).toBeGreaterThan(1_500);
      await writer.kill();
      expect(heldGroups(queueStoreFile(small.dataDir))).toEqual({ first: 0, last: -1, problems: [] });
      small.clear();
      const again = new StoreWriter({ folder: small.dataDir, from: low });
      await again.writes(100);
      await again.close();
      expect(heldGroups(queueStoreFile(small.dataDir)).problems).toEqual([]);
      small.unmount();
    },
    CASE_MS,
  );

  itWithVolume(
    'refuses what has no room, whoever sends it, loses nothing and recovers by itself',
    async () => {
      const small = volume();
      const writer = new StoreWriter({ folder: small.dataDir, keep: ALL, greedy: true });
      await writer.writes(500);
      for (let round = 0; round < 3; round++) {
        const from = writer.lines.length;
        small.fill();
        expect(await writer.said('refused', from)).toContain('amqp:resource-limit-exceeded');
        small.clear();
        await writer.said('state ok', from);
        await writer.writes(200);
      }
      await writer.kill();
      expect(whatIsLost(small, writer, 0)).toEqual([]);
      const again = new StoreWriter({ folder: small.dataDir, from: writer.acknowledged + 1, to: 0 });
      await again.said('open');
      await again.close();
      small.unmount();
    },
    CASE_MS,
  );
});
