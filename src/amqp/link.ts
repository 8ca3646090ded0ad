import type { Attach, AmqpErrorFields, Coordinator, Source, Target } from './codec/types';
import type { AmqpMap } from './codec/values';
import { AmqpError } from './errors';
import type { Session } from './session';

/** `closing`: the peer has closed it, and the application owes the answer. */
export type LinkState = 'attaching' | 'attached' | 'detaching' | 'closing' | 'detached';

/** What an application says when it attaches or answers an attach; absent fields take the specification's defaults. */
export interface AttachOptions {
  readonly source?: Source | null;
  readonly target?: Target | Coordinator | null;
  readonly sndSettleMode?: 0 | 1 | 2;
  readonly rcvSettleMode?: 0 | 1;
  /** Receivers only: larger messages are refused with `amqp:link:message-size-exceeded`; 0 or absent for no limit. */
  readonly maxMessageSize?: number;
  readonly offeredCapabilities?: readonly string[];
  readonly desiredCapabilities?: readonly string[];
  readonly properties?: AmqpMap | null;
}

/** What both kinds of link share: names, handles, the attach exchange and its end (part 2.6). */
export abstract class Link {
  state: LinkState = 'attaching';
  /** The peer's attach; null until it came. */
  remote: Attach | null = null;
  /** The peer's handle, or -1. */
  remoteHandle = -1;
  /** Free for the application. */
  context: unknown = null;
  sndSettleMode: 0 | 1 | 2 = 2;
  rcvSettleMode: 0 | 1 = 0;
  maxMessageSize = 0;
  /** That the peer closes it is answered by the application: {@link closed}. To detach alone is answered at once. */
  closesLater = false;

  protected constructor(
    readonly session: Session,
    readonly name: string,
    /** This end's handle. */
    readonly handle: number,
    /** True when this end sends. */
    readonly sender: boolean,
    /** True when this end attached first. */
    readonly initiator: boolean,
  ) {}

  /** Answers the peer's attach. Modes not given follow what the peer asked for. */
  accept(options: AttachOptions = {}): void {
    if (this.state !== 'attaching' || this.initiator) return;
    this.sendAttach(options);
    this.state = 'attached';
    this.remote = slim(this.remote as Attach);
    this.onAccepted();
  }

  /** Refuses the peer's attach (part 2.6.3): an attach with no terminus, then a closing detach with the error. */
  refuse(error: AmqpErrorFields): void {
    if (this.state !== 'attaching' || this.initiator) return;
    this.detach(error, true);
  }

  /** @internal */
  sendAttach(options: AttachOptions): void {
    const remote = this.remote;
    this.sndSettleMode = options.sndSettleMode ?? remote?.sndSettleMode ?? 2;
    this.rcvSettleMode = options.rcvSettleMode ?? remote?.rcvSettleMode ?? 0;
    this.maxMessageSize = options.maxMessageSize ?? 0;
    this.session.sendPerformative({
      type: 'attach',
      name: this.name,
      handle: this.handle,
      role: this.sender ? 'sender' : 'receiver',
      sndSettleMode: this.sndSettleMode,
      rcvSettleMode: this.rcvSettleMode,
      source: options.source === undefined ? (remote?.source ?? null) : options.source,
      target: options.target === undefined ? (remote?.target ?? null) : options.target,
      // Nothing outlives a detach here, so nothing is unsettled when a link resumes by its name (part 2.6.13).
      unsettled: null,
      incompleteUnsettled: false,
      initialDeliveryCount: this.sender ? 0 : null,
      maxMessageSize: this.maxMessageSize === 0 ? null : this.maxMessageSize,
      offeredCapabilities: [...(options.offeredCapabilities ?? [])],
      desiredCapabilities: [...(options.desiredCapabilities ?? [])],
      properties: options.properties ?? null,
    });
  }

  /**
   * Begins to detach; `closed` destroys the link, otherwise the peer may reattach it by its name. The application is told
   * `onDetached` within the call; the handle is free when the peer has detached too.
   */
  detach(error: AmqpErrorFields | null = null, closed = true): void {
    if (this.isOver) return;
    this.#attachForDetach();
    this.state = 'detaching';
    this.session.sendPerformative({ type: 'detach', handle: this.handle, closed, error });
    this.session.links.detaching(this, error, closed);
  }

  /** Neither end sends on it any more. */
  get isOver(): boolean {
    return this.state === 'detaching' || this.state === 'closing' || this.state === 'detached';
  }

  /** Only an attached link can be detached: this end's attach has no terminus then (part 2.6.3). */
  #attachForDetach(): void {
    if (this.state === 'attaching' && !this.initiator)
      this.sendAttach(this.sender ? { source: null } : { target: null });
  }

  /** Answers the peer that has closed a link which `closesLater`. @param error why that for which the link stands has not ended with it */
  closed(error: AmqpErrorFields | null): void {
    if (this.state === 'closing') this.session.links.closed(this, error);
  }

  /** @internal The peer broke the protocol on this link, which ends it and nothing wider. */
  fail(condition: string, description: string): void {
    if (this.isOver) return;
    const { connection } = this.session;
    connection.handler.onProtocolError?.(connection, new AmqpError(condition, description, 'link'));
    this.detach({ condition, description }, true);
  }

  /** @internal The peer detached a link that this end may not even have answered. */
  answerDetach(closed: boolean): void {
    this.#attachForDetach();
    this.session.sendPerformative({ type: 'detach', handle: this.handle, closed, error: null });
  }

  /** @internal The peer closed it, and is answered later. */
  beginClosing(): void {
    this.#attachForDetach();
    this.state = 'closing';
  }

  /** @internal This end's attach has answered the peer's. */
  protected abstract onAccepted(): void;
  /** @internal The peer attached. */
  abstract onRemoteAttach(attach: Attach): void;
  /** @internal The link is gone, by whichever side. */
  abstract onGone(error: AmqpErrorFields | null, closed: boolean): void;
  /** @internal The peer has answered this end's detach. */
  onDetachAnswered(_error: AmqpErrorFields | null): void {
    // Only the receiver of a subscription that it ends has something to hear by that.
  }
  /** @internal */
  abstract onFlow(deliveryCount: number, credit: number, available: number, drain: boolean, echo: boolean): void;
  /** @internal A flow that came before this end has answered the peer's attach. */
  onEarlyFlow(..._flow: Parameters<Link['onFlow']>): void {
    // A sending peer has nothing to say before the answer that this end would need later.
  }
}

/** What a link goes on needing of the peer's attach: maps of any size are not kept for its life. */
export function slim(attach: Attach): Attach {
  const { source, target } = attach;
  return {
    ...attach,
    unsettled: null,
    properties: null,
    source: source === null ? null : { ...source, filter: null, dynamicNodeProperties: null },
    target: target?.type === 'target' ? { ...target, dynamicNodeProperties: null } : target,
  };
}
