import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SeededRandom } from '../../../src/common/ports';
import { queueStoreFile } from '../../../src/store/queue-environment';
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
  readonly env: Readonly<Record<string, string>> & { readonly FAIRLEAD_SHIM_FILE: string };

  constructor(dataDir: string) {
    const own = mkdtempSync(join(folder, 'disk-'));
    this.journal = join(own, 'journal');
    this.acks = join(own, 'acks');
    this.#control = join(own, 'control');
    writeFileSync(this.#control, DISK.sound);
    this.env = {
      LD_PRELOAD: library ?? '',
      FAIRLEAD_SHIM_FILE: queueStoreFile(dataDir),
      FAIRLEAD_SHIM_JOURNAL: this.journal,
      FAIRLEAD_SHIM_ACKS: this.acks,
      FAIRLEAD_SHIM_CONTROL: this.#control,
    };
  }

  /** From the next call on. */
  becomes(mode: (typeof DISK)[keyof typeof DISK]): void {
    // In place: the process has the file in its memory.
    const handle = openSync(this.#control, 'r+');
    writeSync(handle, mode, 0);
    closeSync(handle);
  }

  entries(): JournalEntry[] {
    return parse(readFileSync(this.journal));
  }

  /** The power is lost, once the process is dead: the file is what the disk has, and its next life is written down from there on. */
  losesPower(survivors: Survivors): void {
    const image = afterPowerLoss(this.entries(), survivors);
    writeFileSync(this.env.FAIRLEAD_SHIM_FILE, image);
    writeFileSync(this.journal, Buffer.concat([headOf('write', image.length), image, headOf('sync', 0)]));
  }
}

const KINDS = { 1: 'write', 2: 'durableWrite', 3: 'length', 4: 'sync', 5: 'acknowledged' } as const;
const HEAD_BYTES = 24;

export interface JournalEntry {
  readonly kind: (typeof KINDS)[keyof typeof KINDS];
  readonly offset: number;
  readonly bytes: Buffer;
}

/** The last entry may be cut off: the process was killed. */
function parse(journal: Buffer): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (let at = 0; at + HEAD_BYTES <= journal.length;) {
    const [kind, offset, length] = [0, 8, 16].map((field) => Number(journal.readBigUInt64LE(at + field)));
    const end = at + HEAD_BYTES + length!;
    if (end > journal.length) break;
    entries.push({
      kind: KINDS[kind as keyof typeof KINDS],
      offset: offset!,
      bytes: journal.subarray(at + HEAD_BYTES, end),
    });
    at = end;
  }
  return entries;
}

function headOf(kind: JournalEntry['kind'], length: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeBigUInt64LE(BigInt(Object.values(KINDS).indexOf(kind) + 1), 0);
  head.writeBigUInt64LE(BigInt(length), 16);
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
export function afterPowerLoss(entries: readonly JournalEntry[], survivors: Survivors): Buffer {
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
