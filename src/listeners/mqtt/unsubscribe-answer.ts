import { unsuback } from './cold-packets';
import type { Peer } from './peer';

/** The answer of an UNSUBSCRIBE: sent when all that it ends has ended ([MQTT-3.10.4-4]). */
export class UnsubscribeAnswer {
  readonly #reasons: number[] = [];
  #left: number;

  constructor(
    private readonly peer: Peer,
    private readonly packetId: number,
    count: number,
  ) {
    this.#left = count;
  }

  answer(at: number, reason: number): void {
    this.#reasons[at] = reason;
    const { peer } = this;
    if (--this.#left > 0 || peer.over) return;
    const packet = unsuback(peer.facts.version, this.packetId, this.#reasons);
    peer.totals.packetsOut++;
    peer.output.copy(packet, 0, packet.length);
    peer.touch();
  }
}
