import { CO_HOLDERS_SPACE, heldBy } from './co-holder';
import { bodyOf, flagsOf, isReference, payloadOf, RECORD_FLAG, readU48 } from './record';
import { messageAt, SPACE } from './spaces';

interface Shared {
  isThere: boolean;
  /** How many have it: as the store says, and as was found. */
  said: number;
  found: number;
}

/** Who has what queues share, counted anew from the records of all messages: in a check of the store, and for a salvage. */
export class ReferenceRecount {
  readonly #payloads = new Map<number, Shared>();
  readonly #bodies = new Map<number, Shared>();

  /** Takes a record, of any space. */
  add(space: number, key: number, value: Buffer): void {
    if (space === SPACE.payloads) of(this.#payloads, key).isThere = true;
    else if (space === SPACE.holders) of(this.#payloads, key).said = readU48(value, 0);
    else if (space === SPACE.bodyHolders) of(this.#bodies, key).said = readU48(value, 0);
    else if (space === CO_HOLDERS_SPACE) this.#addHeld(value);
    else if (messageAt(space) >= 0) this.#addMessage(value.subarray(messageAt(space)));
  }

  #addHeld(record: Buffer): void {
    const held = heldBy(record);
    if (held !== null) of(held.what === 'message' ? this.#payloads : this.#bodies, held.id).found++;
  }

  #addMessage(record: Buffer): void {
    if (isReference(record)) of(this.#payloads, payloadOf(record)).found++;
    else if ((flagsOf(record) & RECORD_FLAG.large) !== 0) of(this.#bodies, bodyOf(record)).found++;
  }

  /** What does not fit. */
  *problems(): Generator<string> {
    for (const [id, { isThere, said, found }] of this.#payloads) {
      if (!isThere) yield `payload ${id} is lost, which ${found} messages have`;
      else if (said !== found) yield `payload ${id} is said to be in ${said} messages, and is in ${found}`;
    }
    // A large message that only one has needs no count.
    for (const [id, { said, found }] of this.#bodies)
      if (said !== found && (said > 0 || found > 1))
        yield `large message ${id} has a count of ${said}, not of ${found}`;
  }

  /** Whether a record is to be kept; counts are not, for {@link counts} has them. */
  keeps(space: number, key: number, value: Buffer): boolean {
    if (space === SPACE.holders || space === SPACE.bodyHolders) return false;
    if (space === SPACE.payloads) return of(this.#payloads, key).found > 0;
    const payload = payloadNamedBy(space, value);
    return payload === null || of(this.#payloads, payload).isThere;
  }

  /** The counts that the store should have. */
  *counts(): Generator<readonly [space: number, id: number, count: number]> {
    for (const [id, { isThere, found }] of this.#payloads) if (isThere && found > 0) yield [SPACE.holders, id, found];
    for (const [id, { found }] of this.#bodies) if (found > 1) yield [SPACE.bodyHolders, id, found];
  }
}

/** The payload that a record names, if it names one. */
function payloadNamedBy(space: number, value: Buffer): number | null {
  if (space === CO_HOLDERS_SPACE) {
    const held = heldBy(value);
    return held?.what === 'message' ? held.id : null;
  }
  const at = messageAt(space);
  const record = at < 0 ? null : value.subarray(at);
  return record !== null && isReference(record) ? payloadOf(record) : null;
}

function of(all: Map<number, Shared>, id: number): Shared {
  let shared = all.get(id);
  if (shared === undefined) all.set(id, (shared = { isThere: false, said: 0, found: 0 }));
  return shared;
}
