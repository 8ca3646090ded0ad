import type { NodeId, StreamClass } from '../links/contract';
import type { Batch } from './batch';
import type { TargetSet } from './contract';
import type { ByClass } from './peer';

/** An interned set with the batches that are open towards it in this turn. */
export class OpenTargetSet implements TargetSet {
  readonly open: ByClass<Batch> = [null, null, null, null];

  constructor(
    readonly key: string,
    readonly targets: readonly NodeId[],
  ) {}
}

/** Interns target sets, and lists the open batches in the order in which they were opened. */
export class TargetSets {
  readonly #sets = new Map<string, OpenTargetSet>();
  #opened: { set: OpenTargetSet; cls: StreamClass }[] = [];

  intern(targets: readonly NodeId[]): OpenTargetSet {
    const sorted = [...new Set(targets)].sort((a, b) => a - b);
    const key = sorted.join(',');
    let set = this.#sets.get(key);
    if (set === undefined) {
      if (this.#sets.size >= TARGET_SETS_MAX) this.#forgetIdle();
      this.#sets.set(key, (set = new OpenTargetSet(key, sorted)));
    }
    return set;
  }

  opened(set: OpenTargetSet, cls: StreamClass, batch: Batch): void {
    set.open[cls] = batch;
    this.#opened.push({ set, cls });
  }

  get anyOpen(): boolean {
    return this.#opened.length > 0;
  }

  /** Hands out the open batches in order and forgets that they are open. */
  close(visit: (set: OpenTargetSet, batch: Batch) => void): void {
    while (this.#opened.length > 0) {
      const opened = this.#opened;
      this.#opened = [];
      for (const { set, cls } of opened) {
        const batch = set.open[cls];
        if (batch === null) continue;
        set.open[cls] = null;
        visit(set, batch);
      }
    }
  }

  #forgetIdle(): void {
    for (const [key, set] of this.#sets) if (set.open.every((batch) => batch === null)) this.#sets.delete(key);
  }
}

/** Distinct sets remembered; forgetting an idle one only costs its interning again. */
const TARGET_SETS_MAX = 10_000;
