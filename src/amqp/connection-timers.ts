import { CONDITION } from './constants';
import { AmqpError } from './errors';

/** What is due on a connection: an error ends it. */
export type TimerVerdict = 'nothing' | 'heartbeat' | AmqpError;

/** A loop that stood still longer than this looks at its sockets before it calls a peer dead. */
const STALL_MS = 250;

/** The times of a connection: handshake, idle time-out both ways (part 2.4.5). */
export class ConnectionTimers {
  lastIn: number;
  /** How often the peer must hear of us; 0 for never. */
  heartbeatMs = 0;
  readonly #handshakeAt: number;
  /** The last look came late; the sockets have been read since. */
  #late = false;

  constructor(
    now: number,
    handshakeMs: number,
    private readonly idleMs: number,
    private readonly outbound: { readonly lastOut: number },
  ) {
    this.lastIn = now;
    this.#handshakeAt = now + handshakeMs;
  }

  /** A look that comes late waits for the next one before it calls the peer dead; it never keeps this end from being heard. */
  due(now: number, opened: boolean): TimerVerdict {
    this.#late = !this.#late && now > this.deadline(opened) + STALL_MS;
    if (!this.#late) {
      if (!opened) return now >= this.#handshakeAt ? late('no open within the handshake time') : 'nothing';
      if (this.idleMs > 0 && now - this.lastIn >= this.idleMs) return late(`nothing heard for ${this.idleMs} ms`);
    }
    const heard = !opened || this.heartbeatMs === 0 || now - this.outbound.lastOut < this.heartbeatMs;
    return heard ? 'nothing' : 'heartbeat';
  }

  /** When something is due; in the past after a look that came late. */
  deadline(opened: boolean): number {
    if (!opened) return this.#handshakeAt;
    const idle = this.idleMs > 0 ? this.lastIn + this.idleMs : Infinity;
    const heartbeat = this.heartbeatMs > 0 ? this.outbound.lastOut + this.heartbeatMs : Infinity;
    return Math.min(idle, heartbeat);
  }
}

function late(text: string): AmqpError {
  return new AmqpError(CONDITION.limit, text, 'connection');
}
