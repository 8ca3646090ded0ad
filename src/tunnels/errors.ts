import { FairleadError } from '../common/errors';

const RETRYABLE = {
  /** No site that can be reached offers the service. Cure: offer it, or bring the site back. */
  FL_TUNNEL_NO_SERVICE: true,
  /** Every site that offers it has refused; the message has the last reason. Cure: as the reason says. */
  FL_TUNNEL_REFUSED: true,
  /** No more tunnels, or services, fit into the node. Cure: close some. */
  FL_TUNNEL_LIMIT: true,
  /** The name of a service is no name. Cure: correct it. */
  FL_TUNNEL_NAME: false,
} as const;

/** A tunnel cannot be opened, or a service cannot be offered. */
export class TunnelError extends FairleadError {
  constructor(
    override readonly code: keyof typeof RETRYABLE,
    message: string,
  ) {
    super(code, message, { retryable: RETRYABLE[code] });
  }
}
