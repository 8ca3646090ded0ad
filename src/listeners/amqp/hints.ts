import type { KindHint } from '../../addresses/contract';
import { annotationAt } from '../../message/annotate';
import { BEYOND } from '../../message/locate';

/** What a terminus' capabilities say of the kind of address it expects (as JMS clients send them). */
export function hintOf(capabilities: readonly string[] | undefined): KindHint {
  for (const capability of capabilities ?? []) {
    if (capability === 'topic' || capability === 'temporary-topic') return 'topic';
    if (capability === 'queue' || capability === 'temporary-queue') return 'queue';
  }
  return null;
}

/** JMS clients say of each message what kind of destination its `to` is: 0 and 2 are queues, 1 and 3 topics. */
const JMS_DESTINATION = 'x-opt-jms-dest';
const SMALL_BYTE = 0x51;

/** What a message itself says of the kind of address that its `to` names. @throws DecodeError */
export function hintWithin(bytes: Buffer, start: number, end: number): KindHint {
  const at = annotationAt(bytes, start, end, JMS_DESTINATION);
  if (at === BEYOND || bytes[at] !== SMALL_BYTE) return null;
  const type = bytes[at + 1] as number;
  return type > 3 ? null : type % 2 === 0 ? 'queue' : 'topic';
}
