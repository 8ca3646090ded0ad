import { redelivered } from '../message/redelivered';
import { RECORD_HEAD } from './record';

/** The message of a record with a header that says how often it was delivered. */
export function redelivery(record: Buffer, deliveries: number): Buffer {
  const { head, rest } = redelivered(record, RECORD_HEAD, record.length, deliveries);
  const message = Buffer.allocUnsafe(head.length + record.length - rest);
  head.copy(message);
  record.copy(message, head.length, rest);
  return message;
}
