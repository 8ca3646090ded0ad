import type { FairleadError } from '../common/errors';
import type { QueueTransaction } from '../queues/contract';
import type { Outcome, OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { Consumer } from './contract';
import { HomeConsumer } from './home-consumer';
import type { QueueClient } from './queue-client';

/** What a client's consumer of a queue stays, wherever the queue goes. */
export class QueueLink implements Consumer {
  constructor(public client: QueueClient) {}

  get address(): AddressEntry {
    return this.client.entry;
  }

  get waiting(): number {
    return this.client.waiting;
  }

  pump(): void {
    this.client.pump();
  }

  settle(token: number, outcome: Outcome, detail: OutcomeDetail | null, confirm = false): void {
    this.client.settle(token, outcome, detail, confirm);
  }

  /** {@link settle} within a transaction. @returns false when its queue lives at another node */
  settleWithin(transaction: QueueTransaction, token: number, outcome: Outcome, detail: OutcomeDetail | null): boolean {
    const { client } = this;
    if (!(client instanceof HomeConsumer)) return false;
    client.settleWithin(transaction, token, outcome, detail);
    return true;
  }

  drain(): void {
    this.client.drain();
  }

  close(failed?: boolean, closed?: boolean): void {
    this.client.close(failed, closed);
  }

  end(error: FairleadError): void {
    this.client.end(error);
  }
}
