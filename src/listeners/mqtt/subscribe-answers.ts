import { suback } from './cold-packets';
import { SUBSCRIBES_PENDING_MAX } from './limits';
import type { Peer } from './peer';

/** A SUBSCRIBE whose answer waits until the mesh knows all of it. */
interface Pending {
  readonly packetId: number;
  readonly reasons: number[];
  left: number;
}

/** A place in the answer of a SUBSCRIBE. */
export class Awaiting {
  constructor(
    private readonly answers: SubscribeAnswers,
    private readonly pending: Pending,
    private readonly at: number,
  ) {}

  /** @param reason null for what was granted */
  answer(reason: number | null): void {
    if (reason !== null) this.pending.reasons[this.at] = reason;
    this.answers.count(this.pending);
  }
}

/** Answers of SUBSCRIBE packets: one reason for each filter, in order ([MQTT-3.8.4-6]), when the mesh knows of all ([MQTT-3.8.4-1]). */
export class SubscribeAnswers {
  #pending = 0;

  constructor(private readonly peer: Peer) {}

  /** No further SUBSCRIBE can be taken now. */
  get full(): boolean {
    return this.#pending >= SUBSCRIBES_PENDING_MAX;
  }

  /** @param granted what each filter is granted unless its place is answered otherwise */
  begin(packetId: number, granted: readonly number[]): { readonly places: readonly Awaiting[]; done(): void } {
    // One more, so that it is not answered before all of it was looked at.
    const pending: Pending = { packetId, reasons: [...granted], left: granted.length + 1 };
    this.#pending++;
    return {
      places: granted.map((_qos, at) => new Awaiting(this, pending, at)),
      done: () => this.count(pending),
    };
  }

  count(pending: Pending): void {
    if (--pending.left > 0) return;
    this.#pending--;
    const { peer } = this;
    if (peer.over) return;
    const packet = suback(peer.facts.version, pending.packetId, pending.reasons);
    peer.totals.packetsOut++;
    peer.output.copy(packet, 0, packet.length);
    peer.touch();
    peer.review();
  }
}
