import type { KindHint } from '../../addresses/contract';
import { StompError, shown } from './errors';

/** What Artemis' clients say of the kind of destination that they mean. @throws StompError */
export function hintOf(type: string | undefined): KindHint {
  if (type === undefined) return null;
  if (/^anycast$/i.test(type)) return 'queue';
  if (/^multicast$/i.test(type)) return 'topic';
  throw new StompError('FL_STOMP_HEADER', `destination type '${shown(type)}', expected ANYCAST or MULTICAST`);
}
