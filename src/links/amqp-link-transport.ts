import type { Connection } from '../amqp/connection';
import { CONDITION, TRANSFER } from '../amqp/constants';
import { AmqpError } from '../amqp/errors';
import type { Link } from '../amqp/link';
import { ReceiverLink, type ReceiverHandler } from '../amqp/receiver-link';
import type { SenderLink } from '../amqp/sender-link';
import { type SenderHandler } from '../amqp/sender-link';
import type { Session } from '../amqp/session';
import { TRAFFIC_CLASSES, type LinkTransport, type LinkTransportEvents, type TrafficClass } from './contract';
import { FRAME_MS_MAX, SHUT_MS_MAX } from './limits';
import { PACED_BYTES_MIN, Pacer } from './pacer';

/** Frames that a peer may have on their way per class before we have told that we took them. */
export const MESH_WINDOW_FRAMES = 512;
/**
 * The peer is told what we have taken after so many bytes: half of what its pacer always lets it have under way, so that it never
 * waits for us, and rarely enough that a message at a time does not cost a flow frame each.
 */
export const MESH_WINDOW_BYTES = PACED_BYTES_MIN / 2;
/** Largest frame on a link between nodes: a whole batch with its head. */
export const MESH_FRAME_BYTES = 128 * 1024;
const ADDRESS = 'fairlead:class:';
/** Credit is renewed when half of it is used: the session's window is what limits. */
const CREDIT = 1_000_000;
/** Longest frame put together from several transfers. */
const GATHER_BYTES_MAX = 256 * 1024;

/** What was said arrived otherwise than any node says it: the connection ends. */
function damaged(description: string): AmqpError {
  return new AmqpError(CONDITION.decode, description, 'connection');
}

/** The two links of one traffic class, on a session of its own, so that no class waits for another one's window. */
class ClassChannel implements SenderHandler, ReceiverHandler {
  sender: SenderLink | null = null;
  receiver: ReceiverLink | null = null;
  readonly pacer = new Pacer();
  #parts: Buffer[] = [];
  #partBytes = 0;
  #used = 0;
  /** Since when there is no room; -1 while there is. */
  #shutAt = -1;

  constructor(
    readonly cls: TrafficClass,
    private readonly owner: AmqpLinkTransport,
  ) {}

  get ready(): boolean {
    return this.sender?.state === 'attached' && this.receiver?.state === 'attached';
  }

  attach(session: Session): void {
    session.handler = {
      onWindow: (_session, received) => {
        if (this.pacer.onReceived(received, this.owner.now())) this.owner.onRoom(this.cls);
      },
    };
    const address = ADDRESS + this.cls;
    this.sender = session.attachSender(address, { sndSettleMode: 1, target: { type: 'target', address } });
    this.sender.handler = this;
  }

  room(): number {
    const room = this.sender?.canSend() === true ? this.pacer.room() : 0;
    if (room > 0) this.#shutAt = -1;
    else this.#shut();
    return room;
  }

  #shut(): void {
    const now = Math.floor(this.owner.now());
    if (this.#shutAt >= 0 && now - this.#shutAt < SHUT_MS_MAX) return;
    if (this.#shutAt >= 0) this.sender?.askState();
    this.#shutAt = now;
  }

  grant(): void {
    this.#used = 0;
    this.receiver?.setCredit(CREDIT);
  }

  onAttached(link: Link): void {
    if ((link.remote?.maxMessageSize ?? 0) > 0) throw damaged('a class of a link between nodes has a largest frame');
    this.owner.check();
  }

  onWritable(): void {
    this.owner.onRoom(this.cls);
  }

  onCredit(): void {
    this.owner.onRoom(this.cls);
  }

  onOutcome(): void {
    // Everything is sent settled.
  }

  onIgnored(): void {
    throw damaged('a frame between nodes resumes another');
  }

  onTransfer(link: ReceiverLink, bytes: Buffer, start: number, end: number, _id: number, flags: number): void {
    if ((flags & (TRANSFER.settled | TRANSFER.aborted)) !== TRANSFER.settled)
      throw damaged('a frame between nodes is unsettled or aborted');
    if (++this.#used * 2 > CREDIT) this.grant();
    if ((flags & TRANSFER.more) === 0 && this.#parts.length === 0) {
      this.owner.onFrame(this.cls, bytes, start, end);
      return;
    }
    this.#partBytes = (this.#parts.length === 0 ? 0 : this.#partBytes) + end - start;
    if (this.#partBytes > GATHER_BYTES_MAX) {
      link.session.connection.close({
        condition: 'amqp:link:message-size-exceeded',
        description: 'mesh frame too long',
      });
      return;
    }
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    if ((flags & TRANSFER.more) !== 0) return;
    const whole = Buffer.concat(this.#parts);
    this.#parts = [];
    this.owner.onFrame(this.cls, whole, 0, whole.length);
  }

  onDetached(): void {
    this.owner.lost('a class of the link was detached');
  }
}

/**
 * A link between two nodes as one AMQP connection: a session for each traffic class, and on it one pre-settled link in each direction.
 * Both ends attach their senders; the link is ready when all six are attached.
 */
export class AmqpLinkTransport implements LinkTransport {
  events: LinkTransportEvents | null = null;
  readonly #channels: readonly ClassChannel[] = TRAFFIC_CLASSES.map((cls) => new ClassChannel(cls, this));
  #ready = false;
  #framesIn = -1;
  #frameAt = 0;

  constructor(
    readonly connection: Connection,
    private readonly clock: () => number,
    private readonly onReady: (transport: AmqpLinkTransport) => void,
  ) {}

  now(): number {
    return this.clock();
  }

  /** The dialling side begins the sessions. */
  begin(): void {
    for (const channel of this.#channels) channel.attach(this.connection.begin());
  }

  /** A link that the peer attached. */
  onLink(link: Link): void {
    const name = link.remote?.target?.type === 'target' ? (link.remote.target.address ?? '') : '';
    const channel = this.#channels.find(({ cls }) => name === ADDRESS + cls);
    if (channel === undefined || !(link instanceof ReceiverLink) || channel.receiver !== null) {
      link.refuse({
        condition: 'amqp:not-allowed',
        description: 'links between nodes carry the three traffic classes only',
      });
      return;
    }
    channel.receiver = link;
    link.handler = channel;
    link.accept();
    if (channel.sender === null) channel.attach(link.session);
    this.check();
  }

  /** @internal */
  check(): void {
    if (this.#ready || !this.#channels.every(({ ready }) => ready)) return;
    this.#ready = true;
    this.onReady(this);
  }

  /** Frames may come from now on. */
  start(events: LinkTransportEvents): void {
    this.events = events;
    for (const channel of this.#channels) channel.grant();
  }

  send(cls: TrafficClass, head: Buffer, body: Buffer | null): void {
    const { sender, pacer } = this.#channels[cls] as ClassChannel;
    if (sender?.state !== 'attached') return;
    sender.sendPair(head, body, 0);
    pacer.onSent(head.length + (body?.length ?? 0), this.clock());
  }

  room(cls: TrafficClass): number {
    return (this.#channels[cls] as ClassChannel).room();
  }

  close(condition: string, reason: string): void {
    this.connection.close({ condition, description: reason });
  }

  /** Bytes came, a sign of life. @throws AmqpError when they end no frame for too long */
  onInbound(): void {
    const { framesIn } = this.connection;
    const now = this.clock();
    if (framesIn !== this.#framesIn) {
      this.#framesIn = framesIn;
      this.#frameAt = now;
    } else if (now - this.#frameAt > FRAME_MS_MAX)
      throw new AmqpError(CONDITION.framing, `no frame has ended for ${FRAME_MS_MAX} ms`, 'connection');
    this.events?.onInbound();
  }

  /** @internal */
  onRoom(cls: TrafficClass): void {
    this.events?.onRoom(cls);
  }

  /** @internal */
  onFrame(cls: TrafficClass, bytes: Buffer, start: number, end: number): void {
    if (start === end) throw damaged('an empty frame between nodes');
    this.events?.onFrame(cls, bytes, start, end);
  }

  /** @internal */
  lost(reason: string): void {
    if (!this.connection.closed) this.connection.close({ condition: 'amqp:connection:forced', description: reason });
  }

  /** The connection is over. */
  onClosed(reason: string): void {
    const { events } = this;
    this.events = null;
    events?.onClosed(reason);
  }
}
