import type { RetainedMessage } from '../addresses/client-contract';
import type { Json } from '../message/render-message';
import type { RetainedView, SessionView } from '../sessions/client-records';
import { sectionsOf } from './message-sections';

/** What a client has left in the mesh, beside its connections: whoever has its session owns it. */
export interface SessionRow extends Omit<SessionView, 'expiryMs' | 'endsAt'> {
  /** How long it outlives its connection; null for ever. */
  readonly expirySeconds: number | null;
  readonly endsAt: string | null;
}

export interface SessionsAnswer {
  readonly sessions: readonly SessionRow[];
  /** What the next page comes behind; null where there is none. */
  readonly next: string | null;
}

export interface RetainedRow extends Omit<RetainedView, 'at' | 'expiresAt'> {
  readonly at: string;
  readonly expiresAt: string | null;
}

export interface RetainedAnswer {
  readonly retained: readonly RetainedRow[];
  readonly next: string | null;
}

/** One with its sections; null when it is no AMQP message. */
export interface RetainedMessageRow extends RetainedRow {
  readonly message: Json;
}

export function sessionRow({ expiryMs, endsAt, ...row }: SessionView): SessionRow {
  const expirySeconds = expiryMs === Infinity ? null : expiryMs / 1_000;
  return { ...row, expirySeconds, endsAt: timeOf(endsAt) };
}

export function retainedRow({ topic, bytes, at, expiresAt, node }: RetainedView): RetainedRow {
  return { topic, bytes, at: new Date(at).toISOString(), expiresAt: timeOf(expiresAt), node };
}

export function retainedMessageRow(view: RetainedView & Pick<RetainedMessage, 'payload'>): RetainedMessageRow {
  return { ...retainedRow(view), message: sectionsOf(view.payload) };
}

/** Null for never, and for what is later than a date can be. */
function timeOf(ms: number | null): string | null {
  return ms === null || ms > DATE_MAX ? null : new Date(ms).toISOString();
}

const DATE_MAX = 8.64e15;
