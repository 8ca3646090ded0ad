import { CONDITION } from '../../amqp/constants';
import { FairleadError } from '../../common/errors';

const CONDITIONS = {
  /** Bytes that are no frame of STOMP, or a frame that breaks its rules. Cure: correct the client. */
  FL_STOMP_FRAME: CONDITION.decode,
  /** A frame where the protocol does not allow it. Cure: correct the client. */
  FL_STOMP_ORDER: CONDITION.illegalState,
  /** A header is missing, or its value is none. Cure: correct the header that is named. */
  FL_STOMP_HEADER: CONDITION.invalidField,
  /** A frame, or what a client holds, is larger than it may be. */
  FL_STOMP_LIMIT: CONDITION.limit,
  /** No version of STOMP is common. Cure: offer one that the ERROR frame names. */
  FL_STOMP_VERSION: CONDITION.notImplemented,
  /** The client said nothing, or did not go on, for too long. */
  FL_STOMP_TIMEOUT: CONDITION.limit,
  /** A message was not accepted. Cure: as the mesh says why. */
  FL_STOMP_REFUSED: CONDITION.notAllowed,
  /** The node shuts down. Cure: connect to another one. */
  FL_STOMP_SHUTDOWN: CONDITION.forced,
} as const;

/** What a STOMP client did wrong, or cannot have: it is told by an ERROR frame, which ends the connection. */
export class StompError extends FairleadError {
  constructor(
    override readonly code: keyof typeof CONDITIONS,
    message: string,
  ) {
    super(code, message, { condition: CONDITIONS[code] });
  }
}

const SHOWN_MAX = 60;

/** As much of a client's text as an error repeats. */
export function shown(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
