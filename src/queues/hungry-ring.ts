import type { LocalConsumer } from './consumer';
import type { Entry } from './entry';

/** Consumers that had credit when they were last asked, each in its turn. */
export class HungryRing {
  readonly #consumers: LocalConsumer[] = [];
  #at = 0;

  get size(): number {
    return this.#consumers.length;
  }

  add(consumer: LocalConsumer): void {
    this.#consumers.push(consumer);
  }

  remove(consumer: LocalConsumer): void {
    const at = this.#consumers.indexOf(consumer);
    if (at >= 0) this.#removeAt(at);
  }

  #removeAt(at: number): void {
    this.#consumers.splice(at, 1);
    if (at < this.#at) this.#at--;
  }

  /** The next that has credit and takes the entry. Those without credit leave the ring. */
  choose(entry: Entry): LocalConsumer | null {
    let left = this.#consumers.length;
    while (left-- > 0) {
      if (this.#at >= this.#consumers.length) this.#at = 0;
      const consumer = this.#consumers[this.#at] as LocalConsumer;
      if (consumer.sink.credit() <= 0) {
        consumer.isHungry = false;
        this.#removeAt(this.#at);
        continue;
      }
      this.#at++;
      if (consumer.takes(entry)) return consumer;
    }
    return null;
  }
}
