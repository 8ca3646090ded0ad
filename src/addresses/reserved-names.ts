import { nodeIdOf, type NodeId } from '../links/contract';
import type { SubscriptionRef } from './contract';

/** Names that clients cannot use. */
const SUBSCRIPTION = '$sub/';
const INTAKE = '$durable/';
/** What a home has got from one that lost a claim, on its way into the queue. */
const MERGING = '$merge/';
/** What was put for a subscription to the node that it has left, on its way after it. */
const LATE = '$late/';
/** Behind the name of a subscription that keeps nothing, and stands apart from a durable one of the same name. */
const VOLATILE = '/volatile';
/** Stands for an empty text, and is nothing that a text is encoded as. */
const EMPTY = '%';

/** The queue that a subscription is: one word of an address, whatever the client wrote. */
export function subscriptionQueue({ name, client }: SubscriptionRef, durable: boolean): string {
  const owner = client === null ? '' : encode(client);
  return `${SUBSCRIPTION}${owner}/${encode(name)}${durable ? '' : VOLATILE}`;
}

/** The subscription that a queue is; null where it is none. */
export function subscriptionOfQueue(queue: string): (SubscriptionRef & { readonly durable: boolean }) | null {
  const [kind, owner, name, more] = queue.split('/');
  if (`${kind ?? ''}/` !== SUBSCRIPTION || owner === undefined || name === undefined) return null;
  return { client: owner === '' ? null : decode(owner), name: decode(name), durable: more === undefined };
}

function encode(text: string): string {
  if (text === '') return EMPTY;
  const wellFormed = Buffer.from(text).toString();
  return encodeURIComponent(wellFormed).replace(
    /[.*!]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function decode(text: string): string {
  if (text === EMPTY) return '';
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/** What is put to a topic that subscriptions of a node hold goes to this name. */
export function intakeName(node: string): string {
  return INTAKE + node;
}

/** The node of an intake; undefined where the name is of none. */
export function intakeHome(name: string): NodeId | undefined {
  return name.startsWith(INTAKE) ? nodeIdOf(name.slice(INTAKE.length)) : undefined;
}

export function isSubscriptionQueue(name: string): boolean {
  return name.startsWith(SUBSCRIPTION);
}

/** The queue that holds what came by a transfer until it is in the queue of that name. */
export function mergingName(transfer: string, queue: string): string {
  return `${MERGING}${transfer}/${queue}`;
}

/** Which transfer and queue a name of the above stands for; null for any other. */
export function readMergingName(name: string): { readonly transfer: string; readonly queue: string } | null {
  if (!name.startsWith(MERGING)) return null;
  const at = name.indexOf('/', MERGING.length);
  return at < 0 ? null : { transfer: name.slice(MERGING.length, at), queue: name.slice(at + 1) };
}

/** A queue for what comes late for a subscription. */
export function lateName(number: number, queue: string): string {
  return `${LATE}${number}/${queue}`;
}

/** Which subscription a name of the above stands for; null for any other. */
export function readLateName(name: string): { readonly number: number; readonly queue: string } | null {
  if (!name.startsWith(LATE)) return null;
  const at = name.indexOf('/', LATE.length);
  return at < 0 ? null : { number: Number(name.slice(LATE.length, at)), queue: name.slice(at + 1) };
}

export function isReserved(name: string): boolean {
  // Nearly no name begins so.
  if (name.charCodeAt(0) !== 0x24) return false;
  return name.startsWith(SUBSCRIPTION) || name.startsWith(INTAKE) || name.startsWith(MERGING) || name.startsWith(LATE);
}
