import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SeededRandom } from '../../../src/common/ports';
import { queueStoreFile } from '../../../src/store/queue-environment';
import { redoFilesIn } from '../../../src/store/redo/reader';
import { note } from '../seed';

/** What the shim does to the disk; see disk-shim.c. */
export const DISK = {
  sound: '.',
  writesFail: 'e',
  syncsFail: 'f',
  metaWritesFail: 'm',
  noRoom: 'n',
  slow: 's',
} as const;

/**
 * Compiles the shim. Null where there is no compiler, which is said; with CI=true that is an error.
 */
function compile(folder: string): string | null {
  const library = join(folder, 'disk-shim.so');
  const args = ['-O2', '-Wall', '-Werror', '-shared', '-fPIC', '-o', library, join(__dirname, 'disk-shim.c')];
  const { status, error, stderr } = spawnSync('gcc', [...args, '-ldl', '-lpthread'], { encoding: 'utf8' });
  if (status === 0) return library;
  const why = error ? `gcc cannot be run: ${error.message}` : stderr;
  if (process.env['CI'] === 'true' || !error) throw new Error(why);
  note(`SKIPPED what needs a bad disk: ${why} (apt-get install gcc libc6-dev)`);
  return null;
}

const folder = mkdtempSync(join(tmpdir(), 'fairlead-shim-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const library = process.platform === 'linux' ? compile(folder) : null;

/** For tests that need it: `itWithShim(…)`. */
export const itWithShim = library === null ? it.skip : it;

/** The disk below the store of queues of one data folder. */
export class FaultyDisk {
  readonly journal: string;
  readonly acks: string;
  readonly #control: string;
  readonly env: Readonly<Record<string, string>> & { readonly FAIRLEAD_SHIM_FOLDER: string };

  constructor(dataDir: string) {
    const own = mkdtempSync(join(folder, 'disk-'));
    this.journal = join(own, 'journal');
    this.acks = join(own, 'acks');
    this.#control = join(own, 'control');
    writeFileSync(this.#control, Buffer.alloc(8, DISK.sound).fill(0, 4));
    this.env = {
      LD_PRELOAD: library ?? '',
      FAIRLEAD_SHIM_FOLDER: dirname(queueStoreFile(dataDir)),
      FAIRLEAD_SHIM_JOURNAL: this.journal,
      FAIRLEAD_SHIM_ACKS: this.acks,
      FAIRLEAD_SHIM_CONTROL: this.#control,
    };
  }

  /** From the next call on. Where it is told, the process is killed instead of its nth operation from then on. */
  becomes(mode: (typeof DISK)[keyof typeof DISK], killedAt = 0): void {
    const control = Buffer.alloc(8, mode);
    control.writeUInt32LE(killedAt, 4);
    // In place: the process has the file in its memory.
    const handle = openSync(this.#control, 'r+');
    writeSync(handle, control, 0, control.length, 0);
    closeSync(handle);
  }

  /** Puts files and journal back to what they were when a process had been killed. */
  remembers(): () => void {
    const { FAIRLEAD_SHIM_FOLDER: folder } = this.env;
    const [files, journal] = [filesIn(folder), readFileSync(this.journal)];
    return () => {
      writeFiles(folder, files);
      writeFileSync(this.journal, journal);
    };
  }

  entries(): JournalEntry[] {
    return parse(readFileSync(this.journal));
  }

  /** The power is lost, once the process is dead: the files are what the disk has, and their next life is written down from there on. */
  losesPower(survivors: Survivors): void {
    const files = afterPowerLoss(this.entries(), survivors);
    writeFiles(this.env.FAIRLEAD_SHIM_FOLDER, files);
    const entries = [...files].flatMap(([name, image]) => [
      headOf('write', name, image.length),
      image,
      headOf('sync', name, 0),
    ]);
    writeFileSync(this.journal, Buffer.concat(entries));
  }
}

/** Makes these, and no others, the files of a store. */
export function writeFiles(folder: string, files: ReadonlyMap<string, Buffer>): void {
  for (const name of redoFilesIn(folder)) rmSync(join(folder, name));
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
}

/** The files of a store. */
export function filesIn(folder: string): Map<string, Buffer> {
  return new Map(['data.mdb', ...redoFilesIn(folder)].map((name) => [name, readFileSync(join(folder, name))]));
}

const KINDS = { 1: 'write', 2: 'durableWrite', 3: 'length', 4: 'sync', 5: 'acknowledged' } as const;
const HEAD_BYTES = 32;

function nameOf(file: number): string {
  return file === 0 ? 'data.mdb' : `redo-${file - 1}`;
}

function numberOf(name: string): number {
  return name === 'data.mdb' ? 0 : Number(name.split('-')[1]) + 1;
}

export interface JournalEntry {
  readonly kind: (typeof KINDS)[keyof typeof KINDS];
  /** Name of the file. */
  readonly file: string;
  readonly offset: number;
  readonly bytes: Buffer;
}

/** The last entry may be cut off: the process was killed. */
function parse(journal: Buffer): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (let at = 0; at + HEAD_BYTES <= journal.length;) {
    const [kind, file, offset, length] = [0, 8, 16, 24].map((field) => Number(journal.readBigUInt64LE(at + field)));
    const end = at + HEAD_BYTES + length!;
    if (end > journal.length) break;
    entries.push({
      kind: KINDS[kind as keyof typeof KINDS],
      file: nameOf(file!),
      offset: offset!,
      bytes: journal.subarray(at + HEAD_BYTES, end),
    });
    at = end;
  }
  return entries;
}

function headOf(kind: JournalEntry['kind'], file: string, length: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeBigUInt64LE(BigInt(Object.values(KINDS).indexOf(kind) + 1), 0);
  head.writeBigUInt64LE(BigInt(numberOf(file)), 8);
  head.writeBigUInt64LE(BigInt(length), 24);
  return head;
}

/** Parts of a write that reach the disk by themselves, or not. */
export type Survivors = (entry: JournalEntry) => Iterable<readonly [start: number, end: number]>;

export const NONE: Survivors = () => [];

const SECTOR = 512;

/** Some of the writes, whole or torn. */
export function someOf(random: SeededRandom): Survivors {
  return ({ bytes }) => {
    const kind = random.below(3);
    if (kind === 0) return [];
    if (kind === 1) return [[0, bytes.length]];
    const sectors = Array.from({ length: Math.ceil(bytes.length / SECTOR) }, (_, n) => n);
    return sectors
      .filter(() => random.chance(0.5))
      .map((n) => [n * SECTOR, Math.min((n + 1) * SECTOR, bytes.length)] as const);
  };
}

/** What a power loss after these entries finds: all that is durable, and of later writes what `survivors` says. */
export function afterPowerLoss(entries: readonly JournalEntry[], survivors: Survivors): Map<string, Buffer> {
  const names = new Set(entries.filter(({ kind }) => kind !== 'acknowledged').map(({ file }) => file));
  const files = [...names].map(
    (name) =>
      [
        name,
        imageOf(
          entries.filter(({ file }) => file === name),
          survivors,
        ),
      ] as const,
  );
  return new Map(files.filter(([, image]) => image.length > 0));
}

/** The same of the entries of one file. */
function imageOf(entries: readonly JournalEntry[], survivors: Survivors): Buffer {
  const size = entries.reduce((most, { offset, bytes }) => Math.max(most, offset + bytes.length), 0);
  const image = Buffer.alloc(size);
  const synced = entries.map(({ kind }) => kind).lastIndexOf('sync');
  let length = 0;
  entries.forEach((entry, n) => {
    const { kind, offset, bytes } = entry;
    if (kind === 'length' && n < synced) length = offset;
    if (kind !== 'write' && kind !== 'durableWrite') return;
    const parts = kind === 'durableWrite' || n < synced ? [[0, bytes.length] as const] : survivors(entry);
    for (const [start, end] of parts) {
      bytes.copy(image, offset + start, start, end);
      length = Math.max(length, offset + end);
    }
  });
  return image.subarray(0, length);
}

/** The last number that was acknowledged in these entries; -1 for none. */
export function acknowledgedIn(entries: readonly JournalEntry[]): number {
  const last = entries.filter(({ kind }) => kind === 'acknowledged').pop();
  return last ? Number(last.bytes.toString()) : -1;
}
