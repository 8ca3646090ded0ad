import type { ConsumerRecord, PublisherRecord, SentMessage } from './ledger';

/** Whether a message must have reached a consumer: what the checker asks about the run. */
export interface Oracle {
  mustReach(publisher: PublisherRecord, message: SentMessage, consumer: ConsumerRecord): boolean;
}
