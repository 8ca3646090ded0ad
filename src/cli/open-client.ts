import { ClientConnection } from '../client/client-connection';
import { FairleadError } from '../common/errors';

/** Nothing answers where `--url` says. */
class NodeUnreachableError extends FairleadError {
  constructor(cause: FairleadError) {
    const message = `${cause.message}; --url names a listener of a running node`;
    super('FL_DIAL', message, { retryable: true, cause });
  }
}

/** Connects as a client of the node at `url`. @throws what `ClientConnection.open` does, with what to do about it */
export async function openClient(url: string): Promise<ClientConnection> {
  try {
    return await ClientConnection.open(url);
  } catch (error) {
    if (error instanceof FairleadError && error.code === 'FL_DIAL') throw new NodeUnreachableError(error);
    throw error;
  }
}
