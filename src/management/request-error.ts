import { FairleadError } from '../common/errors';

/** A request of the management API does not say what it must. */
export class RequestError extends FairleadError {
  constructor(path: string, expected: string, found: string) {
    super('FL_REQUEST_INVALID', `${path}: expected ${expected}, found ${found}`);
  }
}
