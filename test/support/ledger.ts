/**
 * What was sent, answered and received, as the clients of a test saw it. The checker judges it; a ledger judges nothing.
 */

/** What a sender was told. `unknown`: its connection ended first, so the message may arrive or not. */
export type Answer = 'pending' | 'accepted' | 'refused' | 'unknown';

export interface Sent {
  readonly sender: string;
  /** Consecutive per sender, from 0. */
  readonly seq: number;
  readonly address: string;
  readonly digest: string;
  answer: Answer;
}

export interface Arrival {
  readonly sender: string;
  readonly seq: number;
  readonly digest: string;
  /** The broker said that it may have been delivered before. */
  readonly redelivered: boolean;
}

/**
 * `each`: this receiver gets every message of its addresses. `share`: every message goes to one of all receivers that share.
 */
export type Claim = 'each' | 'share';

export interface Receiver {
  readonly name: string;
  readonly claim: Claim;
  readonly wants: (address: string) => boolean;
  readonly arrivals: Arrival[];
  /** By sender: the first message that it was there for. Senders that are not named here began later. */
  readonly since: ReadonlyMap<string, number>;
  /** False once it has left: what it has not received by then is not missed. */
  present: boolean;
}

export class Ledger {
  readonly #sent = new Map<string, Sent[]>();
  readonly #receivers = new Map<string, Receiver>();

  get senders(): ReadonlyMap<string, readonly Sent[]> {
    return this.#sent;
  }

  get receivers(): readonly Receiver[] {
    return [...this.#receivers.values()];
  }

  /** The number that the sender's next message has. */
  next(sender: string): number {
    return this.#sent.get(sender)?.length ?? 0;
  }

  /** Written before the message leaves: an answer, or the message itself, may be faster than what follows a write. */
  send(sender: string, address: string, digest: string): Sent {
    const all = this.#sent.get(sender) ?? [];
    const sent: Sent = { sender, seq: all.length, address, digest, answer: 'pending' };
    all.push(sent);
    this.#sent.set(sender, all);
    return sent;
  }

  /** The sender's connection is gone: what has no answer by now never gets one. */
  disconnected(sender: string): void {
    for (const sent of this.#sent.get(sender) ?? []) if (sent.answer === 'pending') sent.answer = 'unknown';
  }

  /** A receiver whose subscription is confirmed: it is there for all that is sent from now on. */
  join(name: string, claim: Claim, wants: (address: string) => boolean): Receiver {
    const since = new Map([...this.#sent].map(([sender, all]) => [sender, all.length]));
    const receiver: Receiver = { name, claim, wants, arrivals: [], since, present: true };
    this.#receivers.set(name, receiver);
    return receiver;
  }

  /** Messages without an answer. */
  get pending(): number {
    let count = 0;
    for (const all of this.#sent.values()) for (const { answer } of all) if (answer === 'pending') count++;
    return count;
  }
}
