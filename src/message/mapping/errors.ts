import { CONDITION } from '../../amqp/constants';
import { FairleadError } from '../../common/errors';

/** A message whose fields cannot be taken over from one protocol to another; the field is named as its protocol names it. */
export class MessageFieldError extends FairleadError {
  constructor(
    readonly field: string,
    reason: string,
  ) {
    super('FL_MESSAGE_FIELD', `'${shown(field)}' ${reason}`, { condition: CONDITION.invalidField });
  }
}

const SHOWN_MAX = 100;

/** As much of a client's text as an error message repeats. */
export function shown(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
