import { Pair, Recorder } from '../../amqp/pair.fixture';
import { ReceiverLink } from '../../amqp/receiver-link';
import type { SenderLink } from '../../amqp/sender-link';
import type { Session } from '../../amqp/session';
import type { Link } from '../../amqp/link';
import { FakeAddresses } from '../edge/addresses.fixture';
import { ClientBudget } from '../edge/client-budget';
import { ListenerCounters } from '../edge/listener-counters';
import type { ClientContext } from './client-options';
import { ClientTransactions } from './client-transactions';
import { ConsumerLink } from './consumer-link';
import { PublisherLink } from './publisher-link';

/** A client of ours at a listener's links, in memory. */
export class FakeClient {
  readonly addresses = new FakeAddresses();
  readonly budget = new ClientBudget(10);
  readonly counters = new ListenerCounters();
  readonly pair: Pair;
  readonly session: Session;
  readonly links: Link[] = [];
  readonly context: ClientContext;

  constructor(more: Partial<ClientContext> = {}) {
    this.context = {
      addresses: this.addresses,
      transactions: new ClientTransactions(this.addresses),
      counters: this.counters,
      budget: this.budget,
      messageBytesMax: 1_000_000,
      client: 'client',
      ...more,
    };
    const server = new Recorder((link) => {
      this.links.push(link);
      if (link instanceof ReceiverLink) PublisherLink.attach(link, this.context);
      else ConsumerLink.attach(link as SenderLink, this.context);
    });
    this.pair = new Pair(new Recorder(), server);
    this.pair.run();
    this.session = this.pair.client.begin();
    this.run();
  }

  run(): void {
    this.pair.run();
  }
}
