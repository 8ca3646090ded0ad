import type { SessionHandler, SessionSpec, SessionSubscription } from '../addresses/client-contract';
import { AddressError } from '../addresses/errors';
import type { NodeId } from '../links/contract';
import { SESSION_OPEN_MS } from './limits';
import type { OpenSession } from './open-session';
import { away, checkSpec, taken } from './session-limits';

/** A session that is being opened. */
export interface Opening {
  readonly spec: SessionSpec;
  readonly handler: SessionHandler;
  readonly deadline: number;
  /** The node that was asked for it, and by which request; -1 for none. */
  asked: NodeId;
  request: number;
  hops: number;
  session: OpenSession | null;
  isOver: boolean;
}

/** Sessions that are being opened: one of a client id at most, the last that was asked for. */
export class Openings {
  readonly #openings = new Map<string, Opening>();
  refused = 0;

  get size(): number {
    return this.#openings.size;
  }

  add(spec: SessionSpec, handler: SessionHandler, now: number): Opening {
    this.takeOver(spec.clientId);
    const deadline = now + SESSION_OPEN_MS;
    const opening: Opening = { spec, handler, deadline, asked: -1, request: -1, hops: 0, session: null, isOver: false };
    this.#openings.set(spec.clientId, opening);
    return opening;
  }

  /** Another connection wants the session: whoever waits for it does not get it. */
  takeOver(clientId: string): void {
    const before = this.#openings.get(clientId);
    if (before !== undefined) this.refuse(before, taken(clientId));
  }

  /** It is opened, or wanted no more. */
  forget(opening: Opening): void {
    opening.isOver = true;
    const { clientId } = opening.spec;
    if (this.#openings.get(clientId) === opening) this.#openings.delete(clientId);
  }

  /**
   * Whether it can go on with what the node that had it knew of it, which may be more than was known here when it was asked for; it is
   * refused otherwise.
   */
  admit(opening: Opening, subscriptions: readonly SessionSubscription[]): boolean {
    try {
      checkSpec(opening.spec, subscriptions);
      return true;
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      this.refuse(opening, error);
      return false;
    }
  }

  refuse(opening: Opening, error: AddressError): void {
    if (opening.isOver) return;
    this.forget(opening);
    this.refused++;
    opening.handler.onRefused(error);
  }

  /** The one that a node answers. */
  answered(node: NodeId, request: number): Opening | null {
    for (const opening of this.#openings.values())
      if (opening.request === request && opening.asked === node) return opening;
    return null;
  }

  lost(node: NodeId, name: string): void {
    for (const opening of [...this.#openings.values()])
      if (opening.asked === node) this.refuse(opening, away(opening.spec.clientId, name));
  }

  /** @param ownerOf who has the session of a client */
  tick(now: number, ownerOf: (clientId: string) => string): void {
    for (const opening of [...this.#openings.values()]) {
      const { clientId } = opening.spec;
      if (now >= opening.deadline) this.refuse(opening, away(clientId, ownerOf(clientId)));
    }
  }

  deadline(): number {
    let next = Infinity;
    for (const { deadline } of this.#openings.values()) next = Math.min(next, deadline);
    return next;
  }
}
