import { FairleadError } from '../common/errors';

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
      `no subscription has the queue ${JSON.stringify(queue)}: fairlead queues --subscriptions lists them`,
    );
  }
}

/** It goes with its last consumer. */
export class SubscriptionNotDurableError extends FairleadError {
  constructor(name: string) {
    super('FL_SUBSCRIPTION_NOT_DURABLE', `subscription ${JSON.stringify(name)} goes with its last consumer`);
  }
}

/** The queue lives at another node. */
export class QueueElsewhereError extends FairleadError {
  constructor(name: string, home: string) {
    super('FL_QUEUE_ELSEWHERE', `queue ${JSON.stringify(name)} lives at node ${home}: ask its API`);
  }
}
