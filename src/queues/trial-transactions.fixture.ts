import type { SeededRandom } from '../common/ports';
import { OUTCOME } from '../streams/contract';
import type { Queue, QueueTransaction } from './contract';
import { MemoryBody } from './queues.fixture';
import type { TrialConsumer, TrialTransaction } from './trial-client.fixture';
import { QUEUES, type TrialMessages } from './trial-messages.fixture';
import { DEAD, type TrialModel } from './trial-model.fixture';

/** Transactions of the trial: what is put and settled in one comes into force together, or not at all. */
export class TrialTransactions {
  constructor(
    private readonly random: SeededRandom,
    private readonly model: TrialModel,
    private readonly messages: TrialMessages,
    private readonly queue: (name: string) => Queue,
  ) {}

  run(unit: QueueTransaction, consumers: readonly TrialConsumer[], intake: string): void {
    const transaction: TrialTransaction = { puts: [], settled: [], state: 'committing', life: this.model.life };
    this.#settle(transaction, unit, consumers);
    for (let puts = 1 + this.random.below(2); puts > 0; puts--) this.#put(transaction, unit);
    if (this.random.chance(0.5)) this.#putRouted(transaction, unit, intake);
    this.model.transactions.push(transaction);
    if (this.random.chance(0.2)) {
      // Before it is given back: it may be delivered within the call.
      this.model.transactionFailed(transaction);
      unit.rollback();
      return;
    }
    unit.commit((error) => {
      if (transaction.life !== this.model.life) return;
      if (error === null) this.model.transactionDone(transaction);
      else if (transaction.state === 'committing') this.model.transactionFailed(transaction);
    });
  }

  #put(transaction: TrialTransaction, unit: QueueTransaction): void {
    const known = this.messages.make(QUEUES[this.random.below(QUEUES.length)] ?? QUEUES[0]);
    known.transaction = transaction;
    transaction.puts.push(known);
    const bytes = this.messages.encode(known);
    unit.put(this.queue(known.queue), bytes, 0, bytes.length, known.sender);
  }

  #putRouted(transaction: TrialTransaction, unit: QueueTransaction, intake: string): void {
    const message = this.messages.routed();
    if (message === null) return;
    const { knowns, sender, bytes, isLarge } = message;
    for (const known of knowns) known.transaction = transaction;
    transaction.puts.push(...knowns);
    if (isLarge) unit.putLarge(this.queue(intake), new MemoryBody(bytes), sender);
    else unit.put(this.queue(intake), bytes, 0, bytes.length, sender);
  }

  #settle(transaction: TrialTransaction, unit: QueueTransaction, consumers: readonly TrialConsumer[]): void {
    const consumer = consumers.find(({ held, browse, queue }) => held.size > 0 && !browse && queue !== DEAD);
    const found = consumer?.takeHeld(this.random);
    if (consumer === undefined || found === undefined) return;
    const [token, known] = found;
    known.holder = null;
    const dice = this.random.below(10);
    const outcome = dice < 7 ? OUTCOME.accepted : dice < 8 ? OUTCOME.rejected : OUTCOME.modifiedFailed;
    this.model.note(`${known.text} settled with ${outcome} in a transaction`);
    if (outcome === OUTCOME.accepted) {
      known.end = 'asked';
      known.transaction = transaction;
      transaction.settled.push(known);
    } else {
      // It comes back in any case, or is dead.
      known.isInexact = known.mayBeDead = true;
    }
    unit.settle(consumer.link, token, outcome, null);
  }
}
