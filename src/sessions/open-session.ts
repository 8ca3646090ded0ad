import type { ClientSession, SessionHandler, SessionSubscription, SessionWill } from '../addresses/client-contract';
import type { Told } from './kept-records';

/** What an open session asks of all of them. */
export interface OpenSessionPorts {
  /** @throws AddressError */
  subscriptionsChanged(
    session: OpenSession,
    subscriptions: readonly SessionSubscription[],
    told: Told | undefined,
  ): void;
  /** @throws AddressError */
  stateChanged(session: OpenSession, state: Buffer, told: Told | undefined): void;
  stateLate(session: OpenSession, state: Buffer): void;
  closed(session: OpenSession, will: boolean, expiryMs: number): void;
}

/** A session whose client is connected here. */
export class OpenSession implements ClientSession {
  /** It is this connection's no more: what is asked of it changes nothing. */
  isVoid = false;
  /** Stamp of the first that was told of it. */
  stamp = 0;

  constructor(
    private readonly ports: OpenSessionPorts,
    readonly clientId: string,
    readonly protocol: string,
    readonly handler: SessionHandler,
    readonly present: boolean,
    public subscriptions: readonly SessionSubscription[],
    public state: Buffer,
    public expiryMs: number,
    public will: SessionWill | null,
    /** Stamp of what was known of the session before. */
    readonly replaced: number,
  ) {}

  setSubscriptions(subscriptions: readonly SessionSubscription[], done?: Told): void {
    if (!this.isVoid) this.ports.subscriptionsChanged(this, subscriptions, done);
  }

  saveState(state: Buffer, done?: Told): void {
    if (!this.isVoid) this.ports.stateChanged(this, state, done);
  }

  saveLate(state: Buffer): void {
    if (this.isVoid) this.ports.stateLate(this, state);
  }

  close(will: boolean, expiryMs = this.expiryMs): void {
    if (this.isVoid) return;
    this.isVoid = true;
    this.ports.closed(this, will, expiryMs);
  }
}
