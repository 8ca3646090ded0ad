const INITIAL = 16;
const NONE = -1;

/** Deliveries that a consumer has, by token: a small integer, used again once it is freed. */
export class DeliveryTable {
  /** Those that are not settled. */
  size = 0;
  #slots = new Int32Array(INITIAL).fill(NONE);
  /** Which delivery of its circuit each is. */
  #numbers = new Float64Array(INITIAL);
  readonly #free: number[] = [];
  #end = 0;

  /** @returns its token */
  add(slot: number, number: number): number {
    const token = this.#free.pop() ?? this.#end++;
    if (token >= this.#slots.length) this.#grow();
    this.#slots[token] = slot;
    this.#numbers[token] = number;
    this.size++;
    return token;
  }

  /** Settles a delivery; its token stays taken until it is freed. @returns its slot, -1 when it is settled already */
  take(token: number): number {
    const slot = this.#slots[token] ?? NONE;
    if (slot === NONE) return NONE;
    this.#slots[token] = NONE;
    this.size--;
    return slot;
  }

  number(token: number): number {
    return this.#numbers[token] as number;
  }

  free(token: number): void {
    this.#free.push(token);
  }

  /** Tokens of what is not settled, in the order in which it came. */
  open(): number[] {
    const tokens: number[] = [];
    for (let token = 0; token < this.#end; token++) if (this.#slots[token] !== NONE) tokens.push(token);
    return tokens.sort((a, b) => this.number(a) - this.number(b));
  }

  #grow(): void {
    const length = this.#slots.length * 2;
    const slots = new Int32Array(length).fill(NONE);
    slots.set(this.#slots);
    this.#slots = slots;
    const numbers = new Float64Array(length);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
  }
}
