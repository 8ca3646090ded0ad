/** What can be wrong with a message that a receiver got. */
export type ArrivalFault = 'invented' | 'corrupted' | 'doubled' | 'reordered';

/** A message as a receiver got it. `S` names its sender. */
export interface Arrived<S> {
  readonly sender: S;
  readonly seq: number;
  readonly digest: string | number;
  /** The broker said that it may have been delivered before. */
  readonly redelivered: boolean;
}

/** A message as its sender sent it. */
export interface Original {
  readonly address: string;
  readonly digest: string | number;
}

/** Which messages have been seen, by sender, and who saw them first. */
export class Seen<S> {
  readonly #bySender = new Map<S, string[]>();

  /** Name of the receiver that got it first. */
  by(sender: S, seq: number): string | undefined {
    return this.#bySender.get(sender)?.[seq];
  }

  has(sender: S, seq: number): boolean {
    return this.by(sender, seq) !== undefined;
  }

  add(sender: S, seq: number, receiver: string): void {
    const names = this.#bySender.get(sender);
    if (names !== undefined) names[seq] = receiver;
    else {
      const first: string[] = [];
      first[seq] = receiver;
      this.#bySender.set(sender, first);
    }
  }

  /** The youngest message of a sender; -1 when there is none. */
  last(sender: S): number {
    return (this.#bySender.get(sender)?.length ?? 0) - 1;
  }
}

export interface ArrivalOptions<S> {
  /** Messages of one sender and address come in order (G4): so it is unless others take from the same address. */
  readonly ordered: boolean;
  /** What was unsettled may come again, marked as redelivered (G3). */
  readonly redeliveries: boolean;
  /** Among those who share an address each message comes once; null for a receiver that gets all. */
  readonly shared: Seen<S> | null;
}

/** What was wrong, and where it matters the other receiver that got the message, or the younger message that came before it. */
export type TellFault = (fault: ArrivalFault, more: { readonly other?: string; readonly after?: number }) => void;

/** Judges what one receiver gets, one message after the other: sent as it came (G2), once (G3), in order (G4). */
export class ArrivalJudge<S> {
  readonly seen = new Seen<S>();
  readonly #lastByStream = new Map<string, number>();

  constructor(
    private readonly name: string,
    private readonly options: ArrivalOptions<S>,
  ) {}

  /** @param sent what the sender sent to this receiver under that number; undefined for nothing */
  take(arrived: Arrived<S>, sent: Original | undefined, tell: TellFault): void {
    const { sender, seq, digest, redelivered } = arrived;
    const { shared, redeliveries, ordered } = this.options;
    if (sent === undefined) {
      tell('invented', {});
      return;
    }
    if (sent.digest !== digest) tell('corrupted', {});
    const other = this.seen.by(sender, seq) ?? shared?.by(sender, seq);
    if (other !== undefined) {
      if (!redeliveries || !redelivered) tell('doubled', { other });
      return;
    }
    this.seen.add(sender, seq, this.name);
    shared?.add(sender, seq, this.name);
    // Order is promised among first deliveries.
    if (!ordered || (redeliveries && redelivered)) return;
    const stream = `${sender} ${sent.address}`;
    const last = this.#lastByStream.get(stream) ?? -1;
    if (seq < last) tell('reordered', { after: last });
    else this.#lastByStream.set(stream, seq);
  }
}
