import { FairleadError } from '../../../common/errors';

/** Codes of a WebSocket's end (RFC 6455, section 7.4.1). */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupported: 1003,
  invalidData: 1007,
  tooBig: 1009,
} as const;

/** A peer broke the WebSocket protocol; its connection ends with `closeCode`. */
export class WebSocketError extends FairleadError {
  constructor(
    readonly closeCode: number,
    message: string,
  ) {
    super('FL_WEBSOCKET', message);
  }
}
