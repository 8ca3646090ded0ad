import { ENTRY, type Entry } from './entry';
import type { Lane } from './lane';
import { WALK_PER_TURN, WALL_LOOK_MS } from './limits';
import type { QueueCore } from './queue-core';
import { readU48, writeU48 } from './record';
import { LANE_SPAN, laneOf, SPACE } from './spaces';

/** Times are counted from here, so that a key has room for them until 2089. */
const EPOCH = Date.UTC(2020, 0, 1);
/** Messages due within so many ms share a range of keys. */
const TICK_MS = 64;
const SLOTS = 2 ** 18;
/** Slots tried before the next tick is: more than these have one sequence in common only by design. */
const TRIES = 4_096;
const HEAD = 14;

const tickOf = (due: number): number => Math.max(0, Math.floor((due - EPOCH) / TICK_MS));

/** What waits for its time: on the disk by that time, or in memory where the queue lives there. */
export class DelayedMessages {
  /** Nothing is due before; infinite when nothing waits. */
  #nextDue = Number.POSITIVE_INFINITY;
  /** Keys that are not on the disk yet, or not off it. */
  readonly #busy = new Set<number>();
  /** By time; of a queue in memory. */
  readonly #memory: { readonly due: number; readonly entry: Entry }[] = [];
  /** Something is due that its lane has no room for. */
  #isOverdue = false;

  constructor(private readonly core: QueueCore) {}

  /** After a start. @throws RecordDamagedError */
  recover(): void {
    const { store, id, state } = this.core;
    if (state.delayed === 0) return;
    store?.scan(SPACE.delayed, id, 0, Number.MAX_SAFE_INTEGER, (_key, value) => {
      this.#due(readU48(value, 8));
      return false;
    });
  }

  #due(due: number): void {
    if (due >= this.#nextDue) return;
    this.#nextDue = due;
    this.core.wakeAt(due);
  }

  /** Lets a message wait. It is in no other place, and on no disk but as this says. */
  add(entry: Entry, due: number): void {
    const { core } = this;
    core.state.countDelayed(entry.bytes, entry.expiresAt !== 0, 1);
    if (core.store === null) this.#addInMemory(entry, due);
    else {
      entry.delayedKey = this.#freeKey(tickOf(due), entry.key % SLOTS);
      this.#busy.add(entry.delayedKey);
      this.#write(entry, due);
    }
    core.storing++;
    core.group.puts.push(entry);
    core.touch();
    this.#due(due);
  }

  #addInMemory(entry: Entry, due: number): void {
    entry.delayedKey = 0;
    let at = this.#memory.length;
    while (at > 0 && (this.#memory[at - 1]?.due ?? 0) > due) at--;
    this.#memory.splice(at, 0, { due, entry });
  }

  #freeKey(tick: number, slot: number): number {
    const { store, id } = this.core;
    for (let at = tick; ; at++)
      for (let tries = 0; tries < TRIES; tries++) {
        const key = at * SLOTS + ((slot + tries) % SLOTS);
        if (!this.#busy.has(key) && store?.get(SPACE.delayed, id, key) === null) return key;
      }
  }

  #write(entry: Entry, due: number): void {
    const { store, id } = this.core;
    const { stored } = entry;
    const value = Buffer.allocUnsafe(HEAD + stored.length);
    value.writeUInt32BE(Math.floor(entry.key / 2 ** 32), 0);
    value.writeUInt32BE(entry.key % 2 ** 32, 4);
    writeU48(value, 8, due);
    stored.copy(value, HEAD);
    store?.put(SPACE.delayed, id, entry.delayedKey, value);
  }

  onStored(entry: Entry): void {
    if (this.core.store === null) return;
    this.#busy.delete(entry.delayedKey);
    // A look in the meantime has not seen it.
    this.#due(EPOCH + Math.floor(entry.delayedKey / SLOTS) * TICK_MS);
  }

  /** Its group failed: it is written again, or for good it is not there. */
  onNotStored(entry: Entry, again: boolean): void {
    const { core } = this;
    if (again) {
      // When it was due is not kept; a moment later than it was is as good.
      this.#write(entry, Math.max(core.home.wall(), EPOCH + Math.floor(entry.delayedKey / SLOTS) * TICK_MS + TICK_MS));
      core.group.puts.push(entry);
      core.touch();
      return;
    }
    core.state.countDelayed(entry.bytes, entry.expiresAt !== 0, -1);
    entry.state = ENTRY.gone;
    if (core.store === null) return;
    this.#delete(entry.delayedKey);
  }

  #delete(key: number): void {
    const { core } = this;
    this.#busy.add(key);
    core.store?.delete(SPACE.delayed, core.id, key);
    core.touch();
    core.group.waiting.push({
      done: (error) => {
        if (error === null) this.#busy.delete(key);
        else this.#delete(key);
      },
    });
  }

  /** Something that is due waits here for want of room. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  /** Puts what is due into its place among the ready ones, as far as there is room in memory. @throws RecordDamagedError */
  release(wall: number): void {
    if (this.#nextDue > wall && !this.#isOverdue) {
      if (this.#nextDue !== Number.POSITIVE_INFINITY) this.core.wakeAt(this.#nextDue);
      return;
    }
    this.#isOverdue = false;
    this.#nextDue = Number.POSITIVE_INFINITY;
    if (this.core.store === null) this.#releaseFromMemory(wall);
    else if (this.core.ready.canRead) this.#releaseFromDisk(wall);
    else this.#isOverdue = true;
    // Room comes without a word where others take what waits.
    if (this.#isOverdue) this.core.wakeAt(wall + WALL_LOOK_MS);
  }

  #releaseFromMemory(wall: number): void {
    const { core } = this;
    const count = this.#memory.findIndex(({ due }) => due > wall);
    for (const { entry } of this.#memory.splice(0, count < 0 ? this.#memory.length : count)) {
      core.state.countDelayed(entry.bytes, entry.expiresAt !== 0, -1);
      core.state.count(entry.lane, entry.bytes, entry.expiresAt !== 0, 1);
      entry.delayedKey = -1;
      this.place(entry);
    }
    const next = this.#memory[0];
    if (next !== undefined) this.#due(next.due);
  }

  /** A message whose time has come goes where its key says. */
  place(entry: Entry): void {
    const { ready } = this.core;
    if (entry.key <= (ready.lanes[entry.lane] as Lane).flushedTo) ready.returned(entry);
    else ready.stored(entry);
  }

  #releaseFromDisk(wall: number): void {
    const { core } = this;
    let left = WALK_PER_TURN;
    core.store?.scan(SPACE.delayed, core.id, 0, Number.MAX_SAFE_INTEGER, (key, value) => {
      const due = readU48(value, 8);
      if (due > wall) {
        this.#due(due);
        return false;
      }
      if (!this.#busy.has(key)) this.#releaseOne(key, value);
      if (--left > 0) return true;
      this.#isOverdue = true;
      core.wantsTurn();
      return false;
    });
  }

  #releaseOne(delayedKey: number, value: Buffer): void {
    const { core } = this;
    const key = value.readUInt32BE(0) * 2 ** 32 + value.readUInt32BE(4);
    const lane = core.ready.lanes[laneOf(key)] as Lane;
    if (key <= lane.loadedTo && !core.ready.hasRoom(lane)) {
      this.#isOverdue = true;
      return;
    }
    const entry = core.ready.read(key, lane, Buffer.from(value.subarray(HEAD)));
    core.state.countDelayed(entry.bytes, entry.expiresAt !== 0, -1);
    entry.isMoved = true;
    core.ready.expect(entry);
    core.add(entry);
    this.#delete(delayedKey);
  }

  /** Takes out what waits here and is on the disk. @param visit told each, which belongs to it from then on @returns how many */
  takeSome(most: number, visit: (entry: Entry, due: number) => void): number {
    const { core } = this;
    const found: [key: number, value: Buffer][] = [];
    core.store?.scan(SPACE.delayed, core.id, 0, Number.MAX_SAFE_INTEGER, (key, value) => {
      if (!this.#busy.has(key)) found.push([key, value]);
      return found.length < most;
    });
    for (const [key, value] of found) {
      const messageKey = value.readUInt32BE(0) * 2 ** 32 + value.readUInt32BE(4);
      const lane = core.ready.lanes[laneOf(messageKey)] as Lane;
      const entry = core.ready.read(messageKey, lane, Buffer.from(value.subarray(HEAD)));
      core.state.countDelayed(entry.bytes, entry.expiresAt !== 0, -1);
      visit(entry, readU48(value, 8));
      core.release(entry);
      this.#delete(key);
    }
    return found.length;
  }

  /** Forgets all that waits here and is on the disk. @returns how many */
  purge(most: number): number {
    const { core } = this;
    let count = 0;
    if (core.store === null) {
      for (const { entry } of this.#memory.splice(0)) {
        core.state.countDelayed(entry.bytes, entry.expiresAt !== 0, -1);
        core.finish(entry);
        count++;
      }
      return count;
    }
    core.store.scan(SPACE.delayed, core.id, 0, Number.MAX_SAFE_INTEGER, (key, value) => {
      if (this.#busy.has(key)) return true;
      const laneIndex = laneOf(value.readUInt32BE(0) * 2 ** 32 + value.readUInt32BE(4));
      const lane = core.ready.lanes[laneIndex] as Lane;
      const entry = core.ready.read(laneIndex * LANE_SPAN, lane, Buffer.from(value.subarray(HEAD)));
      core.state.countDelayed(entry.bytes, entry.expiresAt !== 0, -1);
      core.finish(entry);
      this.#delete(key);
      return ++count < most;
    });
    return count;
  }
}
