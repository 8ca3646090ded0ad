import type { FairleadError } from '../common/errors';
import type { Clock } from '../common/ports';
import { OUTCOME, type LargeBody, type Outcome } from '../streams/contract';
import type { PutSink, Queue, QueueHostEvents } from './contract';
import { answerPut, Group } from './group';
import type { WindowBudget } from './lane';
import { StoredBodies } from './large-bodies';
import { LargeStore } from './large-store';
import { REMOVALS_WAIT_MS, UNFLUSHED_BYTES_MAX, WINDOW_MESSAGES } from './limits';
import type { HostedQueue, MemoryUse, MoveTarget, QueueHome } from './queue-home';
import { RecordSlab } from './record';
import { REFUSAL, refusalDetail, type Refusal, refusalOfGroup } from './refusals';
import { SharedPayloads } from './shared-payloads';
import type { QueueStore } from './store-port';
import { WakeTimes } from './wake-times';

/** What the queues of a node are built on. */
export interface QueueHostPorts {
  readonly store: QueueStore;
  readonly events: QueueHostEvents;
  readonly clock: Clock;
  /** Messages of one priority of a queue that wait in memory; a few in tests. */
  readonly windowMessages?: number;
}

/** Who lives at a home. */
export interface Residents {
  queues(): Iterable<HostedQueue & { readonly core: { checkRoom(): void } }>;
  intakes(): Iterable<{ readonly isHeld: boolean; checkRoom(): void }>;
  /** The queue of a name, if messages can be moved to it. */
  target(name: string): MoveTarget | null;
  /** Goes on with what is not of any queue that is served. */
  turn(): void;
}

/**
 * A host as its queues see it: what they change in a turn becomes one group, which is committed at its end, and each of them has its
 * turn when it wants one or when its time has come.
 */
export class LocalHome implements QueueHome {
  readonly slab = new RecordSlab();
  readonly budget: WindowBudget;
  readonly memory: MemoryUse = { bytes: 0 };
  readonly large: LargeStore;
  readonly bodies: StoredBodies;
  readonly payloads: SharedPayloads;
  pressed = false;
  readonly #store: QueueStore;
  readonly #onDone = (group: Group, error: Error | null): void => this.#done(group, error);
  /** What this turn has changed on the disk, and in memory alone. */
  durable = new Group(this.#onDone);
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

  constructor(
    private readonly ports: QueueHostPorts,
    private readonly residents: Residents,
  ) {
    const { store } = ports;
    this.#store = store;
    this.budget = { used: 0, messages: ports.windowMessages ?? WINDOW_MESSAGES };
    this.#times = new WakeTimes(ports.clock.wall());
    const change = (): Group => this.change(true);
    this.large = new LargeStore(store, { change, wantsLargeTurn: () => this.wantsOwnTurn() });
    this.bodies = new StoredBodies(store, { large: this.large, change, wantsTurn: () => this.wantsOwnTurn() });
    this.payloads = new SharedPayloads(store, () => void change());
  }

  wall(): number {
    return this.ports.clock.wall();
  }

  // What is changed.

  group(temporary: boolean): Group {
    return temporary ? this.#volatile : this.durable;
  }

  /** The group of this turn, which has a change of no queue now. */
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

  later(act: () => void): void {
    this.#later.push(act);
  }

  refuse(sink: PutSink, token: number, refusal: Refusal): void {
    this.#later.push(() => answerPut(sink, token, refusal));
  }

  giveBack(sink: PutSink, token: number, refusal: Refusal): void {
    this.#later.push(() => sink.onPut(token, OUTCOME.undelivered, refusalDetail(refusal)));
  }

  // Who is to have a turn.

  wantsTurn(queue: HostedQueue): void {
    this.#turns.add(queue);
  }

  /** What is not of any queue that is served has something to do at once. */
  wantsOwnTurn(): void {
    this.#wantsOwnTurn = true;
  }

  wakeAt(queue: HostedQueue, wall: number): void {
    this.#times.wakeAt(queue, wall);
  }

  /** It is served no more. */
  forget(queue: HostedQueue): void {
    this.#turns.delete(queue);
    this.#times.forget(queue);
  }

  /** The store is open again: what could not be read meanwhile is asked for again. */
  readAgain(): void {
    this.#wantsOwnTurn = true;
    for (const queue of this.residents.queues()) this.#turns.add(queue);
    this.flush();
  }

  // What is around it.

  onRoom(queue: Queue): void {
    this.ports.events.onRoom(queue);
  }

  onDamage(queue: Queue, error: FairleadError): void {
    this.ports.events.onDamage(queue, error);
  }

  local(address: string): MoveTarget | null {
    return this.residents.target(address.replace(/^queue:?\/\/?/, ''));
  }

  forward(address: string, message: Buffer, done: (outcome: Outcome) => void): void {
    this.ports.events.forward(address, message, done);
  }

  forwardLarge(address: string, body: LargeBody, done: (outcome: Outcome) => void): void {
    this.ports.events.forwardLarge(address, body, done);
  }

  // The end of a turn.

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
    for (const queue of queues) queue.writeState(this.durable);
    const group = this.#close();
    // What this has changed itself, a mark that is raised ahead, goes with it.
    this.#isUrgent = false;
    this.#lazyUntil = Number.POSITIVE_INFINITY;
    this.#inFlight++;
    this.#store.commit(group);
  }

  get #hasChanged(): boolean {
    const { isTouched, companions } = this.durable;
    return this.#touched.length > 0 || isTouched || companions.length > 0;
  }

  /** The group of this turn ends with what is written last. */
  #close(): Group {
    const group = this.durable;
    this.durable = new Group(this.#onDone);
    for (const companion of group.companions) companion.closing();
    this.payloads.write(group);
    this.large.writeHolders(group);
    return group;
  }

  /** Removals alone wait for a put: each commit costs the disk a flush, and puts that come meanwhile would have to wait for it. */
  #mayWait(): boolean {
    const { isTouched, waiting, repeats } = this.durable;
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

  #checkPressure(): void {
    const pressed = this.#store.unflushedBytes > UNFLUSHED_BYTES_MAX;
    if (pressed === this.pressed) return;
    this.pressed = pressed;
    for (const queue of this.residents.queues()) queue.core.checkRoom();
    for (const intake of this.residents.intakes()) intake.checkRoom();
  }

  // The end of a group.

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
    if (error !== null) this.durable.settlements.push(...group.settlements);
    for (const { queue } of group.states) queue.pump();
  }

  /** Ends the turn. @param done told once all is on the disk, or that it cannot be */
  settle(done: (error: Error | null) => void): void {
    this.#whenSettled.push(done);
    this.flush();
    this.#tellSettled(null);
  }

  #tellSettled(error: Error | null): void {
    if (this.#whenSettled.length === 0 || (error === null && !this.settled)) return;
    for (const done of this.#whenSettled.splice(0)) done(error);
  }

  get settled(): boolean {
    if (this.#inFlight > 0 || this.#hasChanged) return false;
    for (const { isHeld } of this.residents.intakes()) if (isHeld) return false;
    return true;
  }

  // Turns of its own.

  tick(now: number): void {
    if (this.#wantsOwnTurn) {
      this.#wantsOwnTurn = false;
      this.large.turn();
      this.bodies.turn();
      this.residents.turn();
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
}
