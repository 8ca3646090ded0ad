import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StateRecount } from '../queues/recount';
import { countRecord } from '../queues/reference-counts';
import { ReferenceRecount } from '../queues/reference-recount';
import { OTHERS_COUNTS, OTHERS_FROM, SPACE } from '../queues/spaces';
import { type ClientSalvage, salvageClients } from './client-salvage';
import { clientStoreFile } from './client-store';
import { DataDirLock } from './data-dir-lock';
import { existingStoreFile } from './existing-store';
import { SALVAGE_RECORDS } from './limits';
import { keep, openQueueEnvironment, type QueueEnvironment, syncPath, told } from './queue-environment';
import { redoFilesIn } from './redo/reader';
import { SEAL_BYTES, sealOf } from './sealed-record';
import { beginFormat, markRestored } from './store-life';
import { type RecordTaker, type StoreSurvey, surveyQueueStore } from './store-survey';
import { arenaOf } from './write-log';

export interface Salvage {
  readonly survey: StoreSurvey;
  /** Where the damaged store is kept. */
  readonly kept: string;
  /** What clients have left; null for a node of a version that did not keep it. */
  readonly clients: ClientSalvage | null;
}

/**
 * Makes a new store of queues of every record of the old one that can be read and has a right check sum. The node must not run; the old
 * file is kept beside the new one, and stays in its place until the new one is complete. What clients have left is made anew likewise, if it
 * is damaged.
 * @param stamp part of the name of the old file, as of now
 * @throws BackupUnfinishedError, DataDirInUseError, StoreDamagedError when it is no store at all, StoreVersionError
 */
export async function salvage(dataDir: string, stamp: string): Promise<Salvage> {
  const file = existingStoreFile(dataDir);
  const lock = new DataDirLock(dataDir);
  lock.acquire();
  const folder = join(dirname(file), 'salvage');
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
    const fresh = join(folder, 'data.mdb');
    const survey = await copyRecords(file, fresh);
    const kept = join(dirname(file), `damaged-${stamp}.mdb`);
    keep(file, kept);
    const redo = redoFilesIn(dirname(file));
    for (const name of redo) keep(join(dirname(file), name), join(dirname(file), `damaged-${stamp}-${name}`));
    renameSync(fresh, file);
    // The new store has what they had, and takes no file for its own.
    for (const name of redo) rmSync(join(dirname(file), name));
    syncPath(dirname(file));
    const clients = existsSync(clientStoreFile(dataDir)) ? await salvageClients(dataDir, stamp) : null;
    return { survey, kept, clients };
  } catch (error) {
    throw told(file, error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    lock.release();
  }
}

async function copyRecords(file: string, fresh: string): Promise<StoreSurvey> {
  const environment = openQueueEnvironment(fresh);
  try {
    const references = new ReferenceRecount();
    const copy = new RecordCopy(environment, references);
    const count: RecordTaker = (space, _queue, key, record) => references.add(space, key, record.subarray(SEAL_BYTES));
    const take: RecordTaker = (space, queue, key, record) => copy.take(space, queue, key, record);
    let survey = surveyQueueStore(file, count);
    // Not even the root can be read: what was before the last transaction is better than nothing.
    const back = survey.recordsInFile === 0 && survey.damageCount > 0 ? 1 : 0;
    if (back === 1) survey = surveyQueueStore(file, count, back);
    // What messages share is known only when all of them were seen.
    surveyQueueStore(file, take, back);
    for (const { queue, name, records } of survey.queues) if (name === null && records > 0) copy.name(queue);
    copy.recount();
    copy.flush();
    beginFormat(environment);
    markRestored(environment);
    return survey;
  } finally {
    await environment.root.close();
  }
}

/** Writes records as they are, some thousand in a transaction. */
class RecordCopy {
  readonly #recounts = new Map<number, StateRecount>();
  #waiting: { space: number; queue: number; key: number; record: Buffer }[] = [];

  constructor(
    private readonly environment: QueueEnvironment,
    private readonly references: ReferenceRecount,
  ) {}

  take(space: number, queue: number, key: number, record: Buffer): void {
    if (OTHERS_COUNTS.includes(space) || !this.references.keeps(space, key, record.subarray(SEAL_BYTES))) return;
    if (space !== SPACE.directory && space !== SPACE.intakes && space < OTHERS_FROM) {
      let recount = this.#recounts.get(queue);
      if (!recount) this.#recounts.set(queue, (recount = new StateRecount()));
      recount.add(space, key, record.subarray(SEAL_BYTES));
    }
    this.#write(space, queue, key, record);
  }

  #write(space: number, queue: number, key: number, record: Buffer): void {
    this.#waiting.push({ space, queue, key, record: Buffer.from(record) });
    if (this.#waiting.length >= SALVAGE_RECORDS) this.flush();
  }

  /** The records of a queue whose name is lost belong to no other that is made later. */
  name(queue: number): void {
    this.#seal(SPACE.directory, 0, queue, Buffer.from(`salvaged.${queue}`));
  }

  /** What queues know of themselves fits what is left of them. */
  recount(): void {
    for (const [queue, recount] of this.#recounts) this.#seal(SPACE.state, queue, 0, recount.result().encode());
    for (const [space, id, count] of this.references.counts()) this.#seal(space, 0, id, countRecord(count));
  }

  #seal(space: number, queue: number, key: number, value: Buffer): void {
    const record = Buffer.concat([Buffer.alloc(SEAL_BYTES), value]);
    record.writeInt32LE(sealOf(space, queue, key, value, 0, value.length));
    this.#write(space, queue, key, record);
  }

  flush(): void {
    const { root, codec } = this.environment;
    root.transactionSync(() => {
      for (const { space, queue, key, record } of this.#waiting.splice(0)) {
        [codec.space, codec.queue] = [space, queue];
        const arena = arenaOf(record.length);
        record.copy(arena);
        void root.put(key, arena);
      }
    });
  }
}
