import type { FairleadError } from '../common/errors';
import type {
  ClientCounts,
  ClientSession,
  ClientSpace,
  RetainedCursor,
  RetainedMessage,
  SessionHandler,
  SessionSpec,
  SessionSubscription,
  SessionWill,
} from './client-contract';
import type { AddressRef } from './contract';
import { AddressError } from './errors';
import { matchesNaively } from './filters.fixture';

const NOTHING = Buffer.alloc(0);

/** A session as {@link FixtureClientSpace} keeps it. */
export interface FixtureSession {
  readonly spec: SessionSpec;
  subscriptions: readonly SessionSubscription[];
  state: Buffer;
  expiryMs: number;
  /** Null while nobody is connected. */
  handler: SessionHandler | null;
}

/** A {@link ClientSpace} of one node in memory, for the specs of listeners: everything is answered within the call. */
export class FixtureClientSpace implements ClientSpace {
  readonly kept = new Map<string, RetainedMessage>();
  readonly sessions = new Map<string, FixtureSession>();
  /** What was published for clients that have gone; delays are over at once. */
  readonly wills: SessionWill[] = [];
  /** The next session is refused with it. */
  refusal: FairleadError | null = null;
  at = 0;

  retain(
    address: AddressRef,
    payload: Buffer,
    start: number,
    end: number,
    done: (error: FairleadError | null) => void,
  ): void {
    if (end > start) {
      const bytes = Buffer.from(payload.subarray(start, end));
      this.kept.set(address.name, { address, payload: bytes, at: this.at, expiresAt: null });
    } else this.kept.delete(address.name);
    done(null);
  }

  retained(filter: string): RetainedCursor {
    const words = filter.replace(/^topic\//, '').split('.');
    const found = [...this.kept].filter(([name]) => matchesNaively(words, name.split('.')));
    return { next: () => found.shift()?.[1] ?? null };
  }

  openSession(spec: SessionSpec, handler: SessionHandler): () => void {
    const { refusal } = this;
    if (refusal !== null) {
      this.refusal = null;
      handler.onRefused(refusal);
      return () => undefined;
    }
    const before = this.sessions.get(spec.clientId);
    before?.handler?.onTaken(new AddressError('FL_SESSION_TAKEN', `session '${spec.clientId}' was taken over`));
    const known = spec.clean ? undefined : this.sessions.get(spec.clientId);
    const { subscriptions = [], state = NOTHING } = known ?? {};
    const session: FixtureSession = { spec, subscriptions, state, expiryMs: spec.expiryMs, handler };
    this.sessions.set(spec.clientId, session);
    handler.onOpened(this.#opened(session, known !== undefined));
    return () => this.#close(session, false, session.expiryMs);
  }

  counts(): ClientCounts {
    return { retained: this.kept.size, sessionsHere: this.sessions.size };
  }

  #opened(session: FixtureSession, present: boolean): ClientSession {
    return {
      present,
      subscriptions: session.subscriptions,
      state: session.state,
      setSubscriptions: (subscriptions, done) => {
        session.subscriptions = subscriptions;
        done?.(null);
      },
      saveState: (state, done) => {
        session.state = Buffer.from(state);
        done?.(null);
      },
      saveLate: (state) => {
        if (session.handler === null && this.sessions.get(session.spec.clientId) === session)
          session.state = Buffer.from(state);
      },
      close: (will, expiryMs = session.expiryMs) => this.#close(session, will, expiryMs),
    };
  }

  #close(session: FixtureSession, will: boolean, expiryMs: number): void {
    const { spec } = session;
    session.handler = null;
    session.expiryMs = expiryMs;
    if (will && spec.will !== null) this.wills.push(spec.will);
    if (expiryMs === 0 && this.sessions.get(spec.clientId) === session) this.sessions.delete(spec.clientId);
  }
}
