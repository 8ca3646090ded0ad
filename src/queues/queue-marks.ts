import { MARK_EPOCHS_MAX } from './limits';
import { Mark } from './marks';
import { SPACE } from './spaces';
import type { QueueStore } from './store-port';

/** The marks of one queue. */
export class QueueMarks {
  readonly #byOrigin = new Map<string, Mark[]>();
  /** To be written with the next group. */
  readonly #dirty = new Set<Mark>();
  readonly #forgotten: Mark[] = [];
  #nextId = 1;

  /** @throws RecordDamagedError */
  load(store: QueueStore, queue: number): void {
    store.scan(SPACE.marks, queue, 0, Number.MAX_SAFE_INTEGER, (id, value) => {
      const mark = Mark.decode(id, value);
      this.#of(mark.origin).push(mark);
      this.#nextId = id + 1;
      return true;
    });
    for (const marks of this.#byOrigin.values()) marks.sort((a, b) => a.epoch - b.epoch);
  }

  get(origin: string, epoch: number): Mark {
    const marks = this.#of(origin);
    const known = marks.find((mark) => mark.epoch === epoch);
    if (known !== undefined) return known;
    const mark = new Mark(this.#nextId++, origin, epoch);
    marks.push(mark);
    marks.sort((a, b) => a.epoch - b.epoch);
    // Not the new one: a node that has lost its disk may begin with a clock that is behind.
    while (marks.length > MARK_EPOCHS_MAX) this.#forget(marks, marks[0] === mark ? 1 : 0);
    return mark;
  }

  #forget(marks: Mark[], at: number): void {
    const [forgotten] = marks.splice(at, 1) as [Mark];
    this.#dirty.delete(forgotten);
    this.#forgotten.push(forgotten);
  }

  /** What another queue has of a numbering. */
  merge(other: Mark): void {
    const mark = this.get(other.origin, other.epoch);
    mark.merge(other);
    this.touch(mark);
  }

  touch(mark: Mark): void {
    this.#dirty.add(mark);
  }

  /** All have to be written again: what was on its way has failed. */
  touchAll(): void {
    for (const marks of this.#byOrigin.values()) for (const mark of marks) if (mark.last > 0) this.#dirty.add(mark);
  }

  write(store: QueueStore, queue: number): void {
    for (const mark of this.#dirty) store.put(SPACE.marks, queue, mark.id, mark.encode());
    this.#dirty.clear();
    for (const mark of this.#forgotten) store.delete(SPACE.marks, queue, mark.id);
    this.#forgotten.length = 0;
  }

  #of(origin: string): Mark[] {
    let marks = this.#byOrigin.get(origin);
    if (marks === undefined) {
      marks = [];
      this.#byOrigin.set(origin, marks);
    }
    return marks;
  }
}
