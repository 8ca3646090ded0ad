import { ReferenceRecount } from '../queues/reference-recount';
import { OTHERS_FROM, SPACE } from '../queues/spaces';
import { DAMAGES_TOLD } from './limits';
import { KEY_BYTES, keyOf, queueOf, SPACE_END, spaceOf } from './queue-key';
import { openStoreImage } from './redo/beside';
import { finalChanges } from './redo/final-changes';
import { SEAL_BYTES, whyDamaged } from './sealed-record';
import { checkFormat, FORMAT, numberIn } from './store-life';
import { TreeWalk } from './tree-walk';

/** What one queue has, and has lost. */
export interface QueueSurvey {
  readonly queue: number;
  /** Null when the record that has it is lost. */
  name: string | null;
  messages: number;
  records: number;
  bytes: number;
  /** Records whose check sum is wrong. */
  damaged: number;
}

export interface StoreSurvey {
  readonly file: string;
  readonly fileBytes: number;
  /** Records, the store's own included. */
  readonly records: number;
  /** Those that could be read from its file; others stand in the redo log. */
  readonly recordsInFile: number;
  /** As the store says; more than that is not there. */
  readonly recordsWanted: number;
  /** By number; those that have records, or lost some. */
  readonly queues: readonly QueueSurvey[];
  /** The first ones of what is damaged. */
  readonly damages: readonly string[];
  readonly damageCount: number;
}

/** Where messages are. */
const MESSAGES: readonly number[] = [SPACE.messages, SPACE.delayed, SPACE.dead];

/** Takes every record whose check sum is right. */
export type RecordTaker = (space: number, queue: number, key: number, record: Buffer) => void;

class Survey {
  readonly queues = new Map<number, QueueSurvey>();
  readonly references = new ReferenceRecount();
  readonly names = new Map<number, string>();
  readonly damages: string[] = [];
  damageCount = 0;
  records = 0;

  constructor(
    private readonly file: string,
    private readonly take: RecordTaker,
  ) {}

  record(id: Buffer, record: Buffer): void {
    if (id.length !== KEY_BYTES) return this.damage('a key of another length');
    const [space, queue, key] = [spaceOf(id, 0), queueOf(id, 0), keyOf(id, 0)];
    const why = whyDamaged(space, queue, key, record, record.length);
    if (why !== null) return this.#damaged(space, queue, key, why);
    this.#checkFormat(space, key, record);
    this.records++;
    if (space === SPACE.directory || space === SPACE.intakes) this.names.set(key, record.toString('utf8', SEAL_BYTES));
    else if (space < OTHERS_FROM) this.#count(space, queue, record.length);
    this.references.add(space, key, record.subarray(SEAL_BYTES));
    this.take(space, queue, key, record);
  }

  lost(from: Buffer | null, to: Buffer | null, why: string): void {
    this.damage(
      `${why}: records ${placeOf(from, 'the first')} to ${placeOf(to, 'the last')} are lost, or some of them`,
    );
  }

  damage(what: string): void {
    this.damageCount++;
    if (this.damages.length < DAMAGES_TOLD) this.damages.push(what);
  }

  /** Those that have a name, or records, or lost some; by number. */
  all(): QueueSurvey[] {
    for (const [queue, name] of this.names) this.#of(queue).name = name;
    return [...this.queues.values()].sort((a, b) => a.queue - b.queue);
  }

  #count(space: number, queue: number, bytes: number): void {
    const survey = this.#of(queue);
    survey.records++;
    survey.bytes += bytes;
    if (MESSAGES.includes(space)) survey.messages++;
  }

  #damaged(space: number, queue: number, key: number, why: string): void {
    if (space < OTHERS_FROM && space !== SPACE.directory && space !== SPACE.intakes) this.#of(queue).damaged++;
    this.damage(`record ${key} of queue ${queue} (space ${space}): ${why}`);
  }

  #checkFormat(space: number, key: number, record: Buffer): void {
    if (space !== SPACE_END || key !== FORMAT) return;
    checkFormat(this.file, numberIn(record));
  }

  #of(queue: number): QueueSurvey {
    let survey = this.queues.get(queue);
    if (!survey)
      this.queues.set(queue, (survey = { queue, name: null, messages: 0, records: 0, bytes: 0, damaged: 0 }));
    return survey;
  }
}

function placeOf(id: Buffer | null, otherwise: string): string {
  if (id?.length !== KEY_BYTES) return otherwise;
  return `${keyOf(id, 0)} of queue ${queueOf(id, 0)} (space ${spaceOf(id, 0)})`;
}

/**
 * Reads a store of queues to its end, and its redo log, without LMDB: what is damaged in them is told.
 * @param back 0 for its newest state, 1 for that before its last transaction
 * @throws StoreDamagedError when it is no store; StoreVersionError
 */
export function surveyQueueStore(file: string, take: RecordTaker = () => undefined, back: 0 | 1 = 0): StoreSurvey {
  const { pages, root, redo } = openStoreImage(file, back);
  try {
    const survey = new Survey(file, take);
    const changes = finalChanges(redo);
    let changed = 0;
    new TreeWalk(pages, {
      record: (id, record) => {
        if (changes.size > 0 && changes.has(id.toString('latin1'))) changed++;
        else survey.record(id, record);
      },
      lost: (from, to, why) => survey.lost(from, to, why),
    }).walk(root);
    const recordsInFile = survey.records + changed;
    if (survey.damageCount === 0 && recordsInFile !== root.entries)
      survey.damage(`there are ${recordsInFile} records where ${root.entries} should be`);
    const put = [...changes].filter(([, { record }]) => record !== null);
    for (const [name, { record }] of put) if (record) survey.record(Buffer.from(name, 'latin1'), record);
    for (const damage of redo.damages) survey.damage(damage);
    for (const problem of survey.references.problems()) survey.damage(problem);
    const recordsWanted = root.entries - changed + put.length;
    const { records, damages, damageCount } = survey;
    const queues = survey.all();
    return { file, fileBytes: pages.bytes, records, recordsInFile, recordsWanted, queues, damages, damageCount };
  } finally {
    pages.close();
  }
}
