import { DecodeError } from '../amqp/errors';
import { decodeMessage } from '../message/decode-message';
import { ANNOTATION } from '../queues/dead-letters';
import type { AddressRef } from './contract';

/** What consumers of one subscription are told that its messages were published to: one object for as long as that is the same. */
export class DeliveredTopic {
  #last: AddressRef | null = null;

  /** @param queue stands in where nobody knows */
  constructor(private readonly queue: AddressRef) {}

  of(topic: string | null): AddressRef {
    if (topic === null) return this.queue;
    if (this.#last?.name !== topic) this.#last = { kind: 'topic', name: topic };
    return this.#last;
  }
}

/** The topic of a message that was a dead letter of a subscription, and was put back; null where it says none. */
export function topicOfRetried(payload: Buffer, start: number, end: number): string | null {
  try {
    const topic = decodeMessage(payload.subarray(start, end)).messageAnnotations?.named(ANNOTATION.topic);
    return typeof topic === 'string' ? topic : null;
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
