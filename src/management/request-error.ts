import { FairleadError } from '../common/errors';

/** Queues that a message names. */
const QUEUES_TOLD = 20;

/** A request of the management API does not say what it must. */
export class RequestError extends FairleadError {
  constructor(path: string, expected: string, found: string) {
    super('FL_REQUEST_INVALID', `${path}: expected ${expected}, found ${found}`);
  }
}

/** No queue of the mesh has that name. */
export class QueueNotFoundError extends FairleadError {
  constructor(name: string) {
    super('FL_QUEUE_NOT_FOUND', `no queue is named ${JSON.stringify(name)}: fairlead queues lists them`);
  }
}

/** No subscription of the mesh has that queue. */
export class SubscriptionNotFoundError extends FairleadError {
  constructor(queue: string) {
    super(
      'FL_SUBSCRIPTION_NOT_FOUND',
      `no subscription has the queue ${JSON.stringify(queue)}: fairlead queues --subscriptions lists them, as QUEUE`,
    );
  }
}

/** No client of that id has a session. */
export class SessionNotFoundError extends FairleadError {
  constructor(client: string) {
    super('FL_SESSION_NOT_FOUND', `no client ${JSON.stringify(client)} has a session: /api/v1/sessions lists them`);
  }
}

/** The topic keeps no message. */
export class RetainedNotFoundError extends FairleadError {
  constructor(topic: string) {
    super(
      'FL_RETAINED_NOT_FOUND',
      `the topic ${JSON.stringify(topic)} retains no message: /api/v1/retained lists those that do`,
    );
  }
}

/** It goes with its last consumer. */
export class SubscriptionNotDurableError extends FairleadError {
  constructor(name: string) {
    super('FL_SUBSCRIPTION_NOT_DURABLE', `subscription ${JSON.stringify(name)} goes with its last consumer`);
  }
}

/** Queues of a node that is to end stay there: so does the node. */
export class EvacuationIncompleteError extends FairleadError {
  /** @param stay why each of them does @param moved where the others are by now */
  constructor(stay: readonly string[], moved: readonly string[]) {
    const others = moved.length === 0 ? '' : `. ${moved.length} did move, and are there: ${listed(moved)}`;
    super(
      'FL_EVACUATION_INCOMPLETE',
      `the node goes on, for ${stay.length} of its queues could not be moved: ${listed(stay)}${others}`,
      { retryable: true },
    );
  }
}

function listed(queues: readonly string[]): string {
  const told = queues.slice(0, QUEUES_TOLD).join('; ');
  return queues.length > QUEUES_TOLD ? `${told}; and ${queues.length - QUEUES_TOLD} more` : told;
}

/** The queue lives at another node. */
export class QueueElsewhereError extends FairleadError {
  constructor(name: string, home: string) {
    super('FL_QUEUE_ELSEWHERE', `queue ${JSON.stringify(name)} lives at node ${home}: ask its API`);
  }
}
