import type { Open } from '../../amqp/codec/types';
import type { Connection, ConnectionHandler } from '../../amqp/connection';
import { CONDITION } from '../../amqp/constants';
import type { AmqpError } from '../../amqp/errors';
import type { Link } from '../../amqp/link';
import type { LinkNames } from '../../amqp/link-names';
import { ReceiverLink } from '../../amqp/receiver-link';
import { ServerNegotiation } from '../../amqp/sasl/negotiation';
import type { SenderLink } from '../../amqp/sender-link';
import type { ByteStream } from '../../transport/byte-stream';
import { StreamDriver } from '../../transport/stream-driver';
import type { EdgeConnection, EdgePort } from '../edge/edge-protocol';
import type { AmqpEdgeOptions, ClientContext } from './client-options';
import { ClientTransactions } from './client-transactions';
import { ConsumerLink } from './consumer-link';
import { PublisherLink } from './publisher-link';

/** Frames to clients' liking: small enough that a window of them is a bounded number of bytes. */
const FRAME_BYTES = 16 * 1024;
/** What JMS clients look for in the open. Delays are those of queues; other kinds of address keep nothing back. */
const OFFERED = ['ANONYMOUS-RELAY', 'DELAYED_DELIVERY', 'SHARED-SUBS'];
const SHUTTING_DOWN = { condition: CONDITION.forced, description: 'the node is shutting down' };

/** One client's connection: its sending links publish, its receiving links consume. */
export class AmqpClient implements ConnectionHandler, EdgeConnection {
  readonly #driver: StreamDriver;
  #draining = false;

  constructor(
    stream: ByteStream,
    private readonly port: EdgePort,
    private readonly options: AmqpEdgeOptions,
    names: LinkNames,
  ) {
    this.#driver = new StreamDriver(stream, options.queue, this, {
      role: 'server',
      containerId: options.containerId,
      idleTimeOutMs: options.idleTimeOutMs,
      frameBytesMax: FRAME_BYTES,
      offeredCapabilities: OFFERED,
      names,
      sasl: new ServerNegotiation(options.mechanisms, !options.saslOptional),
    });
  }

  onOpen(connection: Connection, open: Open): void {
    const { addresses, budget, messageBytesMax } = this.options;
    const { counters } = this.port;
    const client = open.containerId;
    const transactions = new ClientTransactions(addresses);
    const context: ClientContext = { addresses, transactions, counters, budget, messageBytesMax, client };
    connection.context = context;
    connection.open();
  }

  onLink(link: Link): void {
    const { budget } = this.options;
    if (this.#draining) {
      link.refuse({ condition: CONDITION.forced, description: 'the node is shutting down: connect to another one' });
      return;
    }
    if (budget.links >= budget.linksMax) {
      link.refuse({ condition: CONDITION.limit, description: `more than ${budget.linksMax} links of clients` });
      return;
    }
    const context = link.session.connection.context as ClientContext;
    if (link instanceof ReceiverLink) PublisherLink.attach(link, context);
    else ConsumerLink.attach(link as SenderLink, context);
  }

  onClosed(): void {
    this.port.closed(this);
  }

  onProtocolError(connection: Connection, error: AmqpError): void {
    const from = this.#driver.remoteAddress;
    this.port.errors.protocolError('protocol-error', error, { peer: connection.remoteContainerId, from });
  }

  drain(): void {
    this.#draining = true;
  }

  shutdown(): void {
    this.#draining = true;
    this.#driver.connection.close(SHUTTING_DOWN);
  }
}
