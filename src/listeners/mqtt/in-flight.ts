import { OUTCOME, type Outcome } from '../../streams/contract';
import type { OpenDelivery } from './session-state';

/** Who delivered a message and is told what became of it. */
export interface Deliverer {
  /** What it delivers may have been sent by an earlier connection. */
  mayComeAgain: boolean;
  /** @param token -1 where nobody waits for it */
  settle(token: number, outcome: Outcome): void;
}

/** How far a message that a client was sent has come. */
export const PHASE = { free: 0, published1: 1, published2: 2, released: 3 } as const;

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
  readonly #by: (Deliverer | undefined)[] = [];
  readonly #free: number[] = [];
  /** Sent by an earlier connection of the session: their packet ids by hash, and what is in use of them. */
  readonly #earlier = new Map<number, OpenDelivery[]>();
  readonly #reserved = new Set<number>();
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
      const same = this.#earlier.get(one.hash);
      if (same === undefined) this.#earlier.set(one.hash, [one]);
      else same.push(one);
      this.#reserved.add(one.packetId);
      if (one.phase === PHASE.released) this.#addReleased(one.packetId, one.hash);
    }
  }

  /** There is something that may come again. */
  get anyEarlier(): boolean {
    return this.#earlier.size > 0;
  }

  /** Whether a message was sent before, and is not acknowledged: what is known of it is given out once. */
  again(hash: number): OpenDelivery | null {
    const same = this.#earlier.get(hash);
    if (same === undefined) return null;
    const [one] = same.splice(0, 1);
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
    if (id >= this.#phase.length) this.#grow(id);
    this.#phase[id] = qos === 1 ? PHASE.published1 : PHASE.published2;
    this.#tokens[id] = token;
    this.#hashes[id] = hash;
    this.#by[id] = by;
    this.size++;
  }

  /** The client has received it, and is to let go of it. */
  #addReleased(id: number, hash: number): void {
    if (id >= this.#phase.length) this.#grow(id);
    this.#phase[id] = PHASE.released;
    this.#tokens[id] = -1;
    this.#hashes[id] = hash;
    this.size++;
  }

  /** What a later connection of the session has to know. */
  open(): OpenDelivery[] {
    const open = [...this.#earlier.values()].flat().filter(({ phase }) => phase !== PHASE.released);
    for (let packetId = 1; packetId < this.#phase.length; packetId++) {
      const phase = this.#phase[packetId] as number;
      if (phase !== PHASE.free) open.push({ packetId, phase, hash: this.#hashes[packetId] as number });
    }
    return open;
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
    this.#hashes = hashes;
    this.#phase = phase;
    this.#tokens = tokens;
  }

  phaseOf(id: number): number {
    return this.#phase[id] ?? PHASE.free;
  }

  /** The client has it: nobody else needs it any more. Its packet id stays in use when `released`, until the client lets go of it. */
  settle(id: number, outcome: Outcome, released: boolean): void {
    const by = this.#by[id];
    const token = this.#tokens[id] as number;
    this.#by[id] = undefined;
    this.#tokens[id] = -1;
    if (released && outcome === OUTCOME.accepted) this.#phase[id] = PHASE.released;
    else this.release(id);
    by?.settle(token, outcome);
  }

  release(id: number): void {
    this.#phase[id] = PHASE.free;
    this.#by[id] = undefined;
    this.#reserved.delete(id);
    // A higher one is come to in its turn.
    if (id <= this.#lastId) this.#free.push(id);
    this.size--;
  }

  /** Whoever delivered has gone: what its messages come to is of no interest any more. */
  forget(by: Deliverer): void {
    for (let id = 1; id < this.#phase.length; id++) if (this.#by[id] === by) this.#by[id] = undefined;
  }
}
