import type { Queue, QueueHostEvents, QueuePolicy, QueueView, Route } from './contract';
import { Distributor } from './distributor';
import { QueueDamagedError, QueueDeletedError, QueueLimitError } from './errors';
import { HomeQueue } from './home-queue';
import { QUEUE_NAME_BYTES_MAX, QUEUES_MAX } from './limits';
import type { QueueDirectory } from './queue-directory';
import type { QueueHome } from './queue-home';
import { NOTHING_IN_QUEUE } from './queue-view';
import { RecordDamagedError, type QueueStore } from './store-port';

export interface QueueRegistryParts {
  readonly home: QueueHome;
  readonly store: QueueStore;
  readonly directory: QueueDirectory;
  readonly events: QueueHostEvents;
  /** A queue is served no more. */
  readonly left: (queue: HomeQueue) => void;
}

/** The queues and intakes of a host by name: made on first use, served, deleted. */
export class QueueRegistry {
  /** Queues that were not made, for a limit. */
  refused = 0;
  readonly #queues = new Map<string, HomeQueue>();
  readonly #intakes = new Map<string, Distributor>();
  /** Queues that could not be opened, for they are damaged. */
  readonly #unopened = new Set<string>();

  constructor(private readonly parts: QueueRegistryParts) {}

  get queues(): Iterable<HomeQueue> {
    return this.#queues.values();
  }

  get intakes(): Iterable<Distributor> {
    return this.#intakes.values();
  }

  /** The queue of a name, if it is served. */
  served(name: string): HomeQueue | null {
    return this.#queues.get(name) ?? null;
  }

  find(name: string): Queue | null {
    return this.#queues.get(name) ?? this.#intakes.get(name) ?? null;
  }

  /** @throws FairleadError */
  open(name: string, policy: QueuePolicy): Queue {
    const { store, directory, events } = this.parts;
    const known = this.#queues.get(name);
    const intake = this.#intakes.get(name);
    if (intake !== undefined) return intake;
    if (known !== undefined) {
      if (known.core.error !== null) throw known.core.error;
      known.setPolicy(policy);
      return known;
    }
    const isNew = !directory.has(name);
    if (isNew) this.#checkName(name);
    const queue = this.#make(store, directory.enter(name), name, policy);
    if (isNew) events.onQueue(name, true);
    return queue;
  }

  /** Opens a queue, or remembers why it cannot be. */
  #make(store: QueueStore | null, id: number, name: string, policy: QueuePolicy): HomeQueue {
    try {
      const queue = new HomeQueue(this.parts.home, store, id, name, policy);
      this.#queues.set(name, queue);
      return queue;
    } catch (error) {
      if (!(error instanceof RecordDamagedError)) throw error;
      this.#unopened.add(name);
      throw new QueueDamagedError(name, error);
    }
  }

  #checkName(name: string): void {
    if (Buffer.byteLength(name) > QUEUE_NAME_BYTES_MAX)
      this.#refuse(`queue name of more than ${QUEUE_NAME_BYTES_MAX} bytes`);
    if (Math.max(this.parts.directory.size, this.#queues.size) >= QUEUES_MAX)
      this.#refuse(`there are ${QUEUES_MAX} queues already`);
  }

  #refuse(why: string): never {
    this.refused++;
    throw new QueueLimitError(why);
  }

  /** @throws FairleadError */
  openTemporary(name: string, policy: QueuePolicy): Queue {
    this.#checkName(name);
    const queue = this.#make(null, 0, name, policy);
    this.parts.events.onQueue(name, true);
    return queue;
  }

  /** @throws FairleadError */
  intake(name: string, route: Route): Queue {
    const known = this.#intakes.get(name);
    if (known !== undefined) return known;
    this.#checkName(name);
    const { home, store, directory } = this.parts;
    try {
      const intake = new Distributor(home, store, directory.enterIntake(name), name, route);
      this.#intakes.set(name, intake);
      return intake;
    } catch (error) {
      if (!(error instanceof RecordDamagedError)) throw error;
      throw new QueueDamagedError(name, error);
    }
  }

  delete(name: string): void {
    const { directory, events } = this.parts;
    const queue = this.#queues.get(name);
    const wasStored = directory.has(name);
    if (queue === undefined && !wasStored) return;
    if (queue !== undefined) {
      queue.end(new QueueDeletedError(name));
      this.forget(queue);
    }
    this.#unopened.delete(name);
    if (wasStored && queue?.temporary !== true) directory.remove(name);
    events.onQueue(name, false);
  }

  /** It is served no more, and stays on the disk. Another one of its name may be served already. */
  forget(queue: HomeQueue): void {
    if (this.#queues.get(queue.name) !== queue) return;
    this.#queues.delete(queue.name);
    this.parts.left(queue);
  }

  views(): readonly QueueView[] {
    const unopened = [...this.#unopened].map((name) => ({
      ...NOTHING_IN_QUEUE,
      name,
      state: 'damaged' as const,
      temporary: false,
    }));
    return [...[...this.#queues.values()].map((queue) => queue.view()), ...unopened];
  }
}
