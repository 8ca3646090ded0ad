/** So many of something, each of which one of the accounts named has to pay. */
export interface Demand<A> {
  readonly accounts: readonly A[];
  count: number;
}

/** Assigns demands to accounts so that as much as possible is paid (maximum flow by augmenting paths: a handful of each). */
export class Matching<A> {
  readonly #left: Map<A, number>;
  readonly #paid = new Map<Demand<A>, Map<A, number>>();

  constructor(funds: ReadonlyMap<A, number>) {
    this.#left = new Map(funds);
  }

  /** @returns how much of the demand cannot be paid */
  add(demand: Demand<A>): number {
    this.#paid.set(demand, new Map());
    let open = demand.count;
    for (let paid = -1; open > 0 && paid !== 0; open -= paid) paid = this.#pay(demand, open, new Set());
    return open;
  }

  /** Pays up to `most` by one path: from an account that has something left, or one whose other debtor can be paid elsewhere. */
  #pay(demand: Demand<A>, most: number, tried: Set<A>): number {
    for (const account of demand.accounts) {
      if (tried.has(account)) continue;
      tried.add(account);
      const paid = this.#takeLeft(account, most) || this.#takeBack(account, most, tried);
      if (paid === 0) continue;
      this.#book(demand, account, paid);
      return paid;
    }
    return 0;
  }

  #takeLeft(account: A, most: number): number {
    const left = this.#left.get(account) ?? 0;
    const paid = Math.min(left, most);
    if (paid > 0) this.#left.set(account, left - paid);
    return paid;
  }

  #takeBack(account: A, most: number, tried: Set<A>): number {
    for (const [other, byAccount] of this.#paid) {
      const has = byAccount.get(account) ?? 0;
      if (has === 0) continue;
      const paid = this.#pay(other, Math.min(has, most), tried);
      if (paid === 0) continue;
      this.#book(other, account, -paid);
      return paid;
    }
    return 0;
  }

  #book(demand: Demand<A>, account: A, amount: number): void {
    const byAccount = this.#paid.get(demand) as Map<A, number>;
    byAccount.set(account, (byAccount.get(account) ?? 0) + amount);
  }
}
