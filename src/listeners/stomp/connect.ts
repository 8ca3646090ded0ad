import type { FrameHead } from './frame';
import { HEART_BEAT_SENDS_MS, HEART_BEAT_WANTS_MS } from './limits';
import { StompError, shown } from './errors';
import { negotiated, type StompVersion } from './version';

/** What CONNECT has come to. */
export interface Agreement {
  readonly version: StompVersion;
  readonly clientId: string | null;
  readonly login: string | null;
  /** This node sends something at least so often; 0 for never. */
  readonly sendsMs: number;
  /** The client does; 0 where nothing was agreed on. */
  readonly wantsMs: number;
}

/** @throws StompError when a CONNECT cannot be answered */
export function agreed(head: FrameHead, subprotocol: string | null): Agreement {
  const version = negotiated(head.get('accept-version'), subprotocol);
  const [canMs, wishMs] = heartBeatOf(head.get('heart-beat'));
  const beats = version !== '1.0';
  return {
    version,
    clientId: head.id('client-id') || null,
    login: head.id('login') || null,
    sendsMs: beats && wishMs > 0 ? Math.max(HEART_BEAT_SENDS_MS, wishMs) : 0,
    wantsMs: beats && canMs > 0 ? Math.max(canMs, HEART_BEAT_WANTS_MS) : 0,
  };
}

/** What this node says of itself in CONNECTED. */
export const HEART_BEAT = `${HEART_BEAT_SENDS_MS},${HEART_BEAT_WANTS_MS}`;

/** STOMP 1.2, "Heart-beating": what the client can do, and what it would like to get, in ms. */
function heartBeatOf(value: string | undefined): [number, number] {
  if (value === undefined) return [0, 0];
  const [, can = '', wish = ''] = /^\s*(\d{1,9})\s*,\s*(\d{1,9})\s*$/.exec(value) ?? [];
  if (can === '') throw new StompError('FL_STOMP_HEADER', `heart-beat '${shown(value)}', expected two numbers of ms`);
  return [Number(can), Number(wish)];
}
