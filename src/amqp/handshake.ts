import type { Open } from './codec/types';
import type { ConnectionOptions } from './connection-contract';
import { CONDITION, ENGINE_LIMITS, FRAME_TYPE } from './constants';
import { AmqpError } from './errors';
import type { SaslNegotiation } from './sasl/negotiation';

const AMQP_HEADER = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1');
const SASL_HEADER = Buffer.from('AMQP\x03\x01\x00\x00', 'latin1');

/** What a handshake asks of its connection. */
export interface HandshakePorts {
  sendHeader(header: Buffer): void;
  sendSasl(frame: Buffer): void;
  /** A protocol header comes next, or frames. */
  expectHeader(expect: boolean): void;
  /** Nothing more is read until the SASL layer has answered. */
  onSaslWaits(): void;
  /** The SASL layer has answered a frame later than it came: `then` may throw AmqpError; reading goes on when `last`. */
  onSaslAnswer(then: () => void, last: boolean): void;
  onUser(user: string): void;
  /** This end may send its open. */
  onReadyToOpen(): void;
}

/** Protocol headers and the SASL layer, before the first frame of AMQP itself (part 2.2, 5.3). */
export class Handshake {
  /** AMQP frames come next. */
  done = false;
  #sasl = false;

  constructor(
    private readonly server: boolean,
    private readonly negotiation: SaslNegotiation | null,
    private readonly ports: HandshakePorts,
  ) {}

  /** A client speaks first. */
  start(): void {
    if (this.server) return;
    this.ports.sendHeader(this.negotiation === null ? AMQP_HEADER : SASL_HEADER);
    if (this.negotiation === null) this.ports.onReadyToOpen();
  }

  /** @throws AmqpError when the header is none that is spoken here */
  onHeader(bytes: Buffer, at: number): void {
    const { negotiation, ports, server } = this;
    const pending = negotiation !== null && !negotiation.done;
    const needsSasl = pending && (negotiation.required || !server);
    if (pending && is(SASL_HEADER, bytes, at)) {
      this.#sasl = true;
      ports.expectHeader(false);
      if (!server) return;
      ports.sendHeader(SASL_HEADER);
      ports.sendSasl(negotiation.begin());
      return;
    }
    if (!needsSasl && is(AMQP_HEADER, bytes, at)) {
      this.done = true;
      ports.expectHeader(false);
      if (server) ports.sendHeader(AMQP_HEADER);
      return;
    }
    // Part 2.2: answer with a header that would have been accepted, and close.
    if (server) ports.sendHeader(needsSasl ? SASL_HEADER : AMQP_HEADER);
    const got = bytes.toString('latin1', at, at + 8).replace(/[^\x20-\x7e]/g, '.');
    const told = server
      ? `protocol header '${got}' is not spoken here`
      : `what answers there begins with '${got}', not with the header of ${needsSasl ? 'SASL over AMQP 1.0' : 'AMQP 1.0'}`;
    throw new AmqpError(CONDITION.framing, told, 'connection');
  }

  /** A frame of the SASL layer. @throws AmqpError */
  onFrame(type: number, bytes: Buffer, start: number, end: number): void {
    if (type !== FRAME_TYPE.sasl)
      throw new AmqpError(CONDITION.framing, `frame of type ${type}, expected SASL`, 'connection');
    if (end - start > ENGINE_LIMITS.saslFrameBytesMax)
      throw new AmqpError(CONDITION.framing, `SASL frame of ${end - start} bytes`, 'connection');
    const negotiation = this.negotiation as SaslNegotiation;
    let within = true;
    let answered = false;
    const answer = (then: () => void, last: boolean): void => {
      answered = true;
      if (within) then();
      else this.ports.onSaslAnswer(then, last);
    };
    negotiation.onFrame(
      bytes,
      start,
      end,
      // The last frame of an exchange is followed by how it ended.
      (frame) => answer(() => this.ports.sendSasl(frame), !negotiation.done),
      (user, why) => answer(() => this.#onOutcome(user, why), true),
    );
    within = false;
    if (this.server && !answered) this.ports.onSaslWaits();
  }

  #onOutcome(user: string | null, why: string): void {
    if (!this.#sasl) return;
    if (user === null) throw new AmqpError(CONDITION.unauthorized, why, 'connection');
    this.#sasl = false;
    this.ports.onUser(user);
    this.ports.expectHeader(true);
    if (this.server) return;
    this.ports.sendHeader(AMQP_HEADER);
    this.ports.onReadyToOpen();
  }
}

function is(header: Buffer, bytes: Buffer, at: number): boolean {
  return bytes.compare(header, 0, 8, at, at + 8) === 0;
}

/** This end's open. */
export function ownOpen(options: ConnectionOptions): Open {
  return {
    type: 'open',
    containerId: options.containerId,
    hostname: options.hostname ?? null,
    maxFrameSize: options.frameBytesMax ?? ENGINE_LIMITS.frameBytesMax,
    channelMax: options.channelMax ?? ENGINE_LIMITS.channelMax,
    // Half of what we allow (part 2.4.5), so that a peer that sends just in time is never late.
    idleTimeOut: Math.floor((options.idleTimeOutMs ?? 0) / 2),
    offeredCapabilities: [...(options.offeredCapabilities ?? [])],
    desiredCapabilities: [...(options.desiredCapabilities ?? [])],
    properties: options.properties ?? null,
  };
}
