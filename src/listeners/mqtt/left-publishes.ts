import type { FairleadError } from '../../common/errors';
import type { Outcome, OutcomeDetail } from '../../streams/contract';

/** Who goes on with messages of QoS 2 that an earlier connection of the session has left unanswered. */
export interface Heir {
  /** The mesh has answered one. */
  answered(packetId: number, outcome: Outcome, detail: OutcomeDetail | null): void;
  /** It will not answer any more. */
  onGone(error: FairleadError): void;
}

/** A connection that has ended while messages of QoS 2 that it had published were not answered. */
export interface Leaver {
  /** Packet ids without an answer, and those that were accepted. */
  unanswered(): number[];
  received(): number[];
  /** @param heir null where the session has ended meanwhile: nobody wants to know */
  inherit(heir: Heir | null): void;
}

/**
 * What the sessions of a node have published with QoS 2 and the mesh had not answered when their connections ended, by client id: a client that
 * comes back sends it again, and that must not be published twice ([MQTT-4.3.3-10]).
 */
export class LeftPublishes {
  readonly #all = new Map<string, Leaver>();

  add(clientId: string, left: Leaver): void {
    this.#all.set(clientId, left);
  }

  /** Whoever has connected now takes it over. */
  take(clientId: string): Leaver | null {
    const left = this.#all.get(clientId) ?? null;
    this.#all.delete(clientId);
    return left;
  }

  /** All of it is answered. */
  done(clientId: string, left: Leaver): void {
    if (this.#all.get(clientId) === left) this.#all.delete(clientId);
  }
}
