import type { SharedMessages } from './co-holder';
import type {
  GroupCompanion,
  LargeBodies,
  Queue,
  QueueHost,
  QueuePolicy,
  QueueTransaction,
  QueueView,
  Route,
} from './contract';
import type { Group } from './group';
import { LocalHome, type QueueHostPorts } from './local-home';
import { QueueDirectory } from './queue-directory';
import type { MoveTarget } from './queue-home';
import { LocalQueueMoves } from './queue-moves';
import { QueueRegistry } from './queue-registry';
import { LocalTransaction } from './transaction';

/**
 * The queues of a node. Whoever calls into them ends the turn with `flush`; after what the store tells, they do so themselves.
 * @throws RecordDamagedError when the list of queues is damaged
 */
export function createQueueHost(ports: QueueHostPorts): QueueHost {
  return new LocalQueueHost(ports);
}

/** A host as others see it: joins what keeps, makes and moves its queues. */
class LocalQueueHost implements QueueHost {
  readonly bodies: LargeBodies;
  readonly messages: SharedMessages;
  readonly moves: LocalQueueMoves;
  readonly #home: LocalHome;
  readonly #directory: QueueDirectory;
  readonly #registry: QueueRegistry;

  constructor(ports: QueueHostPorts) {
    const { store } = ports;
    this.#home = this.#makeHome(ports);
    const { large, bodies, payloads } = this.#home;
    const change = (): Group => this.#home.change(true);
    this.bodies = bodies;
    this.messages = payloads;
    const wantsRemovalTurn = (): void => this.#home.wantsOwnTurn();
    this.#directory = new QueueDirectory(store, { change, large, payloads, wantsRemovalTurn });
    this.#registry = new QueueRegistry({
      home: this.#home,
      store,
      directory: this.#directory,
      events: ports.events,
      left: (queue) => this.#home.forget(queue),
    });
    this.moves = new LocalQueueMoves(store, {
      change,
      large,
      payloads,
      directory: this.#directory,
      later: (act) => this.#home.later(act),
      served: (name) => this.#registry.served(name),
      forget: (queue) => this.#registry.forget(queue),
      hold: (held) => this.#hold(held),
    });
    const before = store.onState;
    store.onState = (state) => {
      before(state);
      if (state !== 'failed') this.#home.readAgain();
    };
  }

  #makeHome(ports: QueueHostPorts): LocalHome {
    return new LocalHome(ports, {
      queues: () => this.#registry.queues,
      intakes: () => this.#registry.intakes,
      target: (name) => this.#target(name),
      turn: () => this.#directory.turn(),
    });
  }

  #target(name: string): MoveTarget | null {
    const queue = this.#registry.served(name);
    return queue === null || queue.core.error !== null ? null : queue;
  }

  get stored(): readonly string[] {
    return this.#directory.names;
  }

  get refused(): number {
    return this.#registry.refused;
  }

  // Queues and intakes.

  open(name: string, policy: QueuePolicy): Queue {
    return this.#registry.open(name, policy);
  }

  openTemporary(name: string, policy: QueuePolicy): Queue {
    return this.#registry.openTemporary(name, policy);
  }

  intake(name: string, route: Route): Queue {
    return this.#registry.intake(name, route);
  }

  find(name: string): Queue | null {
    return this.#registry.find(name);
  }

  delete(name: string): void {
    this.#registry.delete(name);
  }

  views(): readonly QueueView[] {
    return this.#registry.views();
  }

  #hold(held: boolean): void {
    for (const intake of this.#registry.intakes) intake.hold(held);
  }

  // What goes to the disk together.

  transaction(): QueueTransaction {
    return new LocalTransaction(this.#home);
  }

  join(companion: GroupCompanion, mayWait: boolean): void {
    const { durable } = this.#home;
    const { companions } = durable;
    if (!companions.includes(companion)) companions.push(companion);
    if (!mayWait) durable.isTouched = true;
  }

  stop(done: (error: Error | null) => void): void {
    this.#hold(false);
    for (const queue of this.#registry.queues) queue.stop();
    this.#home.settle(done);
  }

  // Turns.

  flush(): void {
    this.#home.flush();
  }

  tick(now: number): void {
    this.#home.tick(now);
  }

  deadline(): number {
    return this.#home.deadline();
  }

  get windowBytes(): number {
    return this.#home.budget.used;
  }

  get settled(): boolean {
    return this.#home.settled;
  }
}
