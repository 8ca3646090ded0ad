import type { AmqpDescribed, AmqpMap, AmqpValue } from './values';

/** An error as told to a peer or by it (part 2.8.14). */
export interface AmqpErrorFields {
  readonly condition: string;
  readonly description?: string | undefined;
  readonly info?: AmqpMap | undefined;
}

export type TerminusDurability = 0 | 1 | 2;
export type ExpiryPolicy = 'link-detach' | 'session-end' | 'connection-close' | 'never';

/** Where a link takes messages from (part 3.5.3); absent fields take the specification's defaults. */
export interface Source {
  readonly type: 'source';
  readonly address?: string | null;
  readonly durable?: TerminusDurability;
  readonly expiryPolicy?: ExpiryPolicy;
  /** Seconds. */
  readonly timeout?: number;
  readonly dynamic?: boolean;
  readonly dynamicNodeProperties?: AmqpMap | null;
  readonly distributionMode?: string | null;
  readonly filter?: AmqpMap | null;
  readonly defaultOutcome?: DeliveryState | null;
  readonly outcomes?: readonly string[];
  readonly capabilities?: readonly string[];
}

/** Where a link brings messages to (part 3.5.4). */
export interface Target {
  readonly type: 'target';
  readonly address?: string | null;
  readonly durable?: TerminusDurability;
  readonly expiryPolicy?: ExpiryPolicy;
  /** Seconds. */
  readonly timeout?: number;
  readonly dynamic?: boolean;
  readonly dynamicNodeProperties?: AmqpMap | null;
  readonly capabilities?: readonly string[];
}

/** The target of a link that controls transactions (part 4.5.1). */
export interface Coordinator {
  readonly type: 'coordinator';
  readonly capabilities?: readonly string[];
}

/** States of a delivery (part 3.4, 4.5.5, 4.5.8); `other` is one of an extension. */
export type DeliveryState =
  | OutcomeState
  | { readonly type: 'received'; readonly sectionNumber: number; readonly sectionOffset: number }
  /** A coordinator has begun a transaction. */
  | { readonly type: 'declared'; readonly txnId: Buffer }
  | TransactionalState
  | { readonly type: 'other'; readonly value: AmqpDescribed };

/** A state within a transaction: of a transfer without an outcome, of a disposition with one. */
export interface TransactionalState {
  readonly type: 'transactional';
  readonly txnId: Buffer;
  readonly outcome: OutcomeState | null;
}

/** What becomes of a delivery. */
export type OutcomeState =
  | { readonly type: 'accepted' }
  | { readonly type: 'rejected'; readonly error: AmqpErrorFields | null }
  | { readonly type: 'released' }
  | {
      readonly type: 'modified';
      readonly deliveryFailed: boolean;
      readonly undeliverableHere: boolean;
      readonly messageAnnotations: AmqpMap | null;
    };

export interface Open {
  readonly type: 'open';
  readonly containerId: string;
  readonly hostname: string | null;
  /** 4294967295 when absent. */
  readonly maxFrameSize: number;
  /** 65535 when absent. */
  readonly channelMax: number;
  /** ms; 0 when absent. */
  readonly idleTimeOut: number;
  readonly offeredCapabilities: readonly string[];
  readonly desiredCapabilities: readonly string[];
  readonly properties: AmqpMap | null;
}

export interface Begin {
  readonly type: 'begin';
  readonly remoteChannel: number | null;
  readonly nextOutgoingId: number;
  readonly incomingWindow: number;
  readonly outgoingWindow: number;
  /** 4294967295 when absent. */
  readonly handleMax: number;
  readonly offeredCapabilities: readonly string[];
  readonly desiredCapabilities: readonly string[];
  readonly properties: AmqpMap | null;
}

export interface Attach {
  readonly type: 'attach';
  readonly name: string;
  readonly handle: number;
  readonly role: 'sender' | 'receiver';
  readonly sndSettleMode: 0 | 1 | 2;
  readonly rcvSettleMode: 0 | 1;
  readonly source: Source | null;
  readonly target: Target | Coordinator | null;
  readonly unsettled: AmqpMap | null;
  readonly incompleteUnsettled: boolean;
  readonly initialDeliveryCount: number | null;
  /** Null or 0 for no limit. Larger than 2^53 - 1 is read as no limit. */
  readonly maxMessageSize: number | null;
  readonly offeredCapabilities: readonly string[];
  readonly desiredCapabilities: readonly string[];
  readonly properties: AmqpMap | null;
}

export interface Detach {
  readonly type: 'detach';
  readonly handle: number;
  readonly closed: boolean;
  readonly error: AmqpErrorFields | null;
}

export interface End {
  readonly type: 'end';
  readonly error: AmqpErrorFields | null;
}

export interface Close {
  readonly type: 'close';
  readonly error: AmqpErrorFields | null;
}

/** The performatives that are not on the hot path; flow, transfer and disposition are read and written in place elsewhere. */
export type Performative = Open | Begin | Attach | Detach | End | Close;

export interface SaslMechanisms {
  readonly type: 'sasl-mechanisms';
  readonly mechanisms: readonly string[];
}
export interface SaslInit {
  readonly type: 'sasl-init';
  readonly mechanism: string;
  readonly initialResponse: Buffer | null;
  readonly hostname: string | null;
}
export interface SaslChallenge {
  readonly type: 'sasl-challenge';
  readonly challenge: Buffer;
}
export interface SaslResponse {
  readonly type: 'sasl-response';
  readonly response: Buffer;
}
export interface SaslOutcome {
  readonly type: 'sasl-outcome';
  /** 0 ok, 1 auth, 2 sys, 3 sys-perm, 4 sys-temp (part 5.3.3.6). */
  readonly code: 0 | 1 | 2 | 3 | 4;
  readonly additionalData: Buffer | null;
}
export type SaslPerformative = SaslMechanisms | SaslInit | SaslChallenge | SaslResponse | SaslOutcome;

export type { AmqpMap, AmqpValue };
