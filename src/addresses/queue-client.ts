import type { FairleadError } from '../common/errors';
import type { QueueConsumerSpec } from '../queues/contract';
import type { AddressEntry } from './address-entry';
import type { Consumer, ConsumerSpec } from './contract';
import { AddressError } from './errors';
import { SELECTOR_BYTES_MAX } from './limits';
import { endpointTag, publisherTag } from './publisher-tag';

/** A consumer of a queue at this node, wherever the queue lives. */
export interface QueueClient extends Consumer {
  readonly entry: AddressEntry;
  readonly closed: boolean;
  /** Where the queue lives may have changed. */
  review(): void;
  /** Does what is due at the end of a turn. */
  flush(now: number): void;
  /** When it is to be looked at again. */
  readonly deadline: number;
  /** Ends it from within the mesh. */
  end(error: FairleadError): void;
}

/** Asked to call back once a subscription misses nothing that is published, with the nodes of which that is not certain. */
export type WhenKnown = (confirm: (unconfirmed: readonly string[]) => void) => void;

/** What surrounds the consumers of queues. */
export interface QueueClientPorts {
  /** It has something to do at the end of this turn; `later` at the end of whichever turn comes next. */
  due(client: QueueClient, later?: 'later'): void;
  delivered(): void;
  /** What it has changed in a queue here goes to the disk with all that this turn brings. */
  scheduleFlush(): void;
  closed(client: QueueClient): void;
  /**
   * Its queue is at another node than before, and nothing of it is open: another client takes its place.
   * @param confirmed its handler was told that it is there
   */
  replace(client: QueueClient, confirmed: boolean): void;
}

/** What a client asks for, as its queue is told. @throws AddressError */
export function queueSpec(spec: ConsumerSpec, near: boolean): QueueConsumerSpec {
  const { client, link, settled, messageBytesMax = Infinity, subscription } = spec;
  // What a subscription holds has been selected: it is all for it.
  const queue = subscription === undefined ? spec.queue : undefined;
  const selector = queue?.selector ?? null;
  if (selector !== null && Buffer.byteLength(selector) > SELECTOR_BYTES_MAX)
    throw new AddressError('FL_ADDRESS_LIMIT', `selector of more than ${SELECTOR_BYTES_MAX} bytes`);
  return {
    client,
    settled,
    selector,
    browse: queue?.browse ?? false,
    exclusive: subscription === undefined ? (queue?.exclusive ?? false) : subscription.shared ? false : 'takeOver',
    endpoint: link === undefined ? 0 : endpointTag(client, link),
    notFrom: queue?.noLocal === true ? publisherTag(client) : 0,
    near,
    messageBytesMax,
  };
}
