import { type QueueStore, RecordDamagedError } from './store-port';

/** A store, and the way to let it do what it was told. */
export interface StoreUnderTest {
  readonly store: QueueStore;
  /** Lets it do something of what it was told; called again until it is done. */
  pass(): Promise<void>;
  /** Ends this life of the store and begins the next one, on the same records. */
  reopen(): Promise<StoreUnderTest>;
  close(): Promise<void>;
  /** Flips a bit in the value of a record that is on the disk. */
  damage(space: number, queue: number, key: number): Promise<void>;
}

const KEY_MAX = 2 ** 53 - 1;
const bytes = (text: string): Buffer => Buffer.from(text);

let outstanding = 0;

/** Commits, and tells in `log` when it is done. */
function commit({ store }: StoreUnderTest, log: string[] = [], name = ''): void {
  outstanding++;
  store.commit({
    done: (error) => {
      outstanding--;
      log.push(error ? `${name} failed` : name);
    },
  });
}

/** Resolves when every group is done. */
async function settle(test: StoreUnderTest): Promise<void> {
  while (outstanding > 0) await test.pass();
}

function all({ store }: StoreUnderTest, space: number, queue: number, from = 0, to = Infinity): [number, string][] {
  const found: [number, string][] = [];
  store.scan(space, queue, from, to, (key, value) => {
    found.push([key, value.toString()]);
    return true;
  });
  return found;
}

async function filled(test: StoreUnderTest): Promise<void> {
  for (const key of [3, 0, KEY_MAX, 2 ** 32, 2 ** 48 + 7, 255]) test.store.put(1, 7, key, bytes(`v${key}`));
  for (const [space, queue] of [
    [0, 7],
    [2, 7],
    [1, 6],
    [1, 8],
    [1, 2 ** 32 - 1],
  ] as const)
    test.store.put(space, queue, 5, bytes('other'));
  commit(test);
  await settle(test);
}

/** What every implementation of the port does. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let test: StoreUnderTest;
    beforeEach(async () => {
      outstanding = 0;
      test = await open();
    });
    afterEach(() => test.close());

    it('gives back what was put, also in its next life', async () => {
      await filled(test);
      expect(test.store.get(1, 7, 3)?.toString()).toBe('v3');
      expect(test.store.get(1, 7, 4)).toBeNull();
      test.store.put(1, 7, 3, bytes('another'));
      test.store.put(1, 7, 4, Buffer.alloc(0));
      test.store.delete(1, 7, 0);
      test.store.delete(1, 7, 1);
      commit(test);
      await settle(test);
      test = await test.reopen();
      expect(test.store.get(1, 7, 3)?.toString()).toBe('another');
      expect(test.store.get(1, 7, 4)).toEqual(Buffer.alloc(0));
      expect(test.store.get(1, 7, 0)).toBeNull();
    });

    it('orders keys by number, each queue and space for itself', async () => {
      await filled(test);
      const keys = all(test, 1, 7).map(([key]) => key);
      expect(keys).toEqual([0, 3, 255, 2 ** 32, 2 ** 48 + 7, KEY_MAX]);
      expect(all(test, 1, 7, 3, 2 ** 32)).toEqual([
        [3, 'v3'],
        [255, 'v255'],
      ]);
      expect(all(test, 1, 7, 4, 4)).toEqual([]);
      expect(all(test, 1, 2 ** 32 - 1)).toEqual([[5, 'other']]);
      expect(all(test, 1, 5)).toEqual([]);
      expect([test.store.last(1, 7), test.store.last(0, 7), test.store.last(1, 9)]).toEqual([KEY_MAX, 5, -1]);
      expect([test.store.last(3, 0), test.store.last(0, 0)]).toEqual([-1, -1]);
    });

    it('ends a scan when the visitor says so, and lets it read and write meanwhile', async () => {
      await filled(test);
      const seen: string[] = [];
      test.store.scan(1, 7, 0, Infinity, (key, value) => {
        expect(test.store.get(1, 6, 5)?.toString()).toBe('other');
        expect(test.store.last(1, 8)).toBe(5);
        test.store.put(1, 7, key + 1, bytes('new'));
        if (key === 0) expect(all(test, 1, 7, 1, 100)).toEqual([[3, 'v3']]);
        seen.push(value.toString());
        return key < 255;
      });
      expect(seen).toEqual(['v0', 'v3', 'v255']);
      commit(test);
      await settle(test);
      expect(all(test, 1, 7, 0, 300).map(([key]) => key)).toEqual([0, 1, 3, 4, 255, 256]);
    });

    it('does groups in the order of their commits, and never within the call', async () => {
      const log: string[] = [];
      for (const group of ['a', 'b', 'empty', 'c']) {
        if (group !== 'empty') test.store.put(1, 1, log.length, bytes(group));
        commit(test, log, group);
        expect(log).toEqual([]);
      }
      expect(test.store.unflushedBytes).toBeGreaterThan(0);
      await settle(test);
      expect(log).toEqual(['a', 'b', 'empty', 'c']);
      expect(test.store.unflushedBytes).toBe(0);
    });

    it('leaves what is not committed for the group that is', async () => {
      test.store.put(1, 1, 1, bytes('committed'));
      commit(test);
      test.store.put(1, 1, 2, bytes('not yet'));
      await settle(test);
      expect(all(test, 1, 1)).toEqual([[1, 'committed']]);
      commit(test);
      await settle(test);
      expect(all(test, 1, 1)).toEqual([
        [1, 'committed'],
        [2, 'not yet'],
      ]);
    });

    it('lets a completion commit the next group', async () => {
      const log: string[] = [];
      test.store.put(1, 1, 1, bytes('first'));
      let seen: string | undefined;
      outstanding++;
      test.store.commit({
        done: () => {
          outstanding--;
          seen = test.store.get(1, 1, 1)?.toString();
          test.store.delete(1, 1, 1);
          commit(test, log, 'second');
        },
      });
      await settle(test);
      expect(seen).toBe('first');
      expect([log, test.store.get(1, 1, 1)]).toEqual([['second'], null]);
    });

    it('applies the changes of one key in their order, within a group and over groups', async () => {
      test.store.put(1, 1, 1, bytes('a'));
      test.store.delete(1, 1, 1);
      test.store.put(1, 1, 1, bytes('b'));
      commit(test);
      test.store.delete(1, 1, 1);
      commit(test);
      test.store.put(1, 1, 1, bytes('c'));
      commit(test);
      await settle(test);
      expect(all(test, 1, 1)).toEqual([[1, 'c']]);
    });

    it('keeps values of every length', async () => {
      const lengths = [0, 1, 2_000, 4_096, 70_000, 300_000, 1_048_576];
      lengths.forEach((length, key) => test.store.put(1, 1, key, Buffer.alloc(length, key + 1)));
      commit(test);
      await settle(test);
      lengths.forEach((length, key) =>
        expect(test.store.get(1, 1, key)?.equals(Buffer.alloc(length, key + 1))).toBe(true),
      );
      const found: number[] = [];
      test.store.scan(1, 1, 0, Infinity, (_key, value) => found.push(value.length) > 0);
      expect(found).toEqual(lengths);
    });

    it('tells a damaged record, and serves the others', async () => {
      await filled(test);
      await test.damage(1, 7, 255);
      expect(() => test.store.get(1, 7, 255)).toThrow(RecordDamagedError);
      expect(() => all(test, 1, 7)).toThrow('record 255 of queue 7 (space 1) is damaged');
      expect(all(test, 1, 7, 256).length).toBe(3);
      expect(all(test, 1, 8)).toEqual([[5, 'other']]);
      test.store.delete(1, 7, 255);
      commit(test);
      await settle(test);
      expect(all(test, 1, 7).length).toBe(5);
    });
  });
}
