import { FairleadError } from '../common/errors';

/** An error as the command line tells it: its code and what to do; a stack for what nobody expects. */
export function describeError(error: unknown): string {
  if (error instanceof FairleadError && error.code !== 'FL_INVARIANT') return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
