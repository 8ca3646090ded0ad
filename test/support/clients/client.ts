import type { Arrivals } from './inbox';

/** The foreign clients that tests put at the ends of a mesh. */
export type ClientName = 'rhea' | 'proton';

export const SND = { unsettled: 0, settled: 1, mixed: 2 } as const;
export const RCV = { first: 0, second: 1 } as const;
export type SndMode = (typeof SND)[keyof typeof SND];
export type RcvMode = (typeof RCV)[keyof typeof RCV];

export interface ConnectOptions {
  /** Default: one of its own. */
  readonly container?: string;
  /** The client's own reconnect; without it a lost connection stays lost. */
  readonly reconnect?: boolean;
}

export interface LinkOptions {
  /** Null is the anonymous relay; a dynamic terminus has none. */
  readonly address?: string | null;
  readonly name?: string;
  readonly snd?: SndMode;
  readonly rcv?: RcvMode;
  readonly capabilities?: readonly string[];
  readonly dynamic?: boolean;
}

export interface ReceiverOptions extends LinkOptions {
  /** Credit that the client keeps up by itself. Default: 100. With 0 the test gives it by `flow`. */
  readonly prefetch?: number;
  /** The client accepts by itself. Default: the test answers. */
  readonly autoAccept?: boolean;
  /** A JMS selector, as a filter of the source. */
  readonly selector?: string;
  /** Not what the client's own container has sent. */
  readonly noLocal?: boolean;
  /** A terminus that never expires: a durable subscription, whose name is the link's. */
  readonly durable?: boolean;
  /** Distribution mode `copy`: it looks, and leaves what it sees. */
  readonly browse?: boolean;
}

export type State = 'accepted' | 'rejected' | 'released' | 'modified';

export interface ErrorTold {
  readonly condition: string;
  readonly description: string | undefined;
  readonly info: Readonly<Record<string, unknown>>;
}

/** A link, session or connection was refused or ended by the node. */
export class ClientError extends Error {
  constructor(
    what: string,
    readonly told: ErrorTold | null,
  ) {
    super(`${what}: ${told ? `${told.condition}: ${told.description ?? ''}` : 'without an error'}`);
  }
}

export interface Outcome {
  /** `sent`: it was sent settled. `unknown`: the connection or link was lost first. `none`: settled without a state. */
  readonly state: State | 'sent' | 'unknown' | 'none';
  readonly settled: boolean;
  readonly error: ErrorTold | null;
  readonly failed: boolean;
  readonly undeliverable: boolean;
  readonly annotations: Readonly<Record<string, unknown>> | null;
}

export interface Modification {
  readonly failed?: boolean;
  readonly undeliverable?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Delivery {
  /** The encoded message as it came. */
  readonly payload: Buffer;
  /** It was sent settled: nobody waits for an answer. */
  readonly settled: boolean;
  accept(): void;
  release(): void;
  reject(error?: {
    readonly condition: string;
    readonly description?: string;
    readonly info?: Record<string, string>;
  }): void;
  modify(how: Modification): void;
  /** Resolves when the node has settled an answer that did not settle (mode second). */
  readonly settledByNode: Promise<void>;
}

export interface ClientLink {
  readonly name: string;
  /** What the node says; for a dynamic terminus its new address. */
  readonly address: string | null;
  /** The modes that the node agreed to. */
  readonly snd: number;
  readonly rcv: number;
  /** Each time that the client's own reconnect has attached the link again. */
  readonly reopened: Arrivals<true>;
  /** Resolves when the link ends, with what the node said. */
  readonly closed: Promise<ErrorTold | null>;
  /** Ends the link. */
  close(): Promise<void>;
  /** Suspends the link: its name stays. */
  detach(): Promise<void>;
}

export interface ClientSender extends ClientLink {
  /** Credit that the node has given and that is not used yet. */
  readonly credit: number;
  /** Sends an encoded message as soon as there is credit; resolves with its outcome. */
  send(payload: Buffer, how?: { readonly settled?: boolean }): Promise<Outcome>;
}

export interface ClientReceiver extends ClientLink {
  readonly inbox: Arrivals<Delivery>;
  flow(credit: number): void;
  /** Asks the node to use the credit or give it back; resolves when it has. */
  drain(): Promise<void>;
}

export interface ClientConnection {
  /** `disconnected` and `reconnected`, in order, and how the node closed. */
  readonly events: Arrivals<ConnectionEvent>;
  /** @throws ClientError when the node refuses */
  openSender(options: LinkOptions): Promise<ClientSender>;
  openReceiver(options: ReceiverOptions): Promise<ClientReceiver>;
  close(): Promise<void>;
}

export interface ConnectionEvent {
  readonly kind: 'disconnected' | 'reconnected' | 'closed';
  readonly error: ErrorTold | null;
}

export interface Client {
  readonly name: ClientName;
  connect(port: number, options?: ConnectOptions): Promise<ClientConnection>;
  /** Closes all connections. */
  close(): Promise<void>;
  /** Ends without a word to any node. */
  kill(): Promise<void>;
}
