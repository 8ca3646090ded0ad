import type { AddressRef } from '../../addresses/contract';
import type { Output } from '../../amqp/output';
import { crc32 } from '../../common/crc32';
import { OUTCOME, type LargeBody } from '../../streams/contract';
import { writeAck, writeReasonedAck } from './acks';
import { FIRST, REASON } from './constants';
import { type Delivery } from './delivery';
import { protocolError } from './errors';
import { type Deliverer, InFlight, PHASE } from './in-flight';
import { LargeOutgoing } from './large-outgoing';
import { DELIVERIES_AT_ONCE, IN_FLIGHT_MAX, UNWRITTEN_BYTES_MAX } from './limits';
import type { Peer } from './peer';
import { PublishWriter } from './publish-writer';
import { outcomeOfReason } from './reasons';
import type { SessionKeeper } from './session-keeper';
import type { OpenDelivery } from './session-state';
import type { TopicNames } from './topic-writer';

const RETAIN = 0x01;
const DUP = 0x08;

/** Someone who delivers, and stopped because the client took no more. */
export interface Waiter extends Deliverer {
  pump(): void;
}

/** How a subscription wants a message sent. */
export interface SendOptions {
  readonly qosMax: number;
  readonly retainAsPublished: boolean;
  /** Properties of the subscription, encoded. */
  readonly properties: Buffer;
}

/** Messages to one client: what it can take, and what it has not acknowledged. */
export class Outgoing {
  readonly inFlight: InFlight;
  readonly large: LargeOutgoing;
  readonly #writer: PublishWriter;
  #waiters: Waiter[] = [];

  constructor(
    private readonly peer: Peer,
    /** Where messages are written to; `peer.output` is for what may come between. */
    output: Output,
    private readonly names: TopicNames,
    /** Bytes to the client that the kernel has not taken. */
    private readonly unwritten: () => number,
    private readonly keeper: () => SessionKeeper,
  ) {
    this.inFlight = new InFlight(Math.min(peer.facts.receiveMaximum, IN_FLIGHT_MAX));
    this.#writer = new PublishWriter(output, peer.facts);
    this.large = new LargeOutgoing(peer, output, this.#writer, unwritten);
  }

  /** Whether a message of up to this QoS may be sent now. */
  ready(qosMax: number): boolean {
    if (this.peer.over || this.large.busy || (qosMax > 0 && this.inFlight.full)) return false;
    return this.peer.output.pendingBytes + this.unwritten() < UNWRITTEN_BYTES_MAX;
  }

  credit(qosMax: number): number {
    if (!this.ready(qosMax)) return 0;
    const { windowMax, size } = this.inFlight;
    return qosMax > 0 ? Math.min(windowMax - size, DELIVERIES_AT_ONCE) : DELIVERIES_AT_ONCE;
  }

  /** It is pumped when the client takes more. */
  wait(waiter: Waiter): void {
    this.#waiters.push(waiter);
  }

  /** Something waits for the client to take more. */
  get stopped(): boolean {
    return this.#waiters.length > 0 || this.large.busy;
  }

  /** Those that were stopped go on, as far as there is room. */
  pump(): void {
    if (this.#waiters.length === 0 || !this.ready(0)) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.pump();
  }

  // --- PUBLISH -----------------------------------------------------------------------------------------------------------------

  /**
   * Sends a message, unless the client cannot take it: then it is as if it had ([MQTT-3.1.2-25]).
   * @param token -1 where nobody waits for what becomes of it
   */
  send(by: Deliverer, token: number, address: AddressRef, delivery: Delivery, options: SendOptions): void {
    const { qosMax, properties } = options;
    const topic = this.names.of(address);
    const qos = delivery.qos < 0 ? qosMax : Math.min(delivery.qos, qosMax);
    const payloadBytes = delivery.end - delivery.start;
    if (topic === null || !this.#writer.fits(topic, qos, properties, delivery.properties, payloadBytes)) {
      this.peer.counters.messagesRejected++;
      if (token >= 0) by.settle(token, OUTCOME.rejected, false);
      return;
    }
    const retain = options.retainAsPublished && delivery.retain ? RETAIN : 0;
    let flags = (qos << 1) | retain;
    let id = 0;
    if (qos > 0) {
      const hash = this.keeper().persistent ? hashOf(topic, delivery) : 0;
      const before = delivery.again ? this.inFlight.again(hash) : null;
      if (before !== null && before.phase >= PHASE.released) {
        // The client has it.
        this.inFlight.settleAgain(before, by, token);
        return;
      }
      if (before === null) id = this.inFlight.add(by, token, qos, hash);
      else {
        id = before.packetId;
        flags |= DUP;
        this.inFlight.addAs(id, by, token, qos, hash);
      }
      if (qos === 2) this.keeper().changed();
    }
    this.#counted();
    this.#writer.write(topic, flags, id, properties, delivery);
    this.peer.touch();
    // Nobody acknowledges it.
    if (qos === 0 && token >= 0) by.settle(token, OUTCOME.accepted, false);
  }

  #counted(): void {
    const { counters, totals } = this.peer;
    counters.messagesOut++;
    totals.publishesOut++;
    totals.packetsOut++;
  }

  /** The same for one that is read as it leaves. */
  sendLarge(by: Deliverer, token: number, address: AddressRef, body: LargeBody, options: SendOptions): void {
    const topic = this.names.of(address);
    const opened = topic !== null && this.large.open(body);
    const { head } = this.large;
    const qos = head.qos < 0 ? options.qosMax : Math.min(head.qos, options.qosMax);
    const { properties } = options;
    if (!opened || !this.#writer.fits(topic, qos, properties, head.properties, this.large.payloadBytes)) {
      this.large.drop();
      this.peer.counters.messagesRejected++;
      if (token >= 0) by.settle(token, OUTCOME.rejected, false);
      return;
    }
    const id = qos === 0 ? 0 : this.inFlight.add(by, token, qos, this.large.payloadBytes);
    this.#counted();
    const flags = (qos << 1) | (options.retainAsPublished && head.retain ? RETAIN : 0);
    this.large.begin(topic, flags, id, properties);
    if (qos === 0 && token >= 0) by.settle(token, OUTCOME.accepted, false);
  }

  // --- acknowledgements ----------------------------------------------------------------------------------------------------------

  /** PUBACK. @throws MqttError */
  acknowledged(id: number, reason: number): void {
    const phase = this.inFlight.phaseOf(id);
    if (phase === PHASE.published2 || phase === PHASE.released)
      throw protocolError(`PUBACK of ${id}, which was sent with QoS 2`);
    if (phase === PHASE.free) return;
    this.inFlight.settle(id, outcomeOfReason(reason));
    this.peer.touch();
  }

  /** PUBREC: answered by PUBREL, also when the message is not known any more. @throws MqttError */
  received(id: number, reason: number): void {
    const phase = this.inFlight.phaseOf(id);
    if (phase === PHASE.published1) throw protocolError(`PUBREC of ${id}, which was sent with QoS 1`);
    this.peer.touch();
    if (reason >= REASON.unspecified) {
      if (phase === PHASE.published2) this.inFlight.settle(id, outcomeOfReason(reason));
      this.keeper().changed();
      return;
    }
    if (phase === PHASE.published2) this.inFlight.received(id);
    if (phase === PHASE.published2 || phase === PHASE.released)
      this.keeper().acknowledge(FIRST.pubrel, id, this.inFlight.settleReceived);
    else writeReasonedAck(this.peer, FIRST.pubrel, id, REASON.packetIdNotFound);
  }

  /** PUBCOMP. */
  completed(id: number): void {
    if (!this.inFlight.completed(id)) return;
    this.keeper().changed();
    this.peer.touch();
  }

  /** Goes on where an earlier connection of the session has ended ([MQTT-4.4.0-1]). */
  restore(open: readonly OpenDelivery[]): void {
    this.inFlight.restore(open);
    for (const { packetId, phase } of open) if (phase === PHASE.released) writeAck(this.peer, FIRST.pubrel, packetId);
  }
}

/** By that a message is known when it comes again. */
function hashOf(topic: Buffer, { bytes, start, end }: Delivery): number {
  return crc32(bytes.subarray(start, end), crc32(topic));
}
