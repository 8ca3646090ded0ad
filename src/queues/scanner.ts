import type { Entry } from './entry';
import type { Lane } from './lane';
import { RETURNED_MAX, SCAN_FOUND_MAX } from './limits';
import type { ReadyMessages } from './ready';
import { LANES, laneOf } from './spaces';

export const SCAN = { take: 0, skip: 1, stop: 2 } as const;
export type ScanVerdict = (typeof SCAN)[keyof typeof SCAN];

/** Who looks through a queue. */
export interface ScanVisitor {
  /** True for a message that it is after; what it costs to find out is bounded by the budget. */
  wants(record: Buffer): boolean;
  /** What is to be done with such a one now. `stop`: it is asked again in the next scan. */
  verdict(entry: Entry): ScanVerdict;
  /** It was taken out of its place, unless the scanner only looks. */
  take(entry: Entry): void;
}

/** Goes through the ready messages of a queue once, in delivery order within each lane, and then through those that come. */
export class Scanner {
  /** The next key to look at, by lane. */
  readonly #at = new Float64Array(LANES);
  /** Keys that were passed and are back in their place. */
  #returned: number[] = [];
  /** Records that may still be looked at in this turn. */
  budget = 0;

  /** @param only looks: what it takes stays */
  constructor(
    private readonly ready: ReadyMessages,
    private readonly visitor: ScanVisitor,
    private readonly looks: boolean,
  ) {
    this.restart();
  }

  /** From the beginning again. */
  restart(): void {
    this.#returned = [];
    for (const lane of this.ready.lanes) this.#at[lane.index] = lane.base;
  }

  /** A message that may have been passed is in its place again. */
  onReturned(key: number): void {
    const lane = laneOf(key);
    if (this.looks || key >= (this.#at[lane] as number)) return;
    if (this.#returned.length < RETURNED_MAX) this.#returned.push(key);
    else {
      for (const other of this.#returned) this.#goBack(other);
      this.#goBack(key);
      this.#returned = [];
    }
  }

  #goBack(key: number): void {
    const lane = laneOf(key);
    if (key < (this.#at[lane] as number)) this.#at[lane] = key;
  }

  /** Everything that may be delivered was looked at. */
  get atEnd(): boolean {
    return this.#returned.length === 0 && this.ready.lanes.every((lane) => this.#passed(lane));
  }

  #passed(lane: Lane): boolean {
    return lane.length === 0 && lane.complete ? true : (this.#at[lane.index] as number) > lane.flushedTo;
  }

  /**
   * Looks on until so many were taken, one was not to be passed, the budget is used up, or nothing is left.
   * @returns how many were taken
   * @throws RecordDamagedError
   */
  find(want: number): number {
    let taken = this.#findReturned(want);
    for (const lane of this.ready.lanes) {
      while (taken < want && this.budget > 0 && !this.#passed(lane)) {
        const more = this.#findIn(lane, want - taken);
        if (more < 0) return taken;
        taken += more;
      }
      if (taken >= want || this.budget <= 0) break;
    }
    return taken;
  }

  #findReturned(want: number): number {
    if (this.#returned.length === 0) return 0;
    const keys = this.#returned.sort((a, b) => a - b);
    this.#returned = [];
    let taken = 0;
    for (const [at, key] of keys.entries()) {
      const verdict = taken < want && this.budget-- > 0 ? this.#offer(key) : SCAN.stop;
      if (verdict === SCAN.take) taken++;
      if (verdict !== SCAN.stop) continue;
      this.#returned.push(...keys.slice(at));
      break;
    }
    return taken;
  }

  /** Offers the message of a key, if it is ready. */
  #offer(key: number): ScanVerdict {
    const lane = this.ready.lanes[laneOf(key)] as Lane;
    const entry = key <= lane.loadedTo ? lane.find(key) : this.ready.readBeyond(lane, key);
    if (entry === null || !this.visitor.wants(entry.record)) return SCAN.skip;
    const verdict = this.visitor.verdict(entry);
    if (verdict === SCAN.take) this.#take(entry, lane);
    return verdict;
  }

  #take(entry: Entry, lane: Lane): void {
    if (!this.looks) {
      if (entry.key <= lane.loadedTo) lane.removeAt(lane.lowerBound(entry.key));
      else this.ready.takeBeyond(entry);
    }
    this.visitor.take(entry);
  }

  /** @returns how many were taken; -1 when one is not to be passed */
  #findIn(lane: Lane, want: number): number {
    const from = this.#at[lane.index] as number;
    return from <= lane.loadedTo ? this.#findInWindow(lane, from) : this.#findOnDisk(lane, from, want);
  }

  /** Looks at the next one in memory that is wanted. */
  #findInWindow(lane: Lane, from: number): number {
    for (let at = lane.lowerBound(from); at < lane.length; at++) {
      if (this.budget-- <= 0) return 0;
      const entry = lane.at(at);
      if (this.visitor.wants(entry.record)) {
        const verdict = this.visitor.verdict(entry);
        if (verdict === SCAN.stop) return -1;
        this.#at[lane.index] = entry.key + 1;
        if (verdict === SCAN.skip) continue;
        // Whoever takes it may call back: the place is looked up afresh.
        this.#take(entry, lane);
        return 1;
      }
      this.#at[lane.index] = entry.key + 1;
    }
    this.#at[lane.index] = lane.loadedTo + 1;
    return 0;
  }

  #findOnDisk(lane: Lane, from: number, want: number): number {
    if (!this.ready.canRead) return -1;
    const found: Entry[] = [];
    const most = Math.min(want, SCAN_FOUND_MAX);
    let full = false;
    this.ready.scanBeyond(lane, from, (key, stored, known) => {
      if (this.budget <= 0 || found.length >= most) {
        full = true;
        return false;
      }
      this.budget--;
      this.#at[lane.index] = key + 1;
      const whole = known?.record ?? this.ready.whole(stored);
      if (this.visitor.wants(whole)) found.push(known ?? this.ready.read(key, lane, stored, whole));
      return true;
    });
    if (!full) this.#at[lane.index] = lane.flushedTo + 1;
    return this.#takeFound(found, lane);
  }

  #takeFound(found: readonly Entry[], lane: Lane): number {
    let taken = 0;
    for (const [at, entry] of found.entries()) {
      const verdict = entry.key > lane.loadedTo ? this.visitor.verdict(entry) : this.#offer(entry.key);
      if (verdict === SCAN.stop) {
        this.#at[lane.index] = (found[at] as Entry).key;
        return taken > 0 ? taken : -1;
      }
      if (verdict === SCAN.skip) continue;
      if (entry.key > lane.loadedTo) this.#take(entry, lane);
      taken++;
    }
    return taken;
  }
}
