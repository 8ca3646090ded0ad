import type { Begin, Performative } from './codec/types';
import type { ConnectionHandler } from './connection-contract';
import { CODE, CONDITION } from './constants';
import type { Cursor } from './cursor';
import { AmqpError } from './errors';
import type { Session } from './session';

/** Makes the session of a local channel. */
export type NewSession = (channel: number, initiator: boolean) => Session;

/**
 * Sessions of one connection by the channel of either end (part 2.5.1); channels are used again after both ends have ended.
 * Takes the frames of sessions to them, and ends the session that an error names.
 */
export class SessionTable {
  /** The highest channel that the peer takes. */
  remoteChannelMax = 0xffff;
  readonly #byLocal: (Session | null)[] = [];
  readonly #byRemote: (Session | null)[] = [];

  constructor(
    private readonly channelMax: number,
    private readonly handler: ConnectionHandler,
    private readonly create: NewSession,
  ) {}

  /** Those by this end's channel; null where one was. */
  get all(): readonly (Session | null)[] {
    return this.#byLocal;
  }

  // --- begin and end -------------------------------------------------------------------------------------------------------

  /** A session that this end begins. @throws AmqpError when the peer allows no further one */
  begin(): Session {
    const max = Math.min(this.channelMax, this.remoteChannelMax);
    const channel = this.#freeChannel();
    if (channel > max) throw new AmqpError(CONDITION.limit, `the connection allows ${max + 1} sessions`, 'session');
    return this.#add(channel, true);
  }

  #freeChannel(): number {
    const free = this.#byLocal.indexOf(null);
    return free < 0 ? this.#byLocal.length : free;
  }

  #add(channel: number, initiator: boolean): Session {
    const session = this.create(channel, initiator);
    this.#byLocal[channel] = session;
    return session;
  }

  #onBegin(begin: Begin, channel: number): void {
    if (channel > this.channelMax)
      throw new AmqpError(CONDITION.framing, `channel ${channel}, expected at most ${this.channelMax}`, 'connection');
    if (this.#byRemote[channel])
      throw new AmqpError(CONDITION.notAllowed, `begin on channel ${channel}, which has a session`, 'connection');
    const session = begin.remoteChannel === null ? this.#answer() : this.#asked(begin.remoteChannel);
    this.#byRemote[channel] = session;
    session.onBegin(begin, channel);
    if (!session.initiator) this.handler.onSession?.(session);
  }

  #answer(): Session {
    const local = this.#freeChannel();
    if (local > this.remoteChannelMax) {
      const text = `begin of session ${local + 1}, where the channel-max of its sender is ${this.remoteChannelMax}`;
      throw new AmqpError(CONDITION.notAllowed, text, 'connection');
    }
    return this.#add(local, false);
  }

  #asked(local: number): Session {
    const session = this.#byLocal[local];
    if (!session || session.remoteChannel >= 0)
      throw new AmqpError(CONDITION.notAllowed, `begin answers channel ${local}, which asked for none`, 'connection');
    return session;
  }

  /** Empties the table. @returns those that were there */
  clear(): Session[] {
    this.#byRemote.length = 0;
    return this.#byLocal.splice(0).filter((session) => session !== null);
  }

  // --- frames --------------------------------------------------------------------------------------------------------------

  #of(channel: number): Session {
    const session = this.#byRemote[channel];
    if (session === undefined || session === null)
      throw new AmqpError(CONDITION.notAllowed, `frame on channel ${channel}, which has no session`, 'connection');
    return session;
  }

  /** A flow, transfer or disposition; `cursor` stands behind its descriptor. @throws AmqpError with connection scope */
  onHotFrame(code: number, channel: number, cursor: Cursor, bytes: Buffer, end: number): void {
    const session = this.#of(channel);
    if (session.state === 'discarding') return;
    try {
      cursor.list();
      if (code === CODE.transfer) session.onTransfer(cursor, bytes, end);
      else if (code === CODE.disposition) session.dispositions.onDisposition(cursor, bytes);
      else session.onFlow(cursor);
    } catch (error) {
      session.failOf(error);
    }
  }

  /** A begin, attach, detach or end. @throws AmqpError with connection scope */
  onColdFrame(channel: number, performative: Exclude<Performative, { type: 'open' | 'close' }>): void {
    if (performative.type === 'begin') {
      this.#onBegin(performative, channel);
      return;
    }
    const session = this.#of(channel);
    if (performative.type === 'end') {
      session.onEnd(performative.error, true);
      this.#byRemote[channel] = null;
      this.#byLocal[session.channel] = null;
      return;
    }
    if (session.state === 'discarding') return;
    try {
      if (performative.type === 'attach') session.links.onAttach(performative);
      else session.links.onDetach(performative);
    } catch (error) {
      session.failOf(error);
    }
  }
}
