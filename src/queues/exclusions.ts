import { EXCLUSIONS_MAX } from './limits';

/** Which consumers have said of which messages that they can never take them (`undeliverable-here`). */
export class Exclusions {
  readonly #consumers = new Map<number, number[]>();

  add(key: number, consumer: number): void {
    const consumers = this.#consumers.get(key) ?? [];
    consumers.push(consumer);
    this.#consumers.set(key, consumers);
    if (this.#consumers.size <= EXCLUSIONS_MAX) return;
    const [oldest] = this.#consumers.keys();
    if (oldest !== undefined) this.#consumers.delete(oldest);
  }

  has(key: number, consumer: number): boolean {
    return this.#consumers.size > 0 && this.#consumers.get(key)?.includes(consumer) === true;
  }

  /** The message is gone. */
  forget(key: number): void {
    if (this.#consumers.size > 0) this.#consumers.delete(key);
  }
}
