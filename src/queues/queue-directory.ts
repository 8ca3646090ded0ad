import type { Group } from './group';
import type { LargeStore } from './large-store';
import { QueueRemoval } from './queue-removal';
import type { SharedPayloads } from './shared-payloads';
import { SPACE } from './spaces';
import type { QueueStore } from './store-port';

export interface DirectoryHome {
  readonly large: LargeStore;
  readonly payloads: SharedPayloads;
  /** The group of this turn, which has a change now. */
  change(): Group;
  /** Call `turn` again. */
  wantsRemovalTurn(): void;
}

/** In place of a name: the queue is deleted, and its records are on their way out. */
const DELETED = Buffer.alloc(0);

/** Which queues are on the disk, and under which numbers. A number is not used again while records of it may be left. */
export class QueueDirectory {
  readonly #ids = new Map<string, number>();
  readonly #intakes = new Map<string, number>();
  readonly #staged = new Set<number>();
  readonly #removals = new Map<number, QueueRemoval>();
  #nextId = 1;

  /** @throws RecordDamagedError */
  constructor(
    private readonly store: QueueStore,
    private readonly home: DirectoryHome,
  ) {
    store.scan(SPACE.intakes, 0, 0, Number.MAX_SAFE_INTEGER, (id, value) => {
      this.#intakes.set(value.toString(), id);
      this.#nextId = id + 1;
      return true;
    });
    store.scan(SPACE.directory, 0, 0, Number.MAX_SAFE_INTEGER, (id, value) => {
      if (value.length === 0) this.#clear(id);
      else this.#ids.set(value.toString(), id);
      this.#nextId = Math.max(this.#nextId, id + 1);
      return true;
    });
  }

  get names(): readonly string[] {
    return [...this.#ids.keys()];
  }

  get size(): number {
    return this.#ids.size + this.#staged.size + this.#removals.size;
  }

  has(name: string): boolean {
    return this.#ids.has(name);
  }

  /** The number of a queue, made on first use. */
  enter(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#nextId++;
    this.#ids.set(name, id);
    this.#write(SPACE.directory, id, Buffer.from(name), () => this.#ids.get(name) === id);
    return id;
  }

  /** The same of an intake. */
  enterIntake(name: string): number {
    const known = this.#intakes.get(name);
    if (known !== undefined) return known;
    const id = this.#nextId++;
    this.#intakes.set(name, id);
    this.#write(SPACE.intakes, id, Buffer.from(name), () => true);
    return id;
  }

  /** Writes until it has come to pass, or is wanted no more. */
  #write(space: number, id: number, value: Buffer, isWanted: () => boolean, done: () => void = () => undefined): void {
    this.store.put(space, 0, id, value);
    this.home.change().waiting.push({
      done: (error) => {
        if (error === null) done();
        else if (isWanted()) this.#write(space, id, value, isWanted, done);
      },
    });
  }

  remove(name: string): void {
    const id = this.#ids.get(name);
    if (id === undefined) return;
    this.#ids.delete(name);
    this.#delete(id);
  }

  #delete(id: number): void {
    // Its last puts may be on their way still: its records are looked for behind them.
    this.#write(
      SPACE.directory,
      id,
      DELETED,
      () => true,
      () => this.#clear(id),
    );
  }

  /** A number for a queue that comes from elsewhere: until it is adopted, a crash leaves nothing of it. */
  stage(): number {
    const id = this.#nextId++;
    this.#staged.add(id);
    this.#write(SPACE.directory, id, DELETED, () => this.#staged.has(id));
    return id;
  }

  /** What was staged is a queue from the group of this turn on. @param done it is so on the disk */
  adopt(id: number, name: string, done: () => void): void {
    this.#staged.delete(id);
    this.#ids.set(name, id);
    this.#write(SPACE.directory, id, Buffer.from(name), () => this.#ids.get(name) === id, done);
  }

  /** What was staged goes. */
  discard(id: number): void {
    if (this.#staged.delete(id)) this.#delete(id);
  }

  /** The number of a queue that is there. */
  idOf(name: string): number | null {
    return this.#ids.get(name) ?? null;
  }

  #clear(id: number): void {
    const home = { ...this.home, removed: () => void this.#removals.delete(id) };
    this.#removals.set(id, new QueueRemoval(this.store, home, id));
    this.home.wantsRemovalTurn();
  }

  /** Goes on with removals. */
  turn(): void {
    for (const removal of this.#removals.values()) removal.turn();
  }
}
