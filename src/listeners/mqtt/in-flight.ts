import { OUTCOME, type Outcome } from '../../streams/contract';

/** Who delivered a message and is told what became of it. */
export interface Deliverer {
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
  readonly #by: (Deliverer | undefined)[] = [];
  readonly #free: number[] = [];
  #lastId = 0;
  /** Under way. */
  size = 0;

  constructor(public windowMax: number) {}

  get full(): boolean {
    return this.size >= this.windowMax;
  }

  /** Notes one that is sent now; @returns its packet id. */
  add(by: Deliverer, token: number, qos: number): number {
    const id = this.#free.pop() ?? ++this.#lastId;
    if (id >= this.#phase.length) this.#grow(id);
    this.#phase[id] = qos === 1 ? PHASE.published1 : PHASE.published2;
    this.#tokens[id] = token;
    this.#by[id] = by;
    this.size++;
    return id;
  }

  #grow(id: number): void {
    let capacity = Math.max(FIRST_CAPACITY, this.#phase.length);
    while (capacity <= id) capacity *= 2;
    const phase = new Uint8Array(capacity);
    phase.set(this.#phase);
    const tokens = new Float64Array(capacity);
    tokens.set(this.#tokens);
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
    this.#free.push(id);
    this.size--;
  }

  /** Whoever delivered has gone: what its messages come to is of no interest any more. */
  forget(by: Deliverer): void {
    for (let id = 1; id <= this.#lastId; id++) if (this.#by[id] === by) this.#by[id] = undefined;
  }
}
