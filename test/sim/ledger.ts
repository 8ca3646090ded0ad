import type { AddressKind } from '../../src/addresses/contract';
import type { Outcome } from '../../src/streams/contract';

/** One message as its publisher saw it. */
export interface SentMessage {
  readonly at: number;
  readonly hash: number;
  /** Null until it is known. */
  outcome: Outcome | null;
  /** When that was; a large message is whole by then. */
  answeredAt: number | null;
  /** How often an outcome was told; more than once is a fault. */
  outcomes: number;
}

/** A publisher in one life of its node; its messages by sequence. */
export interface PublisherRecord {
  readonly id: number;
  readonly node: string;
  readonly life: number;
  readonly kind: AddressKind;
  readonly address: string;
  readonly openedAt: number;
  readonly sent: SentMessage[];
  /** The node died under it: what it last sent may be gone, and outcomes never come. */
  diedAt: number | null;
}

/** One message as a consumer saw it. */
export interface Delivery {
  readonly publisher: number;
  readonly seq: number;
  readonly hash: number;
  readonly at: number;
  /** When the consumer settled it, if it has. */
  settledAt: number | null;
  accepted: boolean;
}

/** A consumer in one life of its node. */
export interface ConsumerRecord {
  readonly id: number;
  readonly node: string;
  readonly life: number;
  readonly kind: AddressKind;
  readonly filter: string;
  /** Its rule lets messages be dropped when it is slow. */
  readonly lossy: boolean;
  readonly openedAt: number;
  confirmedAt: number | null;
  /** Nodes that had not acknowledged the subscription when it was confirmed. */
  unconfirmed: readonly string[];
  /** When it ended, by whatever. */
  endedAt: number | null;
  /** Its node ended under it. */
  died: boolean;
  readonly got: Delivery[];
}

/** One message as a consumer of a queue saw it. */
export interface QueueDelivery {
  readonly receiver: ReceiverRecord;
  readonly publisher: number;
  readonly seq: number;
  readonly hash: number;
  readonly at: number;
  /** Its header said that it may have been delivered before. */
  readonly marked: boolean;
  /** When and how its consumer settled it, if it has, and when it heard that this is on the disk. */
  settledAt: number | null;
  outcome: Outcome | null;
  confirmedAt: number | null;
}

/** A consumer of a queue, from its attach to its end. */
export interface ReceiverRecord {
  readonly id: number;
  readonly node: string;
  readonly life: number;
  readonly queue: string;
  readonly openedAt: number;
  /** When it ended, and by what. */
  endedAt: number | null;
  ended: string | null;
  /** It had more deliveries unsettled than its credit allows. */
  overrun: boolean;
}

/** What the clients of a run did and saw, written by them alone. */
export class Ledger {
  readonly publishers: PublisherRecord[] = [];
  readonly consumers: ConsumerRecord[] = [];
  readonly receivers: ReceiverRecord[] = [];
  /** All that consumers of queues got, in the order in which they got it. */
  readonly queueDeliveries: QueueDelivery[] = [];
  /** From when on what is published is owed to each subscription. */
  readonly keptFrom = new Map<string, number>();

  openReceiver(receiver: Pick<ReceiverRecord, 'node' | 'life' | 'queue' | 'openedAt'>): ReceiverRecord {
    const record: ReceiverRecord = {
      ...receiver,
      id: this.receivers.length,
      endedAt: null,
      ended: null,
      overrun: false,
    };
    this.receivers.push(record);
    return record;
  }

  openPublisher(publisher: Pick<PublisherRecord, 'node' | 'life' | 'kind' | 'address' | 'openedAt'>): PublisherRecord {
    const record: PublisherRecord = { ...publisher, id: this.publishers.length, sent: [], diedAt: null };
    this.publishers.push(record);
    return record;
  }

  openConsumer(
    consumer: Pick<ConsumerRecord, 'node' | 'life' | 'kind' | 'filter' | 'lossy' | 'openedAt'>,
  ): ConsumerRecord {
    const record: ConsumerRecord = {
      ...consumer,
      id: this.consumers.length,
      confirmedAt: null,
      unconfirmed: [],
      endedAt: null,
      died: false,
      got: [],
    };
    this.consumers.push(record);
    return record;
  }
}
