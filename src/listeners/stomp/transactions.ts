import type { Transaction } from '../../addresses/contract';
import type { Deadline } from '../edge/deadlines';
import { StompError, shown } from './errors';
import { TRANSACTION_MS, TRANSACTIONS_MAX } from './limits';
import type { Session } from './session';

/** One that is not ended. */
class Open implements Deadline {
  readonly transaction: Transaction;
  readonly dueAtMs: number;

  constructor(
    private readonly name: string,
    private readonly session: Session,
  ) {
    this.transaction = session.addresses.beginTransaction();
    this.dueAtMs = session.deadlines.now() + TRANSACTION_MS;
    session.deadlines.add(this);
  }

  onDue(): void {
    const why = `transaction '${shown(this.name)}' took more than ${TRANSACTION_MS / 1000} s: rolled back`;
    this.session.fail(new StompError('FL_STOMP_TIMEOUT', why));
  }

  over(): Transaction {
    this.session.deadlines.remove(this);
    return this.transaction;
  }
}

/** The transactions of one connection, by the names that its client gives them. They end with it. */
export class Transactions {
  readonly #open = new Map<string, Open>();

  constructor(private readonly session: Session) {}

  /** @throws StompError */
  begin(name: string): void {
    if (this.#open.has(name)) throw new StompError('FL_STOMP_ORDER', `transaction '${shown(name)}' has begun already`);
    if (this.#open.size >= TRANSACTIONS_MAX)
      throw new StompError('FL_STOMP_LIMIT', `more than ${TRANSACTIONS_MAX} open transactions on one connection`);
    this.#open.set(name, new Open(name, this.session));
  }

  /** @throws StompError when there is none of that name */
  find(name: string): Transaction {
    const open = this.#open.get(name);
    if (open === undefined) throw new StompError('FL_STOMP_ORDER', `there is no open transaction '${shown(name)}'`);
    return open.transaction;
  }

  #take(name: string): Transaction {
    this.find(name);
    const open = this.#open.get(name) as Open;
    this.#open.delete(name);
    return open.over();
  }

  commit(name: string, receipt: string | undefined): void {
    const { session } = this;
    session.begun();
    this.#take(name).commit((error) => {
      if (error === null) session.receipt(receipt);
      else session.fail(error, receipt);
      session.finished();
    });
  }

  abort(name: string): void {
    this.#take(name).rollback();
  }

  /** The connection is over. */
  end(): void {
    for (const open of this.#open.values()) open.over().rollback();
    this.#open.clear();
  }
}
