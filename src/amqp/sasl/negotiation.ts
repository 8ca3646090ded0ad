import { decodeSasl, encodeSasl } from '../codec/performatives';
import { CONDITION } from '../constants';
import { AmqpError } from '../errors';
import type { ClientMechanism, SaslStep, ServerExchange, ServerMechanism } from './mechanisms';

/** Tells how the exchange ended: the user, or null and why not. */
export type SaslDone = (user: string | null, why: string) => void;
export type SendSasl = (frame: Buffer) => void;

/** One side of the SASL layer of one connection (part 5.3). */
export interface SaslNegotiation {
  /** A server that requires it refuses plain AMQP. */
  readonly required: boolean;
  /** The exchange has ended; a protocol header of AMQP comes next. */
  readonly done: boolean;
  /** The server's first frame. */
  begin(): Buffer;
  /** A frame of the peer. @throws AmqpError when it is not its turn or malformed */
  onFrame(bytes: Buffer, start: number, end: number, send: SendSasl, done: SaslDone): void;
}

/** Challenges of one exchange: more than any mechanism needs. */
const STEPS_MAX = 8;
const OUTCOME_OK = 0;
const OUTCOME_AUTH = 1;

export class ServerNegotiation implements SaslNegotiation {
  done = false;
  #exchange: ServerExchange | null = null;
  #asked = false;
  #steps = 0;

  constructor(
    private readonly mechanisms: readonly ServerMechanism[],
    readonly required: boolean,
  ) {}

  begin(): Buffer {
    return encodeSasl({ type: 'sasl-mechanisms', mechanisms: this.mechanisms.map(({ name }) => name) });
  }

  onFrame(bytes: Buffer, start: number, end: number, send: SendSasl, done: SaslDone): void {
    const frame = decodeSasl(bytes, start, end);
    if (this.#asked || this.done) throw unexpected(frame.type);
    if (frame.type === 'sasl-init' && this.#exchange === null) {
      const mechanism = this.mechanisms.find(({ name }) => name === frame.mechanism);
      if (mechanism === undefined) {
        const offered = this.mechanisms.map(({ name }) => name).join(', ');
        this.#finish(
          { kind: 'denied', why: `mechanism ${frame.mechanism} is not offered; offered: ${offered}` },
          send,
          done,
        );
        return;
      }
      this.#exchange = mechanism.start();
      this.#step(frame.initialResponse, send, done);
    } else if (frame.type === 'sasl-response' && this.#exchange !== null) this.#step(frame.response, send, done);
    else throw unexpected(frame.type);
  }

  #step(response: Buffer | null, send: SendSasl, done: SaslDone): void {
    if (++this.#steps > STEPS_MAX) throw new AmqpError(CONDITION.limit, 'SASL exchange without an end', 'connection');
    this.#asked = true;
    (this.#exchange as ServerExchange).step(response, (step) => {
      this.#asked = false;
      if (step.kind === 'challenge') send(encodeSasl({ type: 'sasl-challenge', challenge: step.data }));
      else this.#finish(step, send, done);
    });
  }

  #finish(step: Exclude<SaslStep, { kind: 'challenge' }>, send: SendSasl, done: SaslDone): void {
    this.done = true;
    const ok = step.kind === 'ok';
    const additionalData = ok ? (step.data ?? null) : null;
    send(encodeSasl({ type: 'sasl-outcome', code: ok ? OUTCOME_OK : OUTCOME_AUTH, additionalData }));
    if (ok) done(step.user, '');
    else done(null, step.why);
  }
}

export class ClientNegotiation implements SaslNegotiation {
  readonly required = true;
  done = false;
  #begun = false;

  constructor(
    private readonly mechanism: ClientMechanism,
    private readonly hostname: string | null,
  ) {}

  begin(): Buffer {
    return Buffer.alloc(0);
  }

  onFrame(bytes: Buffer, start: number, end: number, send: SendSasl, done: SaslDone): void {
    const frame = decodeSasl(bytes, start, end);
    const { mechanism, hostname } = this;
    if (frame.type === 'sasl-mechanisms' && !this.#begun) {
      this.#begun = true;
      if (!frame.mechanisms.includes(mechanism.name)) {
        this.done = true;
        done(null, `${mechanism.name} is not offered; offered: ${frame.mechanisms.join(', ')}`);
        return;
      }
      const initialResponse = mechanism.initialResponse();
      send(encodeSasl({ type: 'sasl-init', mechanism: mechanism.name, initialResponse, hostname }));
    } else if (frame.type === 'sasl-challenge' && this.#begun) {
      send(encodeSasl({ type: 'sasl-response', response: mechanism.respond(frame.challenge) }));
    } else if (frame.type === 'sasl-outcome' && this.#begun) {
      this.done = true;
      if (frame.code === OUTCOME_OK) done(mechanism.name, '');
      else done(null, `the peer refused ${mechanism.name} (SASL outcome ${frame.code})`);
    } else throw unexpected(frame.type);
  }
}

function unexpected(type: string): AmqpError {
  return new AmqpError(CONDITION.framing, `${type} out of its turn`, 'connection');
}
