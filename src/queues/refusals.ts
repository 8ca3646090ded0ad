import { FairleadError } from '../common/errors';
import type { OutcomeDetail } from '../streams/contract';
import type { QueueStore } from './store-port';

/** Why a put was not taken; what an origin is told when it asks again is made from the number. Numbers never change. */
export const REFUSAL = {
  none: 0,
  storeFull: 1,
  storeFailed: 2,
  overLimit: 3,
  malformed: 4,
  deliveryTooFar: 5,
  damaged: 6,
  deleted: 7,
  tooLarge: 8,
  largerThanQueue: 9,
  memoryFull: 10,
} as const;
export type Refusal = (typeof REFUSAL)[keyof typeof REFUSAL];

const LIMIT = 'amqp:resource-limit-exceeded';

const DETAILS: Readonly<Record<Refusal, OutcomeDetail | null>> = {
  [REFUSAL.none]: null,
  [REFUSAL.storeFull]: { condition: LIMIT, description: 'the disk of the queue is full' },
  [REFUSAL.storeFailed]: { condition: 'amqp:internal-error', description: 'the message could not be written to disk' },
  [REFUSAL.overLimit]: { condition: LIMIT, description: 'the queue is as full as its rule allows' },
  [REFUSAL.malformed]: { condition: 'amqp:decode-error', description: 'the message is no AMQP message' },
  [REFUSAL.deliveryTooFar]: {
    condition: 'amqp:invalid-field',
    description: 'the delivery time is further away than a queue keeps messages',
  },
  [REFUSAL.damaged]: { condition: 'amqp:internal-error', description: 'the queue is damaged and closed' },
  [REFUSAL.deleted]: { condition: 'amqp:resource-deleted', description: 'the queue was deleted' },
  [REFUSAL.tooLarge]: {
    condition: 'amqp:link:message-size-exceeded',
    description: 'the message is too large for a queue',
  },
  [REFUSAL.largerThanQueue]: {
    condition: 'amqp:link:message-size-exceeded',
    description: 'the message is larger than all that the queue may hold',
  },
  [REFUSAL.memoryFull]: { condition: LIMIT, description: 'temporary queues of the node hold as much as they may' },
};

export function refusalDetail(refusal: Refusal): OutcomeDetail | null {
  return DETAILS[refusal];
}

/** Why a store takes nothing now; none when it does. */
export function refusalOfStore({ state, lacksRoom }: QueueStore): Refusal {
  if (state === 'ok') return REFUSAL.none;
  return lacksRoom ? REFUSAL.storeFull : REFUSAL.storeFailed;
}

/** What puts are told that were in a group that failed. */
export function refusalOfGroup(error: Error): Refusal {
  return error instanceof FairleadError && error.condition === LIMIT ? REFUSAL.storeFull : REFUSAL.storeFailed;
}
