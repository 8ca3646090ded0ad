import { FairleadError } from '../common/errors';
import type { Clock } from '../common/ports';
import type { PutSink, Queue, QueueHost, QueueHostEvents, QueuePolicy, QueueView } from './contract';
import { QueueDeletedError, QueueLimitError } from './errors';
import { answerPut, Group } from './group';
import { HomeQueue, type QueueHome } from './home-queue';
import type { WindowBudget } from './lane';
import { QUEUE_NAME_BYTES_MAX, QUEUES_MAX, UNFLUSHED_BYTES_MAX } from './limits';
import { RecordSlab } from './record';
import { REFUSAL, type Refusal } from './refusals';
import { SPACE } from './spaces';
import type { QueueStore } from './store-port';

export interface QueueHostPorts {
  readonly store: QueueStore;
  readonly events: QueueHostEvents;
  readonly clock: Pick<Clock, 'wall'>;
}

/**
 * The queues of a node. Whoever calls into them ends the turn with `flush`; after what the store tells, they do so themselves.
 * @throws RecordDamagedError when the list of queues is damaged
 */
export function createQueueHost(ports: QueueHostPorts): QueueHost {
  return new LocalQueueHost(ports);
}

interface WaitingRefusal {
  readonly sink: PutSink;
  readonly token: number;
  readonly refusal: Refusal;
}

/** What puts are told that were in a group that failed. */
function refusalOf(error: Error): Refusal {
  const isFull = error instanceof FairleadError && error.condition === 'amqp:resource-limit-exceeded';
  return isFull ? REFUSAL.storeFull : REFUSAL.storeFailed;
}

class LocalQueueHost implements QueueHost, QueueHome {
  readonly slab = new RecordSlab();
  readonly budget: WindowBudget = { used: 0 };
  pressed = false;
  readonly #store: QueueStore;
  readonly #ids = new Map<string, number>();
  readonly #queues = new Map<string, HomeQueue>();
  readonly #onDone = (group: Group, error: Error | null): void => this.#done(group, error);
  #nextId = 1;
  /** What this turn has changed on the disk, and in memory alone. */
  #durable = new Group(this.#onDone);
  #volatile = new Group(this.#onDone);
  #touched: HomeQueue[] = [];
  #touchedInMemory: HomeQueue[] = [];
  #refusals: WaitingRefusal[] = [];
  #inFlight = 0;
  #hasDirectoryWrites = false;

  constructor(private readonly ports: QueueHostPorts) {
    this.#store = ports.store;
    this.#store.scan(SPACE.directory, 0, 0, Number.MAX_SAFE_INTEGER, (id, value) => {
      this.#ids.set(value.toString(), id);
      this.#nextId = id + 1;
      return true;
    });
    const before = this.#store.onState;
    this.#store.onState = (state) => {
      before(state);
      if (state !== 'failed') this.flush();
    };
  }

  get stored(): readonly string[] {
    return [...this.#ids.keys()];
  }

  wall(): number {
    return this.ports.clock.wall();
  }

  group(temporary: boolean): Group {
    return temporary ? this.#volatile : this.#durable;
  }

  touched(queue: HomeQueue): void {
    (queue.temporary ? this.#touchedInMemory : this.#touched).push(queue);
  }

  wantsTurn(_queue: HomeQueue): void {
    return;
  }

  refuse(sink: PutSink, token: number, refusal: Refusal): void {
    this.#refusals.push({ sink, token, refusal });
  }

  onRoom(queue: Queue): void {
    this.ports.events.onRoom(queue);
  }

  onDamage(_queue: HomeQueue, _error: FairleadError): void {
    return;
  }

  open(name: string, policy: QueuePolicy): Queue {
    const known = this.#queues.get(name);
    if (known !== undefined) {
      known.setPolicy(policy);
      return known;
    }
    const id = this.#ids.get(name) ?? this.#enter(name);
    const queue = new HomeQueue(this, this.#store, id, name, policy);
    this.#queues.set(name, queue);
    return queue;
  }

  #enter(name: string): number {
    if (Buffer.byteLength(name) > QUEUE_NAME_BYTES_MAX)
      throw new QueueLimitError(`queue name of more than ${QUEUE_NAME_BYTES_MAX} bytes`);
    if (this.#ids.size >= QUEUES_MAX) throw new QueueLimitError(`there are ${QUEUES_MAX} queues already`);
    const id = this.#nextId++;
    this.#ids.set(name, id);
    this.#writeName(name, id);
    this.ports.events.onQueue(name, true);
    return id;
  }

  #writeName(name: string, id: number): void {
    this.#store.put(SPACE.directory, 0, id, Buffer.from(name));
    this.#hasDirectoryWrites = true;
    this.#durable.waiting.push({
      done: (error) => {
        if (error !== null && this.#ids.get(name) === id) this.#writeName(name, id);
      },
    });
  }

  openTemporary(name: string, policy: QueuePolicy): Queue {
    const queue = new HomeQueue(this, null, 0, name, policy);
    this.#queues.set(name, queue);
    this.ports.events.onQueue(name, true);
    return queue;
  }

  find(name: string): Queue | null {
    return this.#queues.get(name) ?? null;
  }

  delete(name: string): void {
    const queue = this.#queues.get(name);
    if (queue === undefined) return;
    this.#queues.delete(name);
    queue.end(new QueueDeletedError(name));
    this.ports.events.onQueue(name, false);
  }

  views(): readonly QueueView[] {
    return [...this.#queues.values()].map((queue) => queue.view());
  }

  flush(): void {
    this.#flushMemory();
    this.#flushDurable();
    this.#tellRefusals();
    this.#checkPressure();
  }

  #flushMemory(): void {
    if (this.#touchedInMemory.length === 0) return;
    const group = this.#volatile;
    const queues = this.#touchedInMemory;
    this.#volatile = new Group(this.#onDone);
    this.#touchedInMemory = [];
    for (const queue of queues) queue.writeState(group);
    this.#tell(group, null, REFUSAL.none);
  }

  #flushDurable(): void {
    if (this.#touched.length === 0 && !this.#hasDirectoryWrites) return;
    // Nothing would be taken: what was changed waits until the store is open again.
    if (this.#store.state === 'failed') return;
    const group = this.#durable;
    const queues = this.#touched;
    this.#durable = new Group(this.#onDone);
    this.#touched = [];
    this.#hasDirectoryWrites = false;
    for (const queue of queues) queue.writeState(group);
    this.#inFlight++;
    this.#store.commit(group);
  }

  #tellRefusals(): void {
    if (this.#refusals.length === 0) return;
    const refusals = this.#refusals;
    this.#refusals = [];
    for (const { sink, token, refusal } of refusals) answerPut(sink, token, refusal);
  }

  #done(group: Group, error: Error | null): void {
    this.#inFlight--;
    this.#tell(group, error, error === null ? REFUSAL.none : refusalOf(error));
    this.flush();
  }

  #tell(group: Group, error: Error | null, refusal: Refusal): void {
    group.tell(error, refusal);
    if (error !== null) this.#durable.settlements.push(...group.settlements);
    for (const { queue } of group.states) queue.pump();
  }

  #checkPressure(): void {
    const pressed = this.#store.unflushedBytes > UNFLUSHED_BYTES_MAX;
    if (pressed === this.pressed) return;
    this.pressed = pressed;
    for (const queue of this.#queues.values()) queue.checkRoom();
  }

  tick(_now: number): void {
    this.flush();
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  get settled(): boolean {
    return this.#inFlight === 0 && this.#touched.length === 0 && !this.#hasDirectoryWrites;
  }
}
