/** What is the same for every error of ours: a stable code, an AMQP condition where one applies, and a hint whether a retry can help. */
export interface FairleadErrorOptions {
  /** AMQP 1.0 error condition (symbol) a peer is told, e.g. `amqp:not-found` or `fairlead:unreachable`. */
  readonly condition?: string;
  /** True when the same call may succeed later without a change by the user. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** Base of all typed errors. `code` never changes once released: documentation and alerts refer to it. */
export class FairleadError extends Error {
  readonly code: string;
  readonly condition: string | undefined;
  readonly retryable: boolean;

  /**
   * @param code stable upper-case code such as `FL_CONFIG_INVALID`
   * @param message what went wrong and what the user can do about it
   */
  constructor(code: string, message: string, options: FairleadErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.condition = options.condition;
    this.retryable = options.retryable ?? false;
  }
}

/** A promise the code makes to itself was broken: a bug of ours, never the user's or a peer's fault. */
export class InvariantError extends FairleadError {
  constructor(message: string) {
    super('FL_INVARIANT', message, { condition: 'amqp:internal-error' });
  }
}

/** Throws {@link InvariantError} unless `condition` holds. Stays on in production. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
