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

/** The queue lives at another node. */
export class QueueElsewhereError extends FairleadError {
  constructor(name: string, home: string) {
    super('FL_QUEUE_ELSEWHERE', `queue ${JSON.stringify(name)} lives at node ${home}: ask its API`);
  }
}
