import { transactionCommandOf, type TransactionCommand } from '../../amqp/codec/transactions';
import { AMQP_OUTCOME, CONDITION, TRANSFER } from '../../amqp/constants';
import type { ReceiverHandler, ReceiverLink } from '../../amqp/receiver-link';
import { FairleadError } from '../../common/errors';
import { decodeMessage } from '../../message/decode-message';
import type { ClientBudget } from '../edge/client-budget';
import type { ClientContext } from './client-options';
import type { ClientTransaction, ClientTransactions } from './client-transactions';
import { Gathering } from '../edge/gathering';
import { COMMAND_BYTES_MAX, COORDINATOR_CREDIT } from './limits';
import { OutcomesTaken, toErrorFields } from './outcomes';

/** Sessions and links of a connection may share its transactions, and each have several (part 4.5.10). */
const CAPABILITIES = ['amqp:local-transactions', 'amqp:multi-txns-per-ssn', 'amqp:multi-ssns-per-txn'];

/** A client's link to the coordinator: it declares transactions and discharges them (part 4.2, 4.3). */
export class CoordinatorLink implements ReceiverHandler {
  readonly #gathering: Gathering;
  readonly #taken: OutcomesTaken;
  /** Those that were declared here and are not discharged: they end with the link. */
  readonly #declared = new Set<ClientTransaction>();
  #closed = false;

  private constructor(
    private readonly link: ReceiverLink,
    private readonly transactions: ClientTransactions,
    private readonly budget: ClientBudget,
  ) {
    this.#gathering = new Gathering(budget);
    this.#taken = new OutcomesTaken(link.remote?.source?.outcomes);
    budget.links++;
  }

  /** Answers an attach whose target is a coordinator. */
  static attach(link: ReceiverLink, { transactions, budget }: ClientContext): void {
    link.handler = new CoordinatorLink(link, transactions, budget);
    link.accept({ target: { type: 'coordinator', capabilities: CAPABILITIES }, maxMessageSize: COMMAND_BYTES_MAX });
    link.addCredit(COORDINATOR_CREDIT);
  }

  onTransfer(link: ReceiverLink, bytes: Buffer, start: number, end: number, deliveryId: number, flags: number): void {
    const aborted = (flags & TRANSFER.aborted) !== 0;
    if (!aborted) this.#gathering.add(bytes, start, end);
    if (!aborted && (flags & TRANSFER.more) !== 0) return;
    link.addCredit(1);
    if (!aborted) this.#onCommand(deliveryId, (flags & TRANSFER.settled) !== 0);
    this.#gathering.clear();
  }

  #onCommand(deliveryId: number, settled: boolean): void {
    try {
      const { body } = decodeMessage(this.#gathering.bytes, 0, this.#gathering.length);
      const command = transactionCommandOf(body.kind === 'value' ? body.value : null);
      if (command.type === 'declare') this.#declare(command, deliveryId, settled);
      else this.#discharge(command, deliveryId, settled);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.#reject(deliveryId, settled, error);
    }
  }

  #declare({ globalId }: TransactionCommand & { type: 'declare' }, deliveryId: number, settled: boolean): void {
    if (settled) throw new SettledDeclareError();
    if (globalId !== null) throw new DistributedError();
    const transaction = this.transactions.begin();
    this.#declared.add(transaction);
    this.link.dispose(deliveryId, AMQP_OUTCOME.other, this.#settles, { type: 'declared', txnId: transaction.id });
  }

  #discharge(command: TransactionCommand & { type: 'discharge' }, deliveryId: number, settled: boolean): void {
    const transaction = this.transactions.find(command.txnId);
    this.transactions.forget(transaction);
    this.#declared.delete(transaction);
    const done = (error: FairleadError | null): void => {
      if (this.#closed) return;
      if (error !== null) this.#reject(deliveryId, settled, error);
      else if (!settled) this.link.dispose(deliveryId, AMQP_OUTCOME.accepted, this.#settles);
    };
    if (!command.fail) transaction.commit(done);
    else {
      transaction.rollback();
      done(null);
    }
  }

  get #settles(): boolean {
    return this.link.rcvSettleMode === 0;
  }

  /** Part 4.3: a controller whose source does not take `rejected`, or that has settled, hears of an error by the end of its link. */
  #reject(deliveryId: number, settled: boolean, error: FairleadError): void {
    const fields = toErrorFields(error);
    if (settled || !this.#taken.takes(AMQP_OUTCOME.rejected)) this.link.detach(fields, true);
    else this.link.dispose(deliveryId, AMQP_OUTCOME.rejected, this.#settles, { type: 'rejected', error: fields });
  }

  /** What it has declared and not discharged is rolled back (part 4.2). */
  onDetached(): void {
    this.#closed = true;
    this.budget.links--;
    this.#gathering.clear();
    for (const transaction of this.#declared) {
      transaction.rollback();
      this.transactions.forget(transaction);
    }
    this.#declared.clear();
  }
}

/** A declare that nobody could be told the id of. */
class SettledDeclareError extends FairleadError {
  constructor() {
    super('FL_TRANSACTION_COMMAND', 'a declare that is settled: its id could not be told', {
      condition: CONDITION.notAllowed,
    });
  }
}

/** Transactions that span several resources. */
class DistributedError extends FairleadError {
  constructor() {
    super('FL_TRANSACTION_COMMAND', 'a declare with a global-id: distributed transactions are not served', {
      condition: CONDITION.notImplemented,
    });
  }
}
