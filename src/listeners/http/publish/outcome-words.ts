import type { FairleadError } from '../../../common/errors';
import { OUTCOME } from '../../../streams/contract';
import { HttpError } from '../errors';
import type { Told } from './address-publisher';

/** What became of one message, as a client is told. */
export interface OutcomeWord {
  readonly outcome: 'accepted' | 'rejected' | 'released' | 'unknown';
  readonly code?: string;
  readonly detail?: string;
}

export const ACCEPTED: OutcomeWord = { outcome: 'accepted' };

/** Null for accepted. What was `modified` by its consumer is nobody's now, as what is released. */
export function errorOf({ outcome, detail }: Told): HttpError | null {
  if (outcome === OUTCOME.accepted) return null;
  if (outcome !== OUTCOME.rejected)
    return new HttpError('FL_HTTP_RELEASED', 'nobody took the message: it is not in the mesh');
  const { condition, description = 'the message was rejected' } = detail ?? {};
  return new HttpError('FL_HTTP_REJECTED', condition === undefined ? description : `${description} (${condition})`);
}

/** The same as a row of a batch's answer. */
export function wordOf(error: FairleadError | null): OutcomeWord {
  if (error === null) return ACCEPTED;
  const { code, message: detail } = error;
  const outcome = code === 'FL_HTTP_RELEASED' ? 'released' : code === 'FL_HTTP_OUTCOME' ? 'unknown' : 'rejected';
  return { outcome, code, detail };
}
