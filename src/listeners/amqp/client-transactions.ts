import { randomBytes } from 'node:crypto';
import type { AddressRef, Consumer, Publisher, Transaction, TransactionSpace, Verdict } from '../../addresses/contract';
import { CONDITION } from '../../amqp/constants';
import type { SenderLink } from '../../amqp/sender-link';
import { FairleadError } from '../../common/errors';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../../streams/contract';
import { ENDED_MAX, SETTLEMENTS_DUE_MAX, TRANSACTION_MS, TRANSACTIONS_MAX } from './limits';

const ID_BYTES = 16;

/** The transactions of one client's connection: they are named by its links, and found here. */
export class ClientTransactions {
  /** Those that are open, and those that were ended from here and are not discharged yet. */
  readonly #byId = new Map<string, ClientTransaction>();
  #ended = 0;

  constructor(private readonly space: TransactionSpace) {}

  /** @throws FairleadError when no more of them fit */
  begin(): ClientTransaction {
    if (this.#byId.size - this.#ended >= TRANSACTIONS_MAX) throw new TooManyError();
    const id = randomBytes(ID_BYTES);
    const transaction = new ClientTransaction(id, this.space.beginTransaction(), () => this.#onEnded());
    this.#byId.set(keyOf(id), transaction);
    return transaction;
  }

  /** @throws UnknownTransactionError */
  find(id: Buffer): ClientTransaction {
    const found = this.get(id);
    if (found === undefined) throw new UnknownTransactionError();
    return found;
  }

  get(id: Buffer): ClientTransaction | undefined {
    return id.length === ID_BYTES ? this.#byId.get(keyOf(id)) : undefined;
  }

  /** Work that names one came for a link that was ended from here, and is lost: the rest must not be taken for all of it. */
  lost(id: Buffer): void {
    this.get(id)?.end(new LostWorkError());
  }

  /** It is discharged, or its coordinator is gone: nobody may name it any more. */
  forget(transaction: ClientTransaction): void {
    if (this.#byId.delete(keyOf(transaction.id)) && transaction.ended !== null) this.#ended--;
  }

  /** One was ended from here. Of many the oldest are forgotten. */
  #onEnded(): void {
    if (++this.#ended <= ENDED_MAX) return;
    for (const transaction of this.#byId.values()) {
      if (transaction.ended === null) continue;
      this.forget(transaction);
      return;
    }
  }
}

function keyOf(id: Buffer): string {
  return id.toString('latin1');
}

/** One transaction of a client. */
export class ClientTransaction {
  /** Why it was ended from here, before its client did; null while it is open. */
  ended: FairleadError | null = null;
  readonly #timer: NodeJS.Timeout;
  /** What its outcome settles. */
  readonly #settlementsDue: { readonly link: SenderLink; readonly deliveryId: number }[] = [];

  constructor(
    readonly id: Buffer,
    private readonly transaction: Transaction,
    private readonly onEnded: () => void,
  ) {
    this.#timer = setTimeout(() => this.end(new TransactionTimeoutError()), TRANSACTION_MS).unref();
  }

  // --- work ----------------------------------------------------------------------------------------------------------------

  /** {@link Transaction.publish}. @throws FairleadError when it was ended */
  publish(
    publisher: Publisher,
    to: AddressRef,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    token: number,
  ): Verdict {
    this.#checkOpen();
    return this.transaction.publish(publisher, to, flags, payload, start, end, token);
  }

  /** {@link Transaction.begin}. @throws FairleadError when it was ended */
  begin(publisher: Publisher, to: AddressRef, flags: number, token: number): void {
    this.#checkOpen();
    this.transaction.begin(publisher, to, flags, token);
  }

  #checkOpen(): void {
    if (this.ended !== null) throw this.ended;
  }

  /**
   * An outcome that is in force when the transaction is committed. What cannot be part of one ends it: nothing of it must count.
   * @throws FairleadError when no outcome of this consumer can be: the client need not wait for its commit to hear of it
   */
  settle(consumer: Consumer, token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (this.ended === null) {
      try {
        this.transaction.settle(consumer, token, outcome, detail);
        return;
      } catch (error) {
        if (!(error instanceof FairleadError)) throw error;
        this.end(error);
        if (error.code === 'FL_TRANSACTION_REMOTE') {
          consumer.settle(token, OUTCOME.released, null);
          throw error;
        }
      }
    }
    // As if it had not been delivered: that the transaction came to nothing is not the consumer's failure.
    consumer.settle(token, OUTCOME.released, null);
  }

  /** A delivery that its client leaves for this end to settle: done when the transaction has ended. */
  settleAtEnd(link: SenderLink, deliveryId: number): void {
    this.#settlementsDue.push({ link, deliveryId });
    if (this.ended !== null) this.#settleDue();
    else if (this.#settlementsDue.length > SETTLEMENTS_DUE_MAX) this.end(new TooLargeError());
  }

  #settleDue(): void {
    for (const { link, deliveryId } of this.#settlementsDue) link.settle(deliveryId);
    this.#settlementsDue.length = 0;
  }

  // --- the end -------------------------------------------------------------------------------------------------------------

  /** Ends it from here: nothing of it takes effect, and its client hears why when it discharges it. */
  end(error: FairleadError): void {
    if (this.ended !== null) return;
    this.ended = error;
    this.#rollback();
    this.onEnded();
  }

  #rollback(): void {
    clearTimeout(this.#timer);
    this.transaction.rollback();
    this.#settleDue();
  }

  /** Its client gives it up, or has gone. */
  rollback(): void {
    if (this.ended === null) this.#rollback();
  }

  /** @param done told once, perhaps within the call: null when all of it is in force */
  commit(done: (error: FairleadError | null) => void): void {
    if (this.ended !== null) {
      done(new RolledBackError(this.ended));
      return;
    }
    clearTimeout(this.#timer);
    this.transaction.commit((error) => {
      this.#settleDue();
      done(error === null ? null : new RolledBackError(error));
    });
  }
}

/** A link, an outcome or a discharge names a transaction that there is not (any more). */
export class UnknownTransactionError extends FairleadError {
  constructor() {
    super('FL_TRANSACTION_UNKNOWN', 'there is no such transaction on this connection', {
      condition: CONDITION.transactionUnknown,
    });
  }
}

/** A transaction was not discharged in time. */
class TransactionTimeoutError extends FairleadError {
  constructor() {
    super('FL_TRANSACTION_TIMEOUT', `not discharged within ${TRANSACTION_MS / 1000} s: rolled back`, {
      condition: CONDITION.transactionTimeout,
    });
  }
}

/** A transaction could not be committed. Its cause keeps its own condition where that says it all. */
class RolledBackError extends FairleadError {
  constructor(cause: FairleadError) {
    const timeout = cause.condition === CONDITION.transactionTimeout;
    super('FL_TRANSACTION_ROLLBACK', timeout ? cause.message : `rolled back: ${cause.message}`, {
      condition: timeout ? CONDITION.transactionTimeout : CONDITION.transactionRollback,
      cause,
    });
  }
}

/** Something that was to be part of a transaction did not become so. */
class LostWorkError extends FairleadError {
  constructor() {
    super('FL_TRANSACTION_ROLLBACK', 'some of its work came for a link that this node had ended', {
      condition: CONDITION.transactionRollback,
    });
  }
}

/** A client begins transactions and does not end them. */
class TooManyError extends FairleadError {
  constructor() {
    super('FL_TRANSACTION_LIMIT', `more than ${TRANSACTIONS_MAX} undischarged transactions on one connection`, {
      condition: CONDITION.limit,
    });
  }
}

/** A transaction holds more than it may. */
class TooLargeError extends FairleadError {
  constructor() {
    super('FL_TRANSACTION_LIMIT', `more than ${SETTLEMENTS_DUE_MAX} unsettled outcomes in one transaction`, {
      condition: CONDITION.limit,
    });
  }
}
