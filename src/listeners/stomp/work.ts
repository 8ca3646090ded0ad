import { OUTCOME } from '../../streams/contract';
import type { FrameHead } from './frame';
import { LargeMessages } from './large-messages';
import { Sends } from './sends';
import type { Session } from './session';
import { Subscriptions } from './subscriptions';
import { Temporaries } from './temporaries';
import { Transactions } from './transactions';

/** What a client can ask for between CONNECT and DISCONNECT. */
export class Work {
  readonly transactions: Transactions;
  readonly temporaries: Temporaries;
  readonly large: LargeMessages;
  readonly subscriptions: Subscriptions;
  readonly sends: Sends;

  constructor(private readonly session: Session) {
    this.transactions = new Transactions(session);
    this.temporaries = new Temporaries(session);
    this.large = new LargeMessages(session);
    this.subscriptions = new Subscriptions(session, this.temporaries, this.large);
    this.sends = new Sends(session, this.transactions, this.temporaries, this.subscriptions);
  }

  /** A whole frame. @throws FairleadError */
  onFrame(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    switch (head.command) {
      case 'SEND':
        this.sends.whole(head, bytes, start, end);
        break;
      case 'ACK':
        this.subscriptions.settle(head, OUTCOME.accepted, this.#transaction(head));
        break;
      case 'NACK':
        this.subscriptions.settle(head, nackOf(head), this.#transaction(head));
        break;
      case 'SUBSCRIBE':
        this.subscriptions.subscribe(head);
        break;
      case 'UNSUBSCRIBE':
        this.subscriptions.unsubscribe(head);
        break;
      case 'BEGIN':
        this.transactions.begin(head.requiredId('transaction'));
        this.session.receipt(head.id('receipt'));
        break;
      case 'COMMIT':
        this.transactions.commit(head.required('transaction'), head.id('receipt'));
        break;
      case 'ABORT':
        this.transactions.abort(head.required('transaction'));
        this.session.receipt(head.id('receipt'));
        break;
      default:
    }
  }

  #transaction(head: FrameHead) {
    const name = head.get('transaction');
    return name === undefined ? null : this.transactions.find(name);
  }

  /** The connection is over. @param failed the client has died, or broke the protocol */
  end(failed: boolean): void {
    this.transactions.end();
    this.large.drop();
    this.subscriptions.close(failed);
    this.sends.close();
    this.temporaries.end();
  }
}

/** A failed attempt: the message is delivered again, until its address' `maxDeliveries`; without `requeue` it is a dead letter at once. */
function nackOf(head: FrameHead) {
  const requeue = head.get('requeue') === undefined || head.flag('requeue');
  return requeue ? OUTCOME.modifiedFailed : OUTCOME.rejected;
}
