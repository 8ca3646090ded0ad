import { OUTCOME, type Outcome } from '../../streams/contract';
import { IN_FLIGHT_MAX } from './limits';
import type { OpenDelivery } from './session-state';

/** Who delivered a message and is told what became of it. */
export interface Deliverer {
  /** What it delivers may have been sent by an earlier connection. */
  mayComeAgain: boolean;
  /** @param token -1 where nobody waits for it */
  /** @param confirm the deliverer is to say when that is in force: {@link InFlight.confirmed} */
  settle(token: number, outcome: Outcome, confirm: boolean): void;
}

/**
 * How far a message that a client was sent has come. Completed: the client has let go of it, and whoever delivered it may still give it
 * again, for its settlement is not known to be in force.
 */
export const PHASE = { free: 0, published1: 1, published2: 2, released: 3, completed: 4 } as const;

/** What is owed to whoever delivered a message that the client has: its settlement, or to hear that this is in force. */
const OWED = { nothing: 0, settlement: 1, confirmation: 2 } as const;

const FIRST_CAPACITY = 16;

/**
 * Messages of QoS 1 and 2 that a client has and has not acknowledged, by packet id: in arrays that grow with use, no object for each.
 * At most `windowMax` are under way at once ([MQTT-4.9.0-1], [MQTT-4.9.0-2]).
 */
export class InFlight {
  #phase = new Uint8Array(0);
  #tokens = new Float64Array(0);
  /** Of those that a later connection may have to know again. */
  #hashes = new Uint32Array(0);
  /** Of messages that the client has, as in `OWED`: other than `nothing` one may come again. */
  #owed = new Uint8Array(0);
  readonly #by: (Deliverer | undefined)[] = [];
  readonly #free: number[] = [];
  /** Sent by an earlier connection of the session: their packet ids by hash, and what is in use of them. */
  readonly #earlier = new Map<number, OpenDelivery[]>();
  readonly #reserved = new Set<number>();
  /** Packet ids that the client is to let go of, in the order in which it received their messages. */
  readonly #released = new Set<number>();
  #lastId = 0;
  /** Under way. */
  size = 0;

  constructor(public windowMax: number) {}

  get full(): boolean {
    return this.size >= this.windowMax;
  }

  /** What an earlier connection of the session left: its packet ids stay those of their messages ([MQTT-4.4.0-1]). */
  restore(open: readonly OpenDelivery[]): void {
    for (const one of open) {
      this.#remember(one);
      if (one.phase !== PHASE.completed) this.#reserved.add(one.packetId);
      if (one.phase === PHASE.released) this.#note(one.packetId, PHASE.released, undefined, -1, one.hash);
    }
  }

  #remember(one: OpenDelivery): void {
    const same = this.#earlier.get(one.hash);
    if (same === undefined) this.#earlier.set(one.hash, [one]);
    else same.push(one);
  }

  /** There is something that may come again. */
  get anyEarlier(): boolean {
    return this.#earlier.size > 0;
  }

  /**
   * Whether a message was sent before, and is not settled: what is known of it is given out once. Of those that are alike the ones that
   * the client may not have come first, for the others may be settled.
   */
  again(hash: number): OpenDelivery | null {
    const same = this.#earlier.get(hash);
    if (same === undefined) return null;
    const at = Math.max(
      0,
      same.findIndex(({ phase }) => phase < PHASE.released),
    );
    const [one] = same.splice(at, 1);
    if (same.length === 0) this.#earlier.delete(hash);
    return one ?? null;
  }

  /** Notes one that is sent now; @returns its packet id. */
  add(by: Deliverer, token: number, qos: number, hash: number): number {
    const id = this.#free.pop() ?? this.#nextId();
    this.addAs(id, by, token, qos, hash);
    return id;
  }

  #nextId(): number {
    do this.#lastId++;
    while (this.#reserved.has(this.#lastId));
    return this.#lastId;
  }

  /** The same under the packet id that it had before. */
  addAs(id: number, by: Deliverer, token: number, qos: number, hash: number): void {
    this.#note(id, qos === 1 ? PHASE.published1 : PHASE.published2, by, token, hash);
  }

  #note(id: number, phase: number, by: Deliverer | undefined, token: number, hash: number): void {
    if (id >= this.#phase.length) this.#grow(id);
    this.#phase[id] = phase;
    this.#tokens[id] = token;
    this.#hashes[id] = hash;
    this.#by[id] = by;
    this.#owed[id] = phase >= PHASE.released ? OWED.settlement : OWED.nothing;
    if (phase === PHASE.released) this.#released.add(id);
    this.size++;
  }

  /** What a later connection of the session has to know, of the oldest of what never came again only so much. */
  open(): OpenDelivery[] {
    const open = this.#openEarlier();
    for (let packetId = 1; packetId < this.#phase.length; packetId++) {
      const phase = this.#phase[packetId] as number;
      if (phase === PHASE.completed) open.push({ ...this.#openAt(packetId), packetId: 0 });
      else if (phase === PHASE.published1 || phase === PHASE.published2) open.push(this.#openAt(packetId));
    }
    for (const packetId of this.#released) open.push(this.#openAt(packetId));
    return open;
  }

  #openEarlier(): OpenDelivery[] {
    const open: OpenDelivery[] = [];
    for (const one of [...this.#earlier.values()].flat())
      if (one.phase !== PHASE.released) open.push(one);
      else if (!this.#has(one)) open.push({ ...one, packetId: 0, phase: PHASE.completed });
    return open.slice(-IN_FLIGHT_MAX);
  }

  /** The client has not let go of it yet. */
  #has({ packetId, hash }: OpenDelivery): boolean {
    return this.#released.has(packetId) && this.#hashes[packetId] === hash;
  }

  #openAt(packetId: number): OpenDelivery {
    return { packetId, phase: this.#phase[packetId] as number, hash: this.#hashes[packetId] as number };
  }

  #grow(id: number): void {
    let capacity = Math.max(FIRST_CAPACITY, this.#phase.length);
    while (capacity <= id) capacity *= 2;
    const phase = new Uint8Array(capacity);
    phase.set(this.#phase);
    const tokens = new Float64Array(capacity);
    tokens.set(this.#tokens);
    const hashes = new Uint32Array(capacity);
    hashes.set(this.#hashes);
    const owed = new Uint8Array(capacity);
    owed.set(this.#owed);
    this.#owed = owed;
    this.#hashes = hashes;
    this.#phase = phase;
    this.#tokens = tokens;
  }

  phaseOf(id: number): number {
    return this.#phase[id] ?? PHASE.free;
  }

  /** The client has it, or refuses it: nobody else needs it any more. */
  settle(id: number, outcome: Outcome): void {
    const by = this.#by[id];
    const token = this.#tokens[id] as number;
    this.release(id);
    by?.settle(token, outcome, false);
  }

  /** The client has a message of QoS 2: its packet id stays in use until the client lets go of it. */
  received(id: number): void {
    this.#phase[id] = PHASE.released;
    const isAwaited = this.#by[id] !== undefined && (this.#tokens[id] as number) >= 0;
    this.#owed[id] = isAwaited ? OWED.settlement : OWED.nothing;
    this.#released.add(id);
  }

  /** That the client has it is on the disk: now it may be settled, as it is known if it comes again nevertheless. */
  readonly settleReceived = (id: number): void => {
    const by = this.#by[id];
    if (by === undefined || this.phaseOf(id) < PHASE.released || this.#owed[id] !== OWED.settlement) return;
    this.#owed[id] = OWED.confirmation;
    by.settle(this.#tokens[id] as number, OUTCOME.accepted, true);
  };

  /** One that the client has has come again, under the packet id that it has, or under none: it is settled once more. */
  settleAgain(before: OpenDelivery, by: Deliverer, token: number): void {
    let id = before.packetId;
    if (this.#has(before)) {
      this.#by[id] = by;
      this.#tokens[id] = token;
      this.#owed[id] = OWED.settlement;
    } else {
      id = this.#free.pop() ?? this.#nextId();
      this.#note(id, PHASE.completed, by, token, before.hash);
    }
    this.settleReceived(id);
  }

  /** The settlement of a received message is in force; or it failed, and the message comes again. */
  confirmed(by: Deliverer, token: number, failed: boolean): void {
    for (let id = 1; id < this.#phase.length; id++) {
      if (this.#by[id] !== by || this.#tokens[id] !== token || this.#owed[id] !== OWED.confirmation) continue;
      if (failed) this.#mayCome(id, by);
      else this.#owed[id] = OWED.nothing;
      this.#by[id] = undefined;
      if (this.#phase[id] === PHASE.completed) this.release(id);
      return;
    }
  }

  #mayCome(id: number, by: Deliverer): void {
    const hash = this.#hashes[id] as number;
    // Of a session that ends with its connection.
    if (hash === 0) return;
    by.mayComeAgain = true;
    this.#remember({ packetId: id, phase: PHASE.released, hash });
  }

  /** The client has let go of it. @returns whether there was anything to let go of */
  completed(id: number): boolean {
    if (this.phaseOf(id) !== PHASE.released) return false;
    if (this.#owed[id] !== OWED.nothing && this.#by[id] !== undefined) {
      this.#phase[id] = PHASE.completed;
      this.#released.delete(id);
    } else this.release(id);
    return true;
  }

  release(id: number): void {
    this.#phase[id] = PHASE.free;
    this.#released.delete(id);
    this.#by[id] = undefined;
    this.#reserved.delete(id);
    // A higher one is come to in its turn.
    if (id <= this.#lastId) this.#free.push(id);
    this.size--;
  }

  /** Whether the client may have a message of QoS 2 of it without having said so. */
  awaitsReceived(by: Deliverer): boolean {
    return this.#phase.some((phase, id) => phase === PHASE.published2 && this.#by[id] === by);
  }

  /** Whoever delivered has gone: what it had open may be given again by a later one. */
  forget(by: Deliverer): void {
    for (let id = 1; id < this.#phase.length; id++) {
      if (this.#by[id] !== by) continue;
      this.#by[id] = undefined;
      if (this.#owed[id] !== OWED.nothing) this.#mayCome(id, by);
      if (this.#phase[id] === PHASE.completed) this.release(id);
    }
  }
}
