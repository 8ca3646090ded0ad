/** Events in virtual time: nothing waits for a clock, and the same seed gives the same run. */
export class VirtualTime {
  now = 0;
  #heap: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;
  events = 0;

  at(time: number, run: () => void): void {
    const heap = this.#heap;
    const event = { at: Math.max(time, this.now), order: this.#order++, run };
    heap.push(event);
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!earlier(event, heap[parent] as typeof event)) break;
      heap[child] = heap[parent] as typeof event;
      child = parent;
    }
    heap[child] = event;
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  /** Runs everything that is due until `time`, or until `done`. @returns whether `done` came true */
  runUntil(time: number, done: () => boolean = () => false): boolean {
    for (let next = this.#heap[0]; next !== undefined && next.at <= time; next = this.#heap[0]) {
      this.#pop();
      this.now = next.at;
      this.events++;
      next.run();
      if (done()) return true;
    }
    this.now = Math.max(this.now, time);
    return done();
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let parent = 0;
    for (;;) {
      let child = parent * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1] as typeof last, heap[child] as typeof last)) child++;
      if (!earlier(heap[child] as typeof last, last)) break;
      heap[parent] = heap[child] as typeof last;
      parent = child;
    }
    heap[parent] = last;
  }
}

interface Ordered {
  readonly at: number;
  readonly order: number;
}

function earlier(a: Ordered, b: Ordered): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
