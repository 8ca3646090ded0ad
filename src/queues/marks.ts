import { WireReader, WireWriter } from '../common/wire';
import type { PutMark } from './contract';
import { PUTS_OUTSTANDING_MAX } from './limits';
import { REFUSAL, type Refusal } from './refusals';

/** Puts next to each other that were refused for one reason. */
interface Run {
  readonly from: number;
  to: number;
  readonly refusal: Refusal;
}

/** The puts of one numbering of an origin to a queue. */
export class Mark implements PutMark {
  last = 0;
  /** In order of `from`, without overlap. */
  #runs: Run[] = [];
  /** Large ones that are being stored: a group of theirs may be on the disk long before the message itself. */
  readonly #storing = new Set<number>();
  /** The same of a former life, and what could not be written: they are not there, and are taken when they come again, whatever is newer. */
  readonly #cutOff = new Set<number>();
  /** Some wait for a large one before them. */
  isFollowed = false;
  /** The origin has what it puts on its disk. */
  comesAgain = false;
  /** The turn in which one came that was behind such; -1 before. */
  #earlyTurn = -1;

  constructor(
    /** Key of its record. */
    readonly id: number,
    readonly origin: string,
    readonly epoch: number,
  ) {}

  /** @returns whether the put is one that was not made before; then it counts as made */
  advance(seq: number): boolean {
    if (seq <= this.last) return this.#cutOff.delete(seq);
    this.last = seq;
    return true;
  }

  /** A large message is being stored from now on, or is as a whole in the group that is collected, or never will be. */
  storing(seq: number, isStoring: boolean): void {
    if (isStoring) this.#storing.add(seq);
    else this.#storing.delete(seq);
  }

  get isStoring(): boolean {
    return this.#storing.size > 0;
  }

  get isBusy(): boolean {
    return this.isFollowed || this.#storing.size > 0;
  }

  /** A put could not be written. */
  notWritten(seq: number, refusal: Refusal): void {
    if (!this.comesAgain) {
      this.refuse(seq, refusal);
      return;
    }
    this.#cutOff.add(seq);
    this.#earlyTurn = -1;
  }

  /** It was made, and is not there: it is to be made again. */
  isOwed(seq: number): boolean {
    return this.#cutOff.has(seq);
  }

  has(seq: number): boolean {
    return seq <= this.last && !this.#cutOff.has(seq);
  }

  isEarly(seq: number, turn: number): boolean {
    if (this.#cutOff.size === 0 || this.has(seq)) return false;
    const before = [...this.#cutOff].filter((owed) => owed < seq);
    if (before.length === 0) return false;
    if (this.#earlyTurn < 0) this.#earlyTurn = turn;
    if (this.#earlyTurn === turn) return true;
    for (const owed of before) this.#cutOff.delete(owed);
    return false;
  }

  refuse(seq: number, refusal: Refusal): void {
    const at = this.#after(seq);
    const before = this.#runs[at - 1];
    if (before !== undefined && before.to === seq - 1 && before.refusal === refusal) before.to = seq;
    else this.#runs.splice(at, 0, { from: seq, to: seq, refusal });
  }

  /** What a put that was made before is answered with. */
  refusalOf(seq: number): Refusal {
    const run = this.#runs[this.#after(seq) - 1];
    return run !== undefined && seq <= run.to ? run.refusal : REFUSAL.none;
  }

  /** Index of the first run that begins behind `seq`. */
  #after(seq: number): number {
    let at = this.#runs.length;
    while (at > 0 && (this.#runs[at - 1] as Run).from > seq) at--;
    return at;
  }

  /** Puts of the same numbering that another queue had, each of which was put to one of the two at most. */
  merge(other: Mark): void {
    const { last } = this;
    this.last = Math.max(last, other.last);
    for (const { from, to, refusal } of other.#runs)
      for (let seq = from; seq <= to; seq++)
        if (seq > last || this.refusalOf(seq) === REFUSAL.none) this.refuse(seq, refusal);
    for (const seq of other.#cutOff) this.#cutOff.add(seq);
    for (const seq of other.#storing) this.#cutOff.add(seq);
  }

  encode(): Buffer {
    this.#forget();
    const writer = new WireWriter(64).u53(this.epoch).u53(this.last).text(this.origin).u16(this.#runs.length);
    for (const { from, to, refusal } of this.#runs)
      writer
        .u53(from)
        .u16(to - from)
        .u8(refusal);
    writer.u16(this.#storing.size + this.#cutOff.size);
    for (const seq of this.#storing) writer.u53(seq);
    for (const seq of this.#cutOff) writer.u53(seq);
    return writer.take();
  }

  #forget(): void {
    const horizon = this.last - PUTS_OUTSTANDING_MAX;
    let old = 0;
    while (old < this.#runs.length && (this.#runs[old] as Run).to <= horizon) old++;
    if (old > 0) this.#runs.splice(0, old);
  }

  static decode(id: number, value: Buffer): Mark {
    const reader = new WireReader(value);
    const epoch = reader.u53();
    const last = reader.u53();
    const mark = new Mark(id, reader.text(), epoch);
    mark.last = last;
    for (let left = reader.u16(); left > 0; left--) {
      const from = reader.u53();
      mark.#runs.push({ from, to: from + reader.u16(), refusal: reader.u8() as Refusal });
    }
    for (let left = reader.u16(); left > 0; left--) mark.#cutOff.add(reader.u53());
    return mark;
  }
}
