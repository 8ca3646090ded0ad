import type { Connection } from './connection';
import type { ConnectionIo } from './connection-contract';
import { Output } from './output';
import { SendWaiters } from './send-waiters';
import type { Session } from './session';

/** What one connection has to say and has not said yet, its bounds, and the links that wait behind them. */
export class Outbound {
  readonly output = new Output();
  readonly waiters = new SendWaiters(() => this.requestFlush());
  /** Deliveries may be sent. */
  open = false;
  /** Outgoing deliveries of all sessions that are not settled. */
  unsettled = 0;
  bytesOut = 0;
  lastOut: number;
  #inFlight = 0;
  #flushAsked = false;

  constructor(
    private readonly io: ConnectionIo,
    private readonly connection: Connection,
    private readonly bytesMax: number,
    private readonly unsettledMax: number,
  ) {
    this.lastOut = io.now();
  }

  /** Bytes that wait to leave the process. */
  get unsentBytes(): number {
    return this.output.pendingBytes + this.#inFlight;
  }

  /** True while a delivery may be sent: less is unsent, and less unsettled, than the bounds. */
  get writable(): boolean {
    return this.output.pendingBytes + this.#inFlight < this.bytesMax && this.open && !this.crowded;
  }

  get crowded(): boolean {
    return this.unsettled >= this.unsettledMax;
  }

  requestFlush(): void {
    if (this.#flushAsked) return;
    this.#flushAsked = true;
    this.io.scheduleFlush(this.connection);
  }

  /** Writes out what the turn collected. */
  flush(sessions: readonly (Session | null)[]): void {
    this.#flushAsked = true;
    this.waiters.flush();
    for (const session of sessions) session?.flush();
    this.#flushAsked = false;
    if (this.waiters.woken) this.requestFlush();
    const bytes = this.output.pendingBytes;
    const buffers = this.output.take();
    if (buffers === null) return;
    this.#inFlight += bytes;
    this.bytesOut += bytes;
    this.lastOut = this.io.now();
    this.io.write(buffers);
  }

  /** Everything handed to `io.write` has left the process. */
  written(): void {
    this.#inFlight = 0;
    this.output.written();
    this.unblock(null);
  }

  /** Links of a session, or all, may send again: its window, or a bound, lets them. */
  unblock(session: Session | null): void {
    if (this.waiters.blocked && this.writable) this.waiters.unblock(session);
  }
}
