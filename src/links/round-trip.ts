import { wireInterval, wireTime, type HelloFrame } from './frames';

/** Round-trip time of a link from the echoes in hellos, smoothed. */
export class RoundTrip {
  smoothedMs: number | null = null;
  #theirSentAt: number | null = null;
  #theirsCameAt = 0;

  /** A hello came in. */
  heard(hello: HelloFrame, nowMs: number): void {
    const now = wireTime(nowMs);
    this.#theirSentAt = hello.sentAt;
    this.#theirsCameAt = now;
    if (hello.echo === null) return;
    const elapsed = wireInterval(hello.echo, now) - hello.held;
    if (elapsed < 0 || elapsed > 3_600_000_000) return;
    const sample = elapsed / 1000;
    this.smoothedMs = this.smoothedMs === null ? sample : this.smoothedMs + (sample - this.smoothedMs) / 8;
  }

  /** The times to put into a hello that leaves now. */
  stamp(nowMs: number): Pick<HelloFrame, 'sentAt' | 'echo' | 'held'> {
    const now = wireTime(nowMs);
    const echo = this.#theirSentAt;
    return { sentAt: now, echo, held: echo === null ? 0 : wireInterval(this.#theirsCameAt, now) };
  }
}
