import type { ClientSession } from '../../addresses/client-contract';
import { Output } from '../../amqp/output';
import type { FairleadError } from '../../common/errors';
import type { EdgePort } from '../edge/edge-protocol';
import { readAck } from './ack-packet';
import type { MqttNode } from './client-options';
import { expiryMsOf } from './connect';
import { FIRST, PACKET, REASON } from './constants';
import { readDisconnect } from './disconnect-packet';
import { type MqttError, protocolError } from './errors';
import { Fields } from './fields';
import { checkHeader } from './header';
import { Incoming } from './incoming';
import { BEHIND_LARGE_BYTES_MAX } from './limits';
import { Outgoing } from './outgoing';
import type { ClientFacts, Peer } from './peer';
import { SessionKeeper } from './session-keeper';
import { decodeState, type SessionState } from './session-state';
import type { TurnWaiter } from './subscribe-turns';
import { Subscriptions } from './subscriptions';

/** What a connected client has of its connection. */
export interface ClientWire extends TurnWaiter {
  readonly output: Output;
  readonly over: boolean;
  /** Bytes to the client that the kernel has not taken. */
  unwritten(): number;
  touch(): void;
  review(): void;
  logRefusal(what: string, error: FairleadError): void;
  fail(error: MqttError): void;
  /** The client said farewell. */
  farewell(will: boolean, expiryMs: number | undefined): void;
}

/** What a packet is given to: [start, end) is what follows its fixed header. */
type Handler = (client: Connected, first: number, bytes: Buffer, start: number, end: number) => void;

/** A client between CONNACK and its end: gives each packet to what handles it. */
export class Connected implements Peer {
  readonly incoming: Incoming;
  readonly outgoing: Outgoing;
  readonly subscriptions: Subscriptions;
  readonly #keeper: SessionKeeper;
  /** What is to be sent behind a large message that is on its way out. */
  #behind: Output | null = null;

  constructor(
    readonly facts: ClientFacts,
    readonly session: ClientSession,
    private readonly wire: ClientWire,
    private readonly node: MqttNode,
    private readonly port: EdgePort,
    /** Session expiry of the CONNECT, which a DISCONNECT may not make longer than none. */
    private readonly expiryMs: number,
    private readonly publishBytesMax: number,
  ) {
    const persistent = expiryMs > 0;
    const { space } = node;
    this.outgoing = new Outgoing(
      this,
      wire.output,
      node.names,
      () => wire.unwritten(),
      () => this.#keeper,
    );
    this.#keeper = new SessionKeeper(this, session, persistent, () => this.#state());
    this.incoming = new Incoming(this, this.#keeper, space);
    this.subscriptions = new Subscriptions(this, this.outgoing, session, persistent, space);
  }

  #state(): SessionState {
    return { received: this.incoming.received(), open: this.outgoing.inFlight.open() };
  }

  /** Goes on where an earlier connection of the session has ended; behind CONNACK. */
  resume(): void {
    const left = this.node.left.take(this.facts.clientId);
    if (!this.session.present) {
      left?.inherit(null);
      return;
    }
    const { received, open } = decodeState(this.session.state);
    this.incoming.restore(received);
    if (left !== null) this.incoming.adopt(left);
    this.outgoing.restore(open);
    this.subscriptions.resume();
  }

  // --- what its parts share ------------------------------------------------------------------------------------------------------

  get addresses(): MqttNode['addresses'] {
    return this.node.addresses;
  }

  get topics(): MqttNode['topics'] {
    return this.node.topics;
  }

  get totals(): MqttNode['totals'] {
    return this.node.totals;
  }

  get system(): MqttNode['system'] {
    return this.node.system;
  }

  get left(): MqttNode['left'] {
    return this.node.left;
  }

  get turns(): MqttNode['turns'] {
    return this.node.turns;
  }

  get budget(): MqttNode['budget'] {
    return this.node.budget;
  }

  get counters(): EdgePort['counters'] {
    return this.port.counters;
  }

  get over(): boolean {
    return this.wire.over;
  }

  get output(): Output {
    return this.outgoing.large.busy ? (this.#behind ??= new Output()) : this.wire.output;
  }

  touch(): void {
    this.wire.touch();
  }

  logRefusal(what: string, error: FairleadError): void {
    this.wire.logRefusal(what, error);
  }

  review(): void {
    this.wire.review();
  }

  fail(error: MqttError): void {
    this.wire.fail(error);
  }

  // --- packets -------------------------------------------------------------------------------------------------------------------

  /** Nothing is read now, whatever it is. */
  get held(): boolean {
    return (this.#behind !== null && this.#behind.pendingBytes > BEHIND_LARGE_BYTES_MAX) || this.incoming.held;
  }

  /** @returns false when a packet of this type cannot be taken now. @throws MqttError */
  takes(first: number, length: number): boolean {
    checkHeader(first, length, this.facts.version, this.publishBytesMax);
    const type = first >>> 4;
    if (type === PACKET.publish) {
      this.incoming.begin();
      return this.incoming.ready;
    }
    return type !== PACKET.subscribe || (!this.subscriptions.full && this.node.turns.may(this.wire));
  }

  /** @throws MqttError */
  packet(first: number, bytes: Buffer, start: number, end: number): void {
    (HANDLERS[first >>> 4] as Handler)(this, first, bytes, start, end);
  }

  fields(bytes: Buffer, start: number, end: number): Fields {
    return new Fields(bytes, start, end);
  }

  pong(): void {
    const { output } = this;
    this.totals.packetsOut++;
    const at = output.reserve(2);
    output.buffer[at] = FIRST.pingresp;
    output.buffer[at + 1] = 0;
    output.commit(at + 2);
    this.touch();
  }

  /** @throws MqttError */
  disconnected(fields: Fields): void {
    const { reason, sessionExpiryS } = readDisconnect(fields, this.facts.version);
    if (sessionExpiryS !== null && sessionExpiryS > 0 && this.expiryMs === 0)
      throw protocolError('a session expiry in the DISCONNECT of a session that was to end with its connection');
    const expiryMs = sessionExpiryS === null ? undefined : expiryMsOf(sessionExpiryS);
    this.wire.farewell(reason !== REASON.success, expiryMs);
  }

  /** At the end of a turn, before what was collected is written. */
  flush(): void {
    this.outgoing.large.goOn();
    this.#takeBehind();
    this.outgoing.pump();
    this.#keeper.flush();
  }

  #takeBehind(): void {
    if (this.#behind === null || this.outgoing.large.busy) return;
    const behind = this.#behind;
    this.#behind = null;
    for (const bytes of behind.take() ?? []) this.wire.output.copy(bytes, 0, bytes.length);
    behind.written();
    this.review();
  }

  /** @param failed it broke off */
  close(failed: boolean): void {
    this.node.turns.forget(this.wire);
    this.#keeper.close();
    this.subscriptions.close(failed);
    this.incoming.close();
    this.outgoing.large.drop();
    this.#behind = null;
  }
}

const ID_MASK = 0xffff;

function ackHandler(then: (client: Connected, packetId: number, reason: number) => void): Handler {
  return (client, first, bytes, start, end) => {
    const ack = readAck(first >>> 4, bytes, start, end, client.facts.version);
    then(client, ack & ID_MASK, ack >>> 16);
  };
}

const HANDLERS: readonly (Handler | undefined)[] = (() => {
  const handlers: (Handler | undefined)[] = [];
  handlers[PACKET.publish] = (client, first, bytes, start, end) => client.incoming.publish(first, bytes, start, end);
  handlers[PACKET.puback] = ackHandler((client, id, reason) => client.outgoing.acknowledged(id, reason));
  handlers[PACKET.pubrec] = ackHandler((client, id, reason) => client.outgoing.received(id, reason));
  handlers[PACKET.pubcomp] = ackHandler((client, id) => client.outgoing.completed(id));
  handlers[PACKET.pubrel] = ackHandler((client, id) => client.incoming.release(id));
  handlers[PACKET.subscribe] = (client, _first, bytes, start, end) =>
    client.subscriptions.subscribe(client.fields(bytes, start, end));
  handlers[PACKET.unsubscribe] = (client, _first, bytes, start, end) =>
    client.subscriptions.unsubscribe(client.fields(bytes, start, end));
  handlers[PACKET.pingreq] = (client) => client.pong();
  handlers[PACKET.disconnect] = (client, _first, bytes, start, end) =>
    client.disconnected(client.fields(bytes, start, end));
  return handlers;
})();
