import type { Deadline } from '../edge/deadlines';
import type { Agreement } from './connect';
import { StompError } from './errors';
import { CONNECT_MS, FRAME_MS, HEART_BEATS_MISSED_MAX } from './limits';

/** What happens in time. */
export interface PulseUser {
  /** Nothing has been written for as long as was agreed on. */
  onBeat(): void;
  onLate(error: StompError): void;
}

/** A heart-beat leaves this much before it is due at the other end. */
const BEAT_SHARE = 0.7;

/** The times of one connection: until CONNECT, within a frame, and heart-beats both ways. */
export class Pulse implements Deadline {
  dueAtMs: number;
  #connectBy: number;
  #readAt: number;
  #writtenAt: number;
  #silentMs = Number.POSITIVE_INFINITY;
  #beatMs = Number.POSITIVE_INFINITY;
  /** When the frame that is coming in began, or its body last went on. */
  #frameAt = Number.POSITIVE_INFINITY;
  #progress = 0;
  #paused = false;
  /** It was late when it was last looked at. */
  #suspected = false;

  constructor(
    private readonly now: () => number,
    private readonly user: PulseUser,
  ) {
    this.#readAt = this.#writtenAt = now();
    this.#connectBy = this.dueAtMs = this.#readAt + CONNECT_MS;
  }

  onConnected({ sendsMs, wantsMs }: Agreement): void {
    this.#connectBy = Number.POSITIVE_INFINITY;
    if (sendsMs > 0) this.#beatMs = sendsMs * BEAT_SHARE;
    if (wantsMs > 0) this.#silentMs = wantsMs * HEART_BEATS_MISSED_MAX;
    this.#plan();
  }

  /**
   * @param within a frame is not complete
   * @param progress another number than before when it has just begun, or its body has gone on
   */
  onRead(within: boolean, progress: number): void {
    this.#readAt = this.now();
    this.#suspected = false;
    if (!within) this.#frameAt = Number.POSITIVE_INFINITY;
    else if (progress !== this.#progress) {
      this.#progress = progress;
      this.#frameAt = this.#readAt;
      this.dueAtMs = Math.min(this.dueAtMs, this.#frameAt + FRAME_MS);
    }
  }

  onWritten(): void {
    this.#writtenAt = this.now();
  }

  /** It is not read from: that nothing comes is not the client's fault. */
  pause(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    this.#suspected = false;
    this.#readAt = this.now();
    if (this.#frameAt !== Number.POSITIVE_INFINITY) this.#frameAt = this.#readAt;
    this.#plan();
  }

  onDue(now: number): void {
    const late = this.#lateBy(now);
    if (late !== null) {
      // A node that stood still itself looks at its sockets first: what has come by now counts.
      if (this.#suspected) this.user.onLate(late);
      this.#suspected = true;
      return;
    }
    if (now - this.#writtenAt >= this.#beatMs) {
      this.#writtenAt = now;
      this.user.onBeat();
    }
    this.#plan();
  }

  #lateBy(now: number): StompError | null {
    if (now >= this.#connectBy) return late('no CONNECT', CONNECT_MS);
    if (this.#paused) return null;
    if (now - this.#readAt >= this.#silentMs) return late('no heart-beat', this.#silentMs);
    return now - this.#frameAt >= FRAME_MS ? late('a frame that does not go on', FRAME_MS) : null;
  }

  #plan(): void {
    const read = this.#paused
      ? Number.POSITIVE_INFINITY
      : Math.min(this.#readAt + this.#silentMs, this.#frameAt + FRAME_MS);
    this.dueAtMs = Math.min(this.#connectBy, read, this.#writtenAt + this.#beatMs);
  }
}

function late(what: string, ms: number): StompError {
  return new StompError('FL_STOMP_TIMEOUT', `${what} for ${Math.round(ms / 1000)} s`);
}
