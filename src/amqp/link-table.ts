import type { Attach, AmqpErrorFields, Detach } from './codec/types';
import { CONDITION } from './constants';
import { AmqpError } from './errors';
import type { Link } from './link';
import { ReceiverLink } from './receiver-link';
import { SenderLink } from './sender-link';
import type { Session } from './session';

/** Refused links beyond the bound that may wait for the peer's detach before the session is ended. */
const REFUSED_MAX = 1_024;

/** Links of one session by the handle of either end (part 2.6.2); handles are used again after both ends have detached. */
export class LinkTable {
  /** The highest handle that the peer takes. */
  remoteHandleMax = 0xffff_ffff;
  readonly #byLocal: (Link | null)[] = [];
  readonly #byRemote: (Link | null)[] = [];
  readonly #freeHandles: number[] = [];
  /** Links of ours that the peer has not answered, by role and name. */
  readonly #asked = new Map<string, Link>();

  constructor(
    private readonly session: Session,
    private readonly handleMax: number,
  ) {}

  /** The link of this end's handle, which is known to send. */
  sending(handle: number): SenderLink {
    return this.#byLocal[handle] as SenderLink;
  }

  /** The link of this end's handle, which is known to receive. */
  receiving(handle: number): ReceiverLink {
    return this.#byLocal[handle] as ReceiverLink;
  }

  /** The link of a handle of the peer's. @throws AmqpError when there is none */
  ofRemote(handle: number, frame: string): Link {
    const link = this.#byRemote[handle];
    if (link) return link;
    const text = `${frame} on handle ${handle}, which is not attached`;
    throw new AmqpError(CONDITION.unattachedHandle, text, 'session');
  }

  // --- attach --------------------------------------------------------------------------------------------------------------

  /** A link that this end attaches. @throws AmqpError when no handle is left, or the name is being attached */
  attach(name: string, sender: boolean): SenderLink | ReceiverLink {
    const key = keyOf(name, sender);
    if (this.#asked.has(key)) throw new AmqpError(CONDITION.notAllowed, `${name} is being attached`, 'link');
    const link = this.#create(name, sender, true);
    this.#asked.set(key, link);
    return link;
  }

  #create(name: string, sender: boolean, initiator: boolean): SenderLink | ReceiverLink {
    const { session } = this;
    const handle = this.#freeHandles.pop() ?? this.#byLocal.length;
    if (handle > Math.min(this.remoteHandleMax, this.handleMax))
      throw new AmqpError(CONDITION.limit, `no handle left: the session allows ${handle} links`, 'session');
    const link = sender
      ? new SenderLink(session, name, handle, initiator)
      : new ReceiverLink(session, name, handle, initiator);
    this.#byLocal[handle] = link;
    session.connection.linkCount++;
    return link;
  }

  onAttach(attach: Attach): void {
    const { handle } = attach;
    if (handle > this.handleMax)
      throw new AmqpError(CONDITION.framing, `handle ${handle}, expected at most ${this.handleMax}`, 'connection');
    if (this.#byRemote[handle])
      throw new AmqpError(CONDITION.handleInUse, `handle ${handle} is attached already`, 'session');
    const sender = attach.role === 'receiver';
    const key = keyOf(attach.name, sender);
    const asked = this.#asked.get(key);
    this.#asked.delete(key);
    const link = asked ?? this.#create(attach.name, sender, false);
    link.remoteHandle = handle;
    this.#byRemote[handle] = link;
    link.onRemoteAttach(attach);
    if (asked === undefined) this.#admit(link);
  }

  /** A link that the peer attached: the application answers. */
  #admit(link: Link): void {
    const { connection } = this.session;
    const excess = connection.linkCount - connection.linksMax;
    if (excess > REFUSED_MAX)
      throw new AmqpError(CONDITION.limit, `more than ${connection.linksMax} links on one connection`, 'session');
    if (excess > 0) {
      const description = `more than ${connection.linksMax} links on one connection`;
      link.refuse({ condition: CONDITION.limit, description });
      return;
    }
    if (!isLookup(link)) this.#takeName(link);
    connection.handler.onLink(link);
  }

  #takeName(link: Link): void {
    const former = this.session.connection.names.claim(link);
    if (former !== null)
      former.detach({ condition: CONDITION.stolen, description: 'another link has attached by this name' }, false);
  }

  // --- detach --------------------------------------------------------------------------------------------------------------

  /** This end has detached a link: it is over for the application; its handles are free when the peer has detached too. */
  detaching(link: Link, error: AmqpErrorFields | null, closed: boolean): void {
    this.#over(link, error, closed);
  }

  onDetach(detach: Detach): void {
    const link = this.ofRemote(detach.handle, 'detach');
    this.#byRemote[detach.handle] = null;
    if (link.state === 'detaching') {
      this.#free(link);
      link.onDetachAnswered(detach.error);
      return;
    }
    this.session.flushDispositions();
    if (detach.closed && link.closesLater) link.beginClosing();
    else {
      link.answerDetach(detach.closed);
      this.#free(link);
    }
    this.#over(link, detach.error, detach.closed);
  }

  /** The application answers a link that the peer has closed. */
  closed(link: Link, error: AmqpErrorFields | null): void {
    this.session.sendPerformative({ type: 'detach', handle: link.handle, closed: true, error });
    this.#free(link);
  }

  /** Both ends have detached. */
  #free(link: Link): void {
    this.#byLocal[link.handle] = null;
    this.#freeHandles.push(link.handle);
    this.session.connection.linkCount--;
    link.state = 'detached';
    if (link instanceof SenderLink) this.session.dispositions.freed(link);
  }

  #over(link: Link, error: AmqpErrorFields | null, closed: boolean): void {
    this.session.letGo(link);
    this.session.connection.names.release(link);
    link.onGone(error, closed);
  }

  /** The session is over. */
  drop(error: AmqpErrorFields | null): void {
    const { connection } = this.session;
    const links = this.#byLocal.splice(0);
    this.#byRemote.length = 0;
    this.#freeHandles.length = 0;
    this.#asked.clear();
    for (const link of links) {
      if (link === null) continue;
      connection.linkCount--;
      const told = link.isOver;
      link.state = 'detached';
      if (told) continue;
      connection.names.release(link);
      link.onGone(error, false);
    }
  }
}

/** A receiver that asks what there is by a name (part 2.6.3) takes it from nobody. */
function isLookup(link: Link): boolean {
  return link.sender && link.remote?.source === null;
}

function keyOf(name: string, sender: boolean): string {
  return (sender ? '<' : '>') + name;
}
