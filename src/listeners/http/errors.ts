import { FairleadError } from '../../common/errors';

const STATUS = {
  /** The request is malformed. Cure: as the message says. */
  FL_HTTP_REQUEST: 400,
  /** The opening handshake of a WebSocket cannot be answered. Cure: as the message says. */
  FL_HTTP_UPGRADE: 400,
  /** A page of another origin sent the request. Cure: name the origin in the listener's `cors.origins`. */
  FL_HTTP_ORIGIN: 403,
  /** No delivery has the token. Cure: receive it again. */
  FL_HTTP_DELIVERY: 404,
  /** There is nothing at the path. Cure: see `/v1/openapi.json`. */
  FL_HTTP_PATH: 404,
  /** Not with this method. Cure: see `/v1/openapi.json`. */
  FL_HTTP_METHOD: 405,
  /** The body did not come in time. Cure: send it without pauses. */
  FL_HTTP_SLOW: 408,
  /** The body, or a message of it, is larger than the node takes. */
  FL_HTTP_TOO_LARGE: 413,
  /** The message was rejected. Cure: as the message says. */
  FL_HTTP_REJECTED: 422,
  /** Too many headers, or too long ones. Cure: fewer properties, or a structured body. */
  FL_HTTP_HEADERS: 431,
  /** Nobody took the message. Cure: again, once somebody consumes the address. */
  FL_HTTP_RELEASED: 503,
  /** The node is shutting down. Cure: ask another one. */
  FL_HTTP_DRAINING: 503,
  /** Too many requests wait already. Cure: again, later. */
  FL_HTTP_BUSY: 503,
  /** The outcome was not known in time: the message may have been taken, or not. Cure: again with the same Idempotency-Key. */
  FL_HTTP_OUTCOME: 504,
  /** Nobody replied in time. Cure: look for who serves the address, or wait longer. */
  FL_HTTP_REPLY: 504,
} as const;

const RETRYABLE: readonly number[] = [408, 503, 504];

export type HttpErrorCode = keyof typeof STATUS;

/** A request that is not served as asked. */
export class HttpError extends FairleadError {
  readonly status: number;

  /** @param headers of the answer */
  constructor(
    override readonly code: HttpErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message, { retryable: RETRYABLE.includes(STATUS[code]) });
    this.status = STATUS[code];
  }
}
