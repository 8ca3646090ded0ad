import {
  RecordDamagedError,
  type QueueStore,
  type StoreCompletion,
  type StoreState,
  type StoreVisit,
} from './store-port';

/** Records of one space of one queue, in order of their keys once somebody asks for it. */
class Table {
  readonly records = new Map<number, Buffer>();
  #keys: number[] = [];
  #sorted = true;

  set(key: number, value: Buffer): void {
    if (!this.records.has(key)) {
      if (this.#keys.length > 0 && key < (this.#keys[this.#keys.length - 1] as number)) this.#sorted = false;
      this.#keys.push(key);
    }
    this.records.set(key, value);
  }

  delete(key: number): void {
    this.records.delete(key);
    if (this.#keys.length > 1_000 && this.records.size * 2 < this.#keys.length) {
      this.#keys = [...this.records.keys()];
      this.#sorted = false;
    }
  }

  get keys(): readonly number[] {
    if (!this.#sorted) {
      this.#keys = [...this.records.keys()].sort((a, b) => a - b);
      this.#sorted = true;
    }
    return this.#keys;
  }
}

/** Every record, by space and queue. */
class Tables {
  readonly #tables = new Map<number, Table>();

  table(space: number, queue: number): Table {
    const name = space * 2 ** 32 + queue;
    let table = this.#tables.get(name);
    if (table === undefined) this.#tables.set(name, (table = new Table()));
    return table;
  }

  copy(): Tables {
    const copy = new Tables();
    for (const [name, { records }] of this.#tables) {
      const table = new Table();
      for (const [key, value] of records) table.set(key, value);
      copy.#tables.set(name, table);
    }
    return copy;
  }

  get size(): number {
    let size = 0;
    for (const { records } of this.#tables.values()) size += records.size;
    return size;
  }

  get bytes(): number {
    let bytes = 0;
    for (const { records } of this.#tables.values()) for (const value of records.values()) bytes += value.length;
    return bytes;
  }
}

interface Change {
  readonly space: number;
  readonly queue: number;
  readonly key: number;
  /** Null to delete. */
  readonly value: Buffer | null;
  /** What it was when it was given. */
  readonly copy: Buffer | null;
}

interface Group {
  readonly changes: Change[];
  readonly bytes: number;
  readonly completion: StoreCompletion;
}

export interface ModelStoreOptions {
  /** Reads see groups as soon as they are committed, or when they are done. */
  readonly early?: boolean;
  /** Says that a group is done before it is. */
  readonly lying?: boolean;
  /** Finds out who changes a value that belongs to the store. */
  readonly checked?: boolean;
}

/** A store in memory whose groups become durable when it is told so, and that loses the others in a crash. */
export class ModelStore implements QueueStore {
  onState: (state: StoreState) => void = () => undefined;
  unflushedBytes = 0;
  putEpoch = 1;
  lacksRoom = false;
  #state: StoreState = 'ok';
  #durable = new Tables();
  #seen: Tables;
  #changes: Change[] = [];
  #bytes = 0;
  #groups: Group[] = [];
  readonly #damaged = new Set<string>();
  readonly #early: boolean;
  readonly #checked: boolean;
  /** Done, as far as anybody knows. */
  #lies: Group[] = [];

  constructor(private readonly options: ModelStoreOptions = {}) {
    this.#early = options.early ?? options.lying ?? false;
    this.#checked = options.checked ?? true;
    this.#seen = this.#early ? new Tables() : this.#durable;
  }

  get state(): StoreState {
    return this.#state;
  }

  /** @param lacksRoom it has failed for want of room */
  setState(state: StoreState, lacksRoom = state === 'full'): void {
    this.lacksRoom = lacksRoom;
    if (state === this.#state) return;
    this.#state = state;
    this.onState(state);
  }

  put(space: number, queue: number, key: number, value: Buffer): void {
    this.#changes.push({ space, queue, key, value, copy: this.#checked ? Buffer.from(value) : null });
    this.#bytes += value.length;
  }

  delete(space: number, queue: number, key: number): void {
    this.#changes.push({ space, queue, key, value: null, copy: null });
  }

  commit(completion: StoreCompletion): void {
    const group = { changes: this.#changes, bytes: this.#bytes, completion };
    this.#groups.push(group);
    this.unflushedBytes += this.#bytes;
    if (this.#early) apply(group, this.#seen);
    this.#changes = [];
    this.#bytes = 0;
  }

  /** Groups that are committed and not durable. */
  get pending(): number {
    return this.#groups.length;
  }

  /** Makes the next groups durable, and says so. */
  step(groups = Number.POSITIVE_INFINITY): void {
    for (let left = groups; left > 0; left--) {
      const group = this.#groups.shift();
      if (group === undefined) return;
      this.unflushedBytes -= group.bytes;
      if (this.options.lying) this.#lie(group);
      else apply(group, this.#durable);
      group.completion.done(null);
    }
  }

  #lie(group: Group): void {
    apply(group, this.#seen);
    this.#lies.push(group);
    for (const late of this.#lies.splice(0, this.#lies.length - 1)) apply(late, this.#durable);
  }

  /** Until nothing more is committed. */
  settle(): void {
    while (this.#groups.length > 0) this.step(1);
  }

  /** The next group fails, and all behind it. Reads may see them nevertheless, where reads are early. */
  fail(error = new Error('EIO: i/o error, write')): void {
    const groups = this.#groups;
    this.#groups = [];
    this.unflushedBytes = 0;
    for (const { completion } of groups) completion.done(error);
  }

  /** What a process finds that starts after this one was killed: what was durable, and perhaps some groups of which it was not told. */
  crash(untold = 0): ModelStore {
    const after = new ModelStore(this.options);
    after.putEpoch = this.putEpoch;
    const durable = this.#durable.copy();
    // What was said to be there and is not is not followed by what came later.
    for (const group of this.#groups.slice(0, this.options.lying ? 0 : untold)) apply(group, durable);
    after.#durable = durable;
    after.#seen = this.#early ? durable.copy() : durable;
    for (const name of this.#damaged) after.#damaged.add(name);
    return after;
  }

  damage(space: number, queue: number, key: number): void {
    this.#damaged.add(`${space} ${queue} ${key}`);
  }

  get records(): number {
    return this.#durable.size;
  }

  /** Bytes of all of them. */
  get bytes(): number {
    return this.#durable.bytes;
  }

  keys(space: number, queue: number): readonly number[] {
    const { keys, records } = this.#durable.table(space, queue);
    return keys.filter((key, at) => records.has(key) && keys[at - 1] !== key);
  }

  get(space: number, queue: number, key: number): Buffer | null {
    const value = this.#seen.table(space, queue).records.get(key) ?? null;
    if (value !== null) this.#check(space, queue, key);
    return value === null ? null : Buffer.from(value);
  }

  scan(space: number, queue: number, from: number, to: number, visit: StoreVisit): void {
    const table = this.#seen.table(space, queue);
    const { keys } = table;
    for (let at = lowerBound(keys, from); at < keys.length; at++) {
      const key = keys[at] as number;
      if (key >= to) return;
      const value = table.records.get(key);
      if (value === undefined || keys[at - 1] === key) continue;
      this.#check(space, queue, key);
      if (!this.#lend(key, value, visit)) return;
    }
  }

  #lend(key: number, value: Buffer, visit: StoreVisit): boolean {
    if (!this.#checked) return visit(key, value);
    return visit(key, Buffer.from(value));
  }

  #check(space: number, queue: number, key: number): void {
    if (this.#damaged.has(`${space} ${queue} ${key}`)) throw new RecordDamagedError(space, queue, key, 'check sum');
  }

  last(space: number, queue: number): number {
    const table = this.#seen.table(space, queue);
    const { keys } = table;
    for (let at = keys.length - 1; at >= 0; at--) if (table.records.has(keys[at] as number)) return keys[at] as number;
    return -1;
  }
}

function apply({ changes }: Group, tables: Tables): void {
  for (const { space, queue, key, value, copy } of changes) {
    if (value === null) tables.table(space, queue).delete(key);
    else {
      if (copy !== null && !copy.equals(value))
        throw new Error(`value of ${space} ${queue} ${key} was changed meanwhile`);
      tables.table(space, queue).set(key, copy ?? value);
    }
  }
}

function lowerBound(keys: readonly number[], key: number): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as number) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
