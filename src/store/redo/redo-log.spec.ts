import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REDO_SEGMENT_BYTES_FIRST, REDO_SEGMENTS } from '../limits';
import { SEAL_BYTES } from '../sealed-record';
import { HEAD_BYTES, LENGTH_BYTES, WriteLog } from '../write-log';
import { BLOCK_HEAD_BYTES, nextSector, readBlockHead, readSegmentHead, SEGMENT_HEAD_BYTES } from './format';
import { readRedoFiles, redoFilesIn, RedoImage, type RedoPosition } from './reader';
import { RedoLog } from './redo-log';

const top = mkdtempSync(join(tmpdir(), 'fairlead-redo-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

const ID = 7_777;
const START: RedoPosition = { id: ID, applied: 0, needed: 1 };

/** Writes blocks of records 1, 2, 3 and so on to a log. */
class Writer {
  readonly folder: string;
  readonly redo: RedoLog;
  readonly #log = new WriteLog();
  #next = 1;

  constructor(
    folder = mkdtempSync(join(top, 'log-')),
    start = { id: ID, sequence: 0, newest: 0, kept: null as string | null },
  ) {
    this.folder = folder;
    this.redo = new RedoLog(folder, start);
  }

  async block(records = 1, bytes = 100): Promise<number> {
    const from = this.#log.end;
    for (let n = 0; n < records; n++, this.#next++) {
      this.#log.put(3, 1, this.#next, Buffer.alloc(bytes, this.#next));
      this.#log.delete(3, 2, this.#next);
    }
    const { end } = this.#log;
    if (end - from > this.redo.room) await this.redo.rotate();
    const sequence = await this.redo.append(this.#log.bytes(from, end), end - from);
    this.#log.release(end);
    return sequence;
  }

  async blocks(count: number, bytes = 100): Promise<this> {
    for (let n = 0; n < count; n++) await this.block(1, bytes);
    return this;
  }

  image(position = START): RedoImage {
    return new RedoImage(readRedoFiles(this.folder), position);
  }
}

/** Bytes of a {@link Writer.block} of one record. */
const lengthOf = (bytes: number): number => 2 * HEAD_BYTES + LENGTH_BYTES + SEAL_BYTES + bytes;

/** Keys of the records that an image puts. */
function keysOf(image: RedoImage): number[] {
  const keys: number[] = [];
  image.visit((space, queue, key, record) => {
    if (space !== 3 || queue !== (record === null ? 2 : 1))
      throw new Error(`a change of queue ${queue} in space ${space}`);
    if (record === null) return;
    if (!record.subarray(4).equals(Buffer.alloc(record.length - 4, key))) throw new Error(`another value of ${key}`);
    keys.push(key);
  });
  return keys;
}

const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, n) => first + n);

function changed(folder: string, name: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(join(folder, name));
  change(bytes);
  writeFileSync(join(folder, name), bytes);
}

/** Where the blocks of a file begin. */
function startsOf(folder: string, name: string): number[] {
  const bytes = readFileSync(join(folder, name));
  const number = readSegmentHead(bytes)?.number;
  const starts: number[] = [];
  for (let at = SEGMENT_HEAD_BYTES; ;) {
    const head = readBlockHead(bytes, at);
    if (head === null || head.number !== number) return starts;
    starts.push(at);
    at = nextSector(at + BLOCK_HEAD_BYTES + head.bytes);
  }
}

describe('a redo log', () => {
  it('has every block that was done, in order', async () => {
    const writer = await new Writer().blocks(5);
    expect(await writer.block(300, 2_000)).toBe(6);
    const image = writer.image();
    expect([image.damages, image.last]).toEqual([[], 6]);
    expect(keysOf(image)).toEqual(upTo(305));
    expect(keysOf(writer.image({ ...START, applied: 5 }))).toEqual(upTo(305, 6));
    expect(writer.image({ ...START, applied: 6 }).isEmpty).toBe(true);
    await writer.redo.close();
  });

  it('goes on in longer segments, and has them in order', async () => {
    const writer = await new Writer().blocks(24, 200_000);
    const sizes = redoFilesIn(writer.folder).map((name) => statSync(join(writer.folder, name)).size);
    expect(sizes.slice(0, 3)).toEqual([1, 1, 2].map((times) => times * REDO_SEGMENT_BYTES_FIRST));
    expect(writer.image().damages).toEqual([]);
    expect(keysOf(writer.image())).toEqual(upTo(24));
    await writer.redo.close();
  });

  it('uses a segment again once LMDB does not need it, and waits for that', async () => {
    const writer = new Writer();
    let applied = 0;
    for (let n = 1; n <= 80; n++) {
      const before = writer.redo.neededAfter(applied);
      // Every file is full: it waits.
      const isStuck = lengthOf(500_000) > writer.redo.room && writer.redo.isUsedUp;
      const block = writer.block(1, 500_000);
      if (isStuck) {
        applied = writer.redo.sequence;
        writer.redo.release(writer.redo.neededAfter(applied));
      }
      await block;
      const image = writer.image({ id: ID, applied, needed: isStuck ? writer.redo.neededAfter(applied) : before });
      if (n % 20 === 0) expect(image.damages).toEqual([]);
    }
    expect(applied).toBeGreaterThan(0);
    expect(redoFilesIn(writer.folder).length).toBe(REDO_SEGMENTS);
    await writer.redo.close();
  }, 60_000);

  it('begins each life in a segment of its own, and keeps the one that LMDB may need', async () => {
    const first = await new Writer().blocks(3);
    await first.redo.close();
    let image = first.image();
    const lives = [];
    for (let life = 0; life < 4; life++) {
      const start = { id: ID, sequence: image.last, newest: image.newest, kept: image.newestFile };
      const needed = image.newest;
      const writer = await new Writer(first.folder, start).blocks(2);
      await writer.redo.close();
      image = new RedoImage(readRedoFiles(first.folder), { id: ID, applied: start.sequence, needed });
      expect(image.damages).toEqual([]);
      lives.push(keysOf(image).length);
    }
    expect(lives).toEqual([2, 2, 2, 2]);
    expect(redoFilesIn(first.folder).length).toBe(2);
  });

  it('is not that of another store', async () => {
    const writer = await new Writer().blocks(3);
    const other = writer.image({ id: ID + 1, applied: 0, needed: 1 });
    expect([other.isEmpty, other.damages]).toEqual([true, ['segment 1 of the redo log is missing']]);
    const none = writer.image({ id: 0, applied: 0, needed: 0 });
    expect([none.isEmpty, none.damages]).toEqual([true, []]);
    await writer.redo.close();
  });
});

describe('a redo log whose write failed', () => {
  it('goes on in the next segment: what failed is in it no more, whether it is on the disk or not', async () => {
    for (const isThere of [true, false]) {
      const writer = await new Writer().blocks(3);
      const kept = join(top, `kept-${isThere}`);
      await writer.block();
      // The fourth one was not done, as far as anybody was told.
      cpSync(writer.folder, kept, { recursive: true });
      if (!isThere) changed(kept, 'redo-0', (bytes) => bytes.fill(0, startsOf(kept, 'redo-0')[3]));
      await writer.redo.close();
      const image = new RedoImage(readRedoFiles(kept), START);
      const again = new Writer(kept, { id: ID, sequence: 3, newest: image.newest, kept: 'redo-0' });
      expect(keysOf(new RedoImage(readRedoFiles(kept), START))).toEqual(upTo(isThere ? 4 : 3));
      await again.redo.restart();
      await again.blocks(2);
      const after = new RedoImage(readRedoFiles(kept), START);
      expect([after.damages, after.last]).toEqual([[], 6]);
      expect(keysOf(after)).toEqual([1, 2, 3, 1, 2]);
      await again.redo.close();
    }
  });

  it('tells whoever waits for a segment', async () => {
    const writer = new Writer();
    const waiting = (async () => {
      for (;;) await writer.block(1, 900_000);
    })();
    setTimeout(() => writer.redo.interrupt(new Error('the disk is gone')), 500);
    await expect(waiting).rejects.toThrow('the disk is gone');
    await writer.redo.close();
  });

  it('gives back the room of files that it does not need', async () => {
    const writer = await new Writer().blocks(12, 200_000);
    const before = redoFilesIn(writer.folder).length;
    writer.redo.release(writer.redo.neededAfter(writer.redo.sequence));
    await writer.redo.giveRoom();
    expect(redoFilesIn(writer.folder).length).toBeLessThan(before);
    await writer.blocks(40, 200_000);
    await writer.redo.close();
  });
});

describe('a damaged redo log', () => {
  /** Says what is wrong, and which records are there nevertheless. */
  function judge(folder: string): { damages: readonly string[]; keys: number[] } {
    const image = new RedoImage(readRedoFiles(folder), START);
    return { damages: image.damages, keys: keysOf(image) };
  }

  it('ends without a word where its last write is torn, wherever that is', async () => {
    const { folder, redo } = await new Writer().blocks(8, 1_000);
    await redo.close();
    const whole = readFileSync(join(folder, 'redo-0'));
    const last = startsOf(folder, 'redo-0').at(-1)!;
    for (let at = last; at < last + BLOCK_HEAD_BYTES + 1_000; at += 7) {
      writeFileSync(join(folder, 'redo-0'), Buffer.from(whole).fill(0, at));
      expect(judge(folder)).toEqual({ damages: [], keys: upTo(7) });
    }
  });

  it('says so of any other block, and has the others', async () => {
    const { folder, redo } = await new Writer().blocks(8, 1_000);
    await redo.close();
    const whole = readFileSync(join(folder, 'redo-0'));
    const starts = startsOf(folder, 'redo-0');
    for (let bit = 0; bit < 8 * (BLOCK_HEAD_BYTES + 1_034); bit += 61) {
      const n = bit % 7;
      writeFileSync(join(folder, 'redo-0'), whole);
      changed(folder, 'redo-0', (bytes) => (bytes[starts[n]! + Math.floor(bit / 8)]! ^= 1 << (bit % 8)));
      const { damages, keys } = judge(folder);
      expect(damages[0]).toBe('a block of redo-0 is damaged');
      expect(keys).toEqual(upTo(8).filter((key) => key !== n + 1));
    }
  });

  it('says so of a file that is cut off, gone, or has no head', async () => {
    const { folder, redo } = await new Writer().blocks(12, 200_000);
    await redo.close();
    const names = readdirSync(folder);
    expect(judge(folder)).toEqual({ damages: [], keys: upTo(12) });
    for (const name of names) {
      const bytes = readFileSync(join(folder, name));
      if (startsOf(folder, name).length === 0) continue;
      changed(folder, name, (head) => (head[20]! ^= 1));
      expect(judge(folder).damages.length).toBeGreaterThan(0);
      writeFileSync(join(folder, name), bytes);
      truncateSync(join(folder, name), bytes.length - 1);
      expect(judge(folder).damages[0]).toContain(`${name} has ${bytes.length - 1} bytes`);
      rmSync(join(folder, name));
      expect(judge(folder).damages.length).toBeGreaterThan(0);
      writeFileSync(join(folder, name), bytes);
    }
  });
});
