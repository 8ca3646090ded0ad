import type { MessageFilter } from '../../queues/message-filter';
import type { LargeBody } from '../../streams/contract';

/** Bytes of a large message that a selector is asked about. */
const HEAD_BYTES = 128 * 1024;

/** Whether a selector selects a large message, by what stands in its first 128 KiB. */
export function selectsLarge(selector: MessageFilter, body: LargeBody): boolean {
  const head = Buffer.allocUnsafe(Math.min(HEAD_BYTES, body.length));
  return selector.matches(head, 0, body.read(0, head));
}
