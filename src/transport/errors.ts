import { FairleadError } from '../common/errors';

/** A port could not be bound, or a peer not be reached. */
export class TransportError extends FairleadError {
  /** @param code `FL_PORT_IN_USE`, `FL_BIND` or `FL_DIAL` */
  constructor(code: 'FL_PORT_IN_USE' | 'FL_BIND' | 'FL_DIAL', message: string, cause: unknown) {
    super(code, message, { retryable: true, cause });
  }
}
