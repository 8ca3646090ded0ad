import { DecodeError } from '../amqp/errors';
import { PutFields, readPutFields } from '../message/put-fields';
import { DELAY_MS_MAX } from './limits';
import { RECORD_FLAG } from './record';
import { REFUSAL, type Refusal } from './refusals';

/** What was read last of a message that is put: used before anything else is put, and reused. */
export const incoming = new PutFields();
/** How long it had been in the mesh by then, at other nodes: its times count from when it came. */
let incomingAge = 0;

/** Asked for the time only where a message says something of it: most do not, and the system's clock takes longer than all else here. */
export interface WallClock {
  wall(): number;
}

/**
 * Reads what a queue wants to know of a message.
 * @param whole false for the beginning of a large one
 * @param age ms that it has been in the mesh
 */
export function readIncoming(
  payload: Buffer,
  start: number,
  end: number,
  whole: boolean,
  clock: WallClock,
  age: number,
): Refusal {
  incomingAge = age;
  try {
    readPutFields(payload, start, end, whole, incoming);
  } catch (error) {
    if (error instanceof DecodeError) return REFUSAL.malformed;
    throw error;
  }
  if (incoming.deliveryTime < 0 && incoming.deliveryDelay < 0) return REFUSAL.none;
  return incomingDue(clock) - clock.wall() > DELAY_MS_MAX ? REFUSAL.deliveryTooFar : REFUSAL.none;
}

/** When it may be delivered; 0 for at once. */
export function incomingDue(clock: WallClock): number {
  if (incoming.deliveryTime < 0 && incoming.deliveryDelay < 0) return 0;
  const now = clock.wall();
  const due = incoming.deliveryTime >= 0 ? incoming.deliveryTime : now - incomingAge + incoming.deliveryDelay;
  return due > now ? due : 0;
}

/**
 * Wall-clock ms when it expires; 0 for never. Its header is delivered as it came: AMQP lets intermediaries lower the ttl by the time that
 * a message has waited (3.2.1), but a JMS client computes the expiration from the time of sending and the ttl as it was set.
 */
export function incomingExpiry(ttlMs: number | null, clock: WallClock): number {
  if (ttlMs === null && incoming.ttl < 0 && incoming.absoluteExpiry <= 0) return 0;
  const came = clock.wall() - incomingAge;
  let at = ttlMs === null ? Number.POSITIVE_INFINITY : came + ttlMs;
  if (incoming.ttl >= 0) at = Math.min(at, came + incoming.ttl);
  if (incoming.absoluteExpiry > 0) at = Math.min(at, incoming.absoluteExpiry);
  // What does not fit its field is so far away that it is never.
  return at < 2 ** 48 ? Math.max(1, Math.floor(at)) : 0;
}

/** Flags of its record. */
export function incomingFlags(): number {
  return incoming.groupEnd > incoming.groupStart ? RECORD_FLAG.grouped : 0;
}
