import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { PROBE_BYTES, QUEUE_PAGE_BYTES } from '../../src/store/limits';
import { queueStoreFile } from '../../src/store/queue-environment';
import {
  BLOCK_HEAD_BYTES,
  nextSector,
  readBlockHead,
  readSegmentHead,
  SEGMENT_HEAD_BYTES,
} from '../../src/store/redo/format';
import { filesIn, writeFiles } from '../support/disk/disk-shim';
import { heldGroups, RECORDS_PER_GROUP, StoreWriter, whatIsLost } from '../support/disk/store-writer';
import { fairlead } from '../support/command';
import { leash } from '../support/reaper';
import { note, randomOf, seedOf } from '../support/seed';

const random = randomOf(seedOf(__filename));
const below = (n: number): number => random.u32() % n;
const CASE_MS = 180_000;
const CASES = 60;
const PAGE = QUEUE_PAGE_BYTES;

const top = mkdtempSync(join(tmpdir(), 'fairlead-torn-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const fresh = (): string => mkdtempSync(join(top, 'node-'));

interface Opened {
  readonly refused: string | null;
  readonly damaged: number;
  readonly found: number;
}

/** A process that opens stores. */
class Opener {
  readonly #process: ChildProcess;
  readonly #lines: Interface;
  readonly #death: Promise<never>;

  constructor() {
    const program = join(__dirname, '../support/disk/store-opener.js');
    this.#process = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'ignore'] });
    leash(this.#process);
    this.#lines = createInterface(this.#process.stdout!);
    this.#death = once(this.#process, 'exit').then((how) => Promise.reject(new Error(`it died: ${how.join(' ')}`)));
    // It is ended by us when it is needed no more.
    this.#death.catch(() => undefined);
  }

  /** Throws when the process dies of it. */
  async open(folder: string): Promise<Opened> {
    const answer = once(this.#lines, 'line') as Promise<[string]>;
    this.#process.stdin!.write(`${folder}\n`);
    const [line] = await Promise.race([answer, this.#death]);
    return JSON.parse(line) as Opened;
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }
}

type Files = Map<string, Buffer>;

/** A store that was killed under load, and how many records it has. */
async function killed(layerMs?: number): Promise<{ files: Files; records: number }> {
  const folder = fresh();
  const writer = new StoreWriter({ folder, keep: 300, ...(layerMs === undefined ? {} : { layerMs }) });
  await writer.writes(1_200);
  await writer.kill();
  const { first, last, problems } = heldGroups(queueStoreFile(folder));
  expect(problems).toEqual([]);
  return { files: filesIn(join(folder, 'queues')), records: (last - first + 1) * RECORDS_PER_GROUP };
}

/** Opens the store of such files. */
async function openedBy(opener: Opener, files: Files): Promise<Opened> {
  const folder = fresh();
  mkdirSync(join(folder, 'queues'));
  writeFiles(join(folder, 'queues'), files);
  try {
    return await opener.open(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same files but for one. */
function withFile(files: Files, name: string, bytes: Buffer): Files {
  return new Map([...files, [name, bytes]]);
}

/** Pages that the last transaction wrote, by their own word. */
function lastWritten(bytes: Buffer): number[] {
  const newest = Math.max(...[0, PAGE].map((meta) => Number(bytes.readBigUInt64LE(meta + 152))));
  const pages = Array.from({ length: Math.floor(bytes.length / PAGE) }, (_, n) => n).slice(2);
  return pages.filter((n) => Number(bytes.readBigUInt64LE(n * PAGE + 8)) >= newest);
}

const DAMAGES: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  'cut off at any byte': (bytes) => bytes.subarray(0, below(bytes.length)),
  'with zeros from a byte of the last write on': (bytes) => {
    for (const page of lastWritten(bytes))
      if (below(2) === 0) bytes.fill(0, page * PAGE + below(PAGE), (page + 1) * PAGE);
    return bytes;
  },
  'with zeros for some pages': (bytes) => {
    for (let n = 1 + below(3); n > 0; n--) {
      const page = 2 + below(bytes.length / PAGE - 3);
      bytes.fill(0, page * PAGE, (page + 1) * PAGE);
    }
    return bytes;
  },
};

describe('a torn copy of a data folder (F19)', () => {
  it.each(Object.entries(DAMAGES))(
    '%s opens with all that it had, or says that it has not',
    async (_how, damage) => {
      // Changes go to LMDB all the time, so that its last transaction has many pages.
      const { files, records } = await killed(5);
      const opener = new Opener();
      const counts = { whole: 0, damaged: 0, refused: 0 };
      for (let n = 0; n < CASES; n++) {
        const bytes = damage(Buffer.from(files.get('data.mdb')!));
        const { refused, damaged, found } = await openedBy(opener, withFile(files, 'data.mdb', bytes));
        if (refused !== null) expect(refused).toBe('FL_STORE_DAMAGED');
        else if (damaged === 0) expect(found).toBe(records);
        if (refused !== null) counts.refused++;
        else if (damaged > 0) counts.damaged++;
        else counts.whole++;
      }
      opener.stop();
      note(JSON.stringify(counts));
      expect(counts.damaged + counts.refused).toBeGreaterThan(0);
    },
    CASE_MS,
  );
});

/** Where the blocks of the segment that was written last begin, and where the last one ends. */
function lastBlocks(files: Files): { name: string; starts: number[]; end: number } {
  const segments = [...files].flatMap(([name, bytes]) => {
    const head = name === 'data.mdb' ? null : readSegmentHead(bytes);
    return head ? [{ name, bytes, number: head.number }] : [];
  });
  const withBlocks = segments.map(({ name, bytes, number }) => {
    const starts: number[] = [];
    let end = SEGMENT_HEAD_BYTES;
    for (let head = readBlockHead(bytes, end); head?.number === number; head = readBlockHead(bytes, end)) {
      starts.push(end);
      end = nextSector(end + BLOCK_HEAD_BYTES + head.bytes);
    }
    return { name, starts, end, number };
  });
  return withBlocks.filter(({ starts }) => starts.length > 2).sort((a, b) => b.number - a.number)[0]!;
}

describe('a torn redo log (F19)', () => {
  it(
    'whose last write is torn at any byte opens with all that was written before',
    async () => {
      const { files, records } = await killed();
      const { name, starts, end } = lastBlocks(files);
      const last = starts.at(-1)!;
      const opener = new Opener();
      const { found: before } = await openedBy(opener, withFile(files, name, zeroed(files.get(name)!, last, end)));
      for (let n = 0; n < CASES; n++) {
        const bytes = zeroed(files.get(name)!, last + below(end - last), end);
        const { refused, damaged, found } = await openedBy(opener, withFile(files, name, bytes));
        expect([refused, damaged]).toEqual([null, 0]);
        expect([before, records]).toContain(found);
      }
      opener.stop();
    },
    CASE_MS,
  );

  it(
    'in which an earlier write is torn, or that is cut off, is refused',
    async () => {
      const { files } = await killed();
      const { name, starts } = lastBlocks(files);
      const bytes = files.get(name)!;
      const opener = new Opener();
      for (let n = 0; n < CASES; n++) {
        const at = below(starts.length - 1);
        const [from, to] = [starts[at]!, starts[at + 1]!];
        const torn = Buffer.from(bytes);
        torn[from + below(BLOCK_HEAD_BYTES + 30)]! ^= 1 << below(8);
        const cases = [withFile(files, name, torn), withFile(files, name, zeroed(bytes, from, to))];
        cases.push(withFile(files, name, bytes.subarray(0, below(bytes.length))));
        cases.push(new Map([...files].filter(([other]) => other !== name)));
        const { refused } = await openedBy(opener, cases[n % cases.length]!);
        expect(refused).toBe('FL_STORE_DAMAGED');
      }
      opener.stop();
    },
    CASE_MS,
  );
});

function zeroed(bytes: Buffer, from: number, to: number): Buffer {
  return Buffer.from(bytes).fill(0, from, to);
}

describe('a large store whose process was killed', () => {
  it(
    'is opened: what is looked into before is all of it',
    async () => {
      const folder = fresh();
      const writer = new StoreWriter({ folder, layerMs: 5 });
      await writer.writes(300);
      await writer.kill();
      const file = queueStoreFile(folder);
      // Pages behind the last one are no damage, and take no room on the disk.
      truncateSync(file, 2 * PROBE_BYTES);
      const again = new StoreWriter({ folder, from: heldGroups(file).last + 1 });
      expect(await again.said('open')).toContain('false');
      await again.writes(20);
      await again.close();
      expect(whatIsLost(file, again.acknowledged)).toEqual([]);
    },
    CASE_MS,
  );
});

describe('fairlead store beside a process that writes', () => {
  it(
    'checks and copies a state that was',
    async () => {
      const folder = fresh();
      const site = join(folder, 'site.yaml');
      writeFileSync(site, 'site: east\ndataDir: data\n');
      const data = join(folder, 'data');
      const node = spawn(process.execPath, [
        '-e',
        `require(${JSON.stringify(join(__dirname, '../../dist/store/node-state.js'))}).NodeState.open(process.argv[1]).close()`,
        data,
      ]);
      await once(node, 'close');
      const writer = new StoreWriter({ folder: data, window: 100 });
      for (let n = 0; n < 3; n++) {
        await writer.writes(500);
        const check = await fairlead('store', 'check', '-c', site);
        expect([check.code, check.stderr]).toEqual([0, '']);
        expect(check.stdout).toContain('no damage');
        const acknowledged = writer.acknowledged;
        const copy = join(folder, `copy-${n}`);
        const backup = await fairlead('store', 'backup', copy, '-c', site);
        expect([backup.code, backup.stderr]).toEqual([0, '']);
        const { last, problems } = heldGroups(queueStoreFile(copy));
        expect(problems).toEqual([]);
        expect(last).toBeGreaterThanOrEqual(acknowledged);
      }
      await writer.close();
      const epochs: string[] = [];
      for (const dataDir of [data, join(folder, 'copy-0'), join(folder, 'copy-0')]) {
        const life = new StoreWriter({ folder: dataDir, to: -1 });
        epochs.push((await life.said('open')).split(' ')[1]!);
        await life.close();
      }
      expect(epochs[1]).toBe(epochs[2]);
      expect(Number(epochs[1])).toBeGreaterThan(Number(epochs[0]));
    },
    CASE_MS,
  );
});
