/** Stands for the token of a delivery that is void: its consumer has ended, and it comes again. */
export const VOID = -2;

/** Deliveries of one subscription that the client has not answered, by their numbers in the order in which they were made. */
export class Unacked {
  readonly #tokens = new Map<number, number>();

  get size(): number {
    return this.#tokens.size;
  }

  add(number: number, token: number): void {
    this.#tokens.set(number, token);
  }

  /** Their consumer has ended. The client knows nothing of that, and answers them nevertheless. */
  becomeVoid(): void {
    for (const number of this.#tokens.keys()) this.#tokens.set(number, VOID);
  }

  /** The token of a delivery, which is answered now; undefined when there is none. */
  take(number: number): number | undefined {
    const token = this.#tokens.get(number);
    if (token !== undefined) this.#tokens.delete(number);
    return token;
  }

  /** The same of all up to one, which must be there; null when it is not. */
  takeUpTo(number: number): number[] | null {
    if (!this.#tokens.has(number)) return null;
    const taken: number[] = [];
    for (const [one, token] of this.#tokens) {
      if (one > number) break;
      taken.push(token);
      this.#tokens.delete(one);
    }
    return taken;
  }
}
