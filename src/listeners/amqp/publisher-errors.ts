import { CONDITION } from '../../amqp/constants';
import { FairleadError } from '../../common/errors';

/** Through the anonymous relay a large message is gathered until its `to` is here, up to so many bytes of annotations before it. */
export const HEAD_BYTES_MAX = 256 * 1024;

/** A message through the anonymous relay names no address. */
export class NoAddressError extends FairleadError {
  constructor() {
    super('FL_NO_TO', "the link has no address, so each message must say one in its properties' `to`", {
      condition: CONDITION.invalidField,
    });
  }
}

/** A delivery that is no AMQP message. */
export class MessageFormatError extends FairleadError {
  constructor(format: number) {
    super('FL_MESSAGE_FORMAT', `message-format ${format}, expected 0`, { condition: CONDITION.notImplemented });
  }
}

/** A large message through the anonymous relay has too much before its `to`. */
export class LateAddressError extends FairleadError {
  constructor() {
    super('FL_LATE_TO', `\`to\` is not within the first ${HEAD_BYTES_MAX} bytes of the message`, {
      condition: CONDITION.limit,
    });
  }
}

/** A message was not taken, and so nothing of its transaction is. */
export class RefusedWithinError extends FairleadError {
  constructor() {
    super('FL_TRANSACTION_ROLLBACK', 'a message within the transaction was not accepted', {
      condition: CONDITION.transactionRollback,
    });
  }
}
