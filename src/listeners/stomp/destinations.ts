import type { KindHint } from '../../addresses/contract';
import { StompError, shown } from './errors';

const KIND = /^\/(topic|queue|anycast|multicast)\//;
const PREFIX = /^(topic|queue|anycast|multicast)(?::\/\/|\/)/;

/** The address that a destination means: `/topic/a.b` is what AMQP clients call `topic/a.b`. */
export function addressOf(destination: string): string {
  return KIND.test(destination) ? destination.slice(1) : destination;
}

/** The destination of an address as a client wrote it. */
export function destinationOf(address: string): string {
  return address.replace(PREFIX, '/$1/');
}

/** What Artemis' clients say of the kind of destination that they mean. @throws StompError */
export function hintOf(type: string | undefined): KindHint {
  if (type === undefined) return null;
  if (/^anycast$/i.test(type)) return 'queue';
  if (/^multicast$/i.test(type)) return 'topic';
  throw new StompError('FL_STOMP_HEADER', `destination type '${shown(type)}', expected ANYCAST or MULTICAST`);
}
