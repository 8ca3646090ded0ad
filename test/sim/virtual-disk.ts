import type { SeededRandom } from '../../src/common/ports';
import type { ModelStore } from '../../src/queues/model-store.fixture';
import type { QueueStore, StoreCompletion, StoreState, StoreVisit } from '../../src/queues/store-port';
import type { VirtualTime } from './virtual-time';

/** How long a group takes to the disk at least, and up to how much longer. */
const FLUSH_MS = 1;
const FLUSH_SPREAD_MS = 8;

/** A node's disk for its queues: groups are durable a while after their commit, in order. */
export class VirtualDisk implements QueueStore {
  #isWriting = false;

  constructor(
    private readonly time: VirtualTime,
    private readonly records: ModelStore,
    private readonly random: SeededRandom,
    /** False once the process that it belongs to has died. */
    private readonly alive: () => boolean,
  ) {}

  get onState(): (state: StoreState) => void {
    return this.records.onState;
  }

  set onState(told: (state: StoreState) => void) {
    this.records.onState = told;
  }

  get putEpoch(): number {
    return this.records.putEpoch;
  }

  get state(): StoreState {
    return this.records.state;
  }

  get lacksRoom(): boolean {
    return this.records.lacksRoom;
  }

  get unflushedBytes(): number {
    return this.records.unflushedBytes;
  }

  put(space: number, queue: number, key: number, value: Buffer): void {
    this.records.put(space, queue, key, value);
  }

  delete(space: number, queue: number, key: number): void {
    this.records.delete(space, queue, key);
  }

  commit(done: StoreCompletion): void {
    this.records.commit(done);
    if (!this.#isWriting) this.#write();
  }

  #write(): void {
    this.#isWriting = true;
    this.time.after(FLUSH_MS + this.random.below(FLUSH_SPREAD_MS), () => {
      this.#isWriting = false;
      if (!this.alive()) return;
      this.records.step(1);
      if (this.records.pending > 0 && !this.#isWriting) this.#write();
    });
  }

  /** What is being written fails, or it is full: nothing more is taken until it is mended. */
  break(state: 'full' | 'failed'): void {
    this.records.setState(state);
    if (state === 'failed') this.records.fail();
  }

  mend(): void {
    this.records.setState('ok');
  }

  get(space: number, queue: number, key: number): Buffer | null {
    return this.records.get(space, queue, key);
  }

  scan(space: number, queue: number, from: number, to: number, visit: StoreVisit): void {
    this.records.scan(space, queue, from, to, visit);
  }

  last(space: number, queue: number): number {
    return this.records.last(space, queue);
  }

  /** What is there after its process was killed: some of what was being written, perhaps, though nobody was told. */
  crash(): ModelStore {
    return this.records.crash(this.random.below(this.records.pending + 1));
  }
}
