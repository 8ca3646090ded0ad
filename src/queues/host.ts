import type { FairleadError } from '../common/errors';
import type { Clock } from '../common/ports';
import { OUTCOME, type LargeBody, type Outcome } from '../streams/contract';
import type {
  GroupCompanion,
  PutSink,
  Queue,
  QueueHost,
  QueueHostEvents,
  QueuePolicy,
  QueueTransaction,
  QueueView,
  Route,
} from './contract';
import { answerPut, Group } from './group';
import { StoredBodies } from './large-bodies';
import type { WindowBudget } from './lane';
import { LargeStore } from './large-store';
import { REMOVALS_WAIT_MS, UNFLUSHED_BYTES_MAX, WINDOW_MESSAGES } from './limits';
import { QueueDirectory } from './queue-directory';
import type { HostedQueue, MoveTarget, QueueHome } from './queue-home';
import { LocalQueueMoves } from './queue-moves';
import { QueueRegistry } from './queue-registry';
import { RecordSlab } from './record';
import { REFUSAL, refusalDetail, type Refusal, refusalOfGroup } from './refusals';
import { SharedPayloads } from './shared-payloads';
import type { QueueStore } from './store-port';
import { LocalTransaction } from './transaction';
import { WakeTimes } from './wake-times';

export interface QueueHostPorts {
  readonly store: QueueStore;
  readonly events: QueueHostEvents;
  readonly clock: Clock;
  /** Messages of one priority of a queue that wait in memory; a few in tests. */
  readonly windowMessages?: number;
}

/**
 * The queues of a node. Whoever calls into them ends the turn with `flush`; after what the store tells, they do so themselves.
 * @throws RecordDamagedError when the list of queues is damaged
 */
export function createQueueHost(ports: QueueHostPorts): QueueHost {
  return new LocalQueueHost(ports);
}

class LocalQueueHost implements QueueHost, QueueHome {
  readonly slab = new RecordSlab();
  readonly budget: WindowBudget;
  readonly large: LargeStore;
  readonly bodies: StoredBodies;
  readonly payloads: SharedPayloads;
  readonly moves: LocalQueueMoves;
  pressed = false;
  readonly #store: QueueStore;
  readonly #directory: QueueDirectory;
  readonly #registry: QueueRegistry;
  readonly #onDone = (group: Group, error: Error | null): void => this.#done(group, error);
  /** What this turn has changed on the disk, and in memory alone. */
  #durable = new Group(this.#onDone);
  #volatile = new Group(this.#onDone);
  #touched: HostedQueue[] = [];
  #touchedInMemory: HostedQueue[] = [];
  /** Somebody waits for what has been changed. */
  #isUrgent = false;
  /** When what nobody waits for goes to the disk. */
  #lazyUntil = Number.POSITIVE_INFINITY;
  /** To be told at the end of the turn. */
  #later: (() => void)[] = [];
  readonly #turns = new Set<HostedQueue>();
  #wantsOwnTurn = false;
  readonly #times: WakeTimes<HostedQueue>;
  #inFlight = 0;
  /** A group has failed, and so have those behind it: nothing is committed that counts on them until all are told. */
  #isFailing = false;
  readonly #whenSettled: ((error: Error | null) => void)[] = [];

  constructor(private readonly ports: QueueHostPorts) {
    const { store } = ports;
    this.#store = store;
    this.budget = { used: 0, messages: ports.windowMessages ?? WINDOW_MESSAGES };
    this.#times = new WakeTimes(ports.clock.wall());
    const change = (): Group => this.change(true);
    this.large = new LargeStore(store, { change, wantsLargeTurn: () => (this.#wantsOwnTurn = true) });
    this.bodies = new StoredBodies(store, { large: this.large, change, wantsTurn: () => (this.#wantsOwnTurn = true) });
    this.payloads = new SharedPayloads(store, () => void change());
    this.#directory = new QueueDirectory(store, {
      change,
      large: this.large,
      payloads: this.payloads,
      wantsRemovalTurn: () => (this.#wantsOwnTurn = true),
    });
    this.#registry = new QueueRegistry({
      home: this,
      store,
      directory: this.#directory,
      events: ports.events,
      left: (queue) => {
        this.#turns.delete(queue);
        this.#times.forget(queue);
      },
    });
    this.moves = new LocalQueueMoves(store, {
      change,
      large: this.large,
      payloads: this.payloads,
      directory: this.#directory,
      later: (act) => this.later(act),
      served: (name) => this.#registry.served(name),
      forget: (name) => this.#registry.forget(name),
      hold: (held) => this.#hold(held),
    });
    const before = store.onState;
    store.onState = (state) => {
      before(state);
      if (state === 'failed') return;
      this.#wantsOwnTurn = true;
      // What could not be read meanwhile is asked for again.
      for (const queue of this.#registry.queues) this.#turns.add(queue);
      this.flush();
    };
  }

  get stored(): readonly string[] {
    return this.#directory.names;
  }

  get refused(): number {
    return this.#registry.refused;
  }

  wall(): number {
    return this.ports.clock.wall();
  }

  // What queues ask.

  group(temporary: boolean): Group {
    return temporary ? this.#volatile : this.#durable;
  }

  change(durable: boolean): Group {
    const group = this.group(!durable);
    group.isTouched = true;
    return group;
  }

  touched(queue: HostedQueue): void {
    (queue.temporary ? this.#touchedInMemory : this.#touched).push(queue);
  }

  hurry(): void {
    this.#isUrgent = true;
  }

  wantsTurn(queue: HostedQueue): void {
    this.#turns.add(queue);
  }

  wakeAt(queue: HostedQueue, wall: number): void {
    this.#times.wakeAt(queue, wall);
  }

  later(act: () => void): void {
    this.#later.push(act);
  }

  refuse(sink: PutSink, token: number, refusal: Refusal): void {
    this.#later.push(() => answerPut(sink, token, refusal));
  }

  giveBack(sink: PutSink, token: number, refusal: Refusal): void {
    this.#later.push(() => sink.onPut(token, OUTCOME.undelivered, refusalDetail(refusal)));
  }

  onRoom(queue: Queue): void {
    this.ports.events.onRoom(queue);
  }

  onDamage(queue: Queue, error: FairleadError): void {
    this.ports.events.onDamage(queue, error);
  }

  local(address: string): MoveTarget | null {
    const queue = this.#registry.served(address.replace(/^queue:?\/\/?/, ''));
    return queue === null || queue.core.error !== null ? null : queue;
  }

  forward(address: string, message: Buffer, done: (outcome: Outcome) => void): void {
    this.ports.events.forward(address, message, done);
  }

  forwardLarge(address: string, body: LargeBody, done: (outcome: Outcome) => void): void {
    this.ports.events.forwardLarge(address, body, done);
  }

  // What others ask.

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

  transaction(): QueueTransaction {
    return new LocalTransaction(this);
  }

  join(companion: GroupCompanion, mayWait: boolean): void {
    const { companions } = this.#durable;
    if (!companions.includes(companion)) companions.push(companion);
    if (!mayWait) this.#durable.isTouched = true;
  }

  get #hasChanged(): boolean {
    const { isTouched, companions } = this.#durable;
    return this.#touched.length > 0 || isTouched || companions.length > 0;
  }

  stop(done: (error: Error | null) => void): void {
    this.#hold(false);
    for (const queue of this.#registry.queues) queue.stop();
    this.#whenSettled.push(done);
    this.flush();
    this.#tellSettled(null);
  }

  // Turns.

  flush(): void {
    this.#flushMemory();
    this.#flushDurable();
    this.#tellLater();
    this.#checkPressure();
  }

  #flushMemory(): void {
    if (this.#touchedInMemory.length === 0 && !this.#volatile.isTouched) return;
    const group = this.#volatile;
    const queues = this.#touchedInMemory;
    this.#volatile = new Group(this.#onDone);
    this.#touchedInMemory = [];
    for (const queue of queues) queue.writeState(group);
    this.#tell(group, null, REFUSAL.none);
  }

  #flushDurable(): void {
    if (!this.#hasChanged) return;
    // Nothing would be taken: what was changed waits until the store is open again.
    if (this.#store.state === 'failed' || this.#isFailing || this.#mayWait()) return;
    const queues = this.#touched;
    this.#touched = [];
    for (const queue of queues) queue.writeState(this.#durable);
    const group = this.#close();
    // What this has changed itself, a mark that is raised ahead, goes with it.
    this.#isUrgent = false;
    this.#lazyUntil = Number.POSITIVE_INFINITY;
    this.#inFlight++;
    this.#store.commit(group);
  }

  /** The group of this turn ends with what is written last. */
  #close(): Group {
    const group = this.#durable;
    this.#durable = new Group(this.#onDone);
    for (const companion of group.companions) companion.closing();
    this.payloads.write(group);
    this.large.writeHolders(group);
    return group;
  }

  /** Removals alone wait for a put: each commit costs the disk a flush, and puts that come meanwhile would have to wait for it. */
  #mayWait(): boolean {
    const { isTouched, waiting, repeats } = this.#durable;
    if (this.#isUrgent || isTouched || waiting.length > 0 || repeats.length > 0) return false;
    const now = this.ports.clock.now();
    if (this.#lazyUntil === Number.POSITIVE_INFINITY) this.#lazyUntil = now + REMOVALS_WAIT_MS;
    return now < this.#lazyUntil;
  }

  #tellLater(): void {
    if (this.#later.length === 0) return;
    const later = this.#later;
    this.#later = [];
    for (const act of later) act();
  }

  #done(group: Group, error: Error | null): void {
    this.#inFlight--;
    this.#isFailing = this.#inFlight > 0 && (error !== null || this.#isFailing);
    const refusal = error === null ? REFUSAL.none : refusalOfGroup(error);
    // What is in no group yet came behind those that failed, and must not be there without them: it is written again, or deleted, with the next.
    const behind = error !== null && this.#inFlight === 0 && this.#hasChanged ? this.#close() : null;
    this.#tell(group, error, refusal);
    if (behind !== null) this.#tell(behind, error, refusal);
    this.flush();
    this.#tellSettled(error);
  }

  #tell(group: Group, error: Error | null, refusal: Refusal): void {
    group.tell(error, refusal);
    // A settlement is in force once its group has come to pass, whenever that is.
    if (error !== null) this.#durable.settlements.push(...group.settlements);
    for (const { queue } of group.states) queue.pump();
  }

  #tellSettled(error: Error | null): void {
    if (this.#whenSettled.length === 0 || (error === null && !this.settled)) return;
    for (const done of this.#whenSettled.splice(0)) done(error);
  }

  #checkPressure(): void {
    const pressed = this.#store.unflushedBytes > UNFLUSHED_BYTES_MAX;
    if (pressed === this.pressed) return;
    this.pressed = pressed;
    for (const queue of this.#registry.queues) queue.core.checkRoom();
    for (const intake of this.#registry.intakes) intake.checkRoom();
  }

  tick(now: number): void {
    if (this.#wantsOwnTurn) {
      this.#wantsOwnTurn = false;
      this.large.turn();
      this.bodies.turn();
      this.#directory.turn();
    }
    const turns = [...this.#turns];
    this.#turns.clear();
    for (const queue of turns) queue.turn();
    const wall = this.wall();
    for (const queue of this.#times.due(now, wall)) queue.onTime(wall);
    this.flush();
  }

  deadline(): number {
    const hasWork = this.#turns.size > 0 || this.#wantsOwnTurn || this.#touchedInMemory.length > 0;
    return hasWork ? 0 : Math.min(this.#lazyUntil, this.#times.deadline());
  }

  get windowBytes(): number {
    return this.budget.used;
  }

  get settled(): boolean {
    if (this.#inFlight > 0 || this.#hasChanged) return false;
    for (const { isHeld } of this.#registry.intakes) if (isHeld) return false;
    return true;
  }
}
