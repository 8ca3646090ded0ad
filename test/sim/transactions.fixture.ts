import type { Transaction } from '../../src/addresses/contract';
import type { FairleadError } from '../../src/common/errors';
import type { VirtualNode } from './virtual-mesh';

/** A transaction at a node, and what became of it. */
export class Work {
  readonly transaction: Transaction;
  /** Undefined until the commit is answered. */
  result: FairleadError | null | undefined;

  constructor(node: VirtualNode) {
    this.transaction = node.running.addresses.beginTransaction();
  }

  commit(): void {
    this.transaction.commit((error) => {
      if (this.result !== undefined) throw new Error('a commit is answered once');
      this.result = error;
    });
  }
}
