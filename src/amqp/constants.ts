/** Descriptor codes of the performatives (AMQP 1.0 part 2.7) and delivery states (part 3.4). */
export const CODE = {
  open: 0x10,
  begin: 0x11,
  attach: 0x12,
  flow: 0x13,
  transfer: 0x14,
  disposition: 0x15,
  detach: 0x16,
  end: 0x17,
  close: 0x18,
  received: 0x23,
  accepted: 0x24,
  rejected: 0x25,
  released: 0x26,
  modified: 0x27,
  declare: 0x31,
  discharge: 0x32,
  declared: 0x33,
  transactional: 0x34,
} as const;

/** Symbolic descriptors of the performatives that are parsed in place; nearly nobody sends them. */
export const SYMBOLIC_CODE: ReadonlyMap<string, number> = new Map([
  ['amqp:flow:list', CODE.flow],
  ['amqp:transfer:list', CODE.transfer],
  ['amqp:disposition:list', CODE.disposition],
]);

/** Delivery outcomes as small integers; the order is that of the mesh's own outcomes. */
export const AMQP_OUTCOME = {
  accepted: 0,
  rejected: 1,
  released: 2,
  modified: 3,
  received: 4,
  /** An outcome within a transaction (part 4.5.8). */
  transactional: 5,
  /** That of an extension, or one that only a coordinator tells. */
  other: 6,
} as const;
export type AmqpOutcome = (typeof AMQP_OUTCOME)[keyof typeof AMQP_OUTCOME];

/** Bits given with each received transfer frame; `resume` and `settleFirst` stay within the engine. */
export const TRANSFER = { first: 1, more: 2, aborted: 4, settled: 8, resume: 16, settleFirst: 32 } as const;

/** Standard error conditions (part 2.8.14 to 2.8.18). */
export const CONDITION = {
  internal: 'amqp:internal-error',
  notFound: 'amqp:not-found',
  unauthorized: 'amqp:unauthorized-access',
  decode: 'amqp:decode-error',
  limit: 'amqp:resource-limit-exceeded',
  notAllowed: 'amqp:not-allowed',
  invalidField: 'amqp:invalid-field',
  notImplemented: 'amqp:not-implemented',
  illegalState: 'amqp:illegal-state',
  frameTooSmall: 'amqp:frame-size-too-small',
  forced: 'amqp:connection:forced',
  framing: 'amqp:connection:framing-error',
  window: 'amqp:session:window-violation',
  errantLink: 'amqp:session:errant-link',
  handleInUse: 'amqp:session:handle-in-use',
  unattachedHandle: 'amqp:session:unattached-handle',
  detachForced: 'amqp:link:detach-forced',
  transferLimit: 'amqp:link:transfer-limit-exceeded',
  messageSize: 'amqp:link:message-size-exceeded',
  stolen: 'amqp:link:stolen',
  transactionUnknown: 'amqp:transaction:unknown-id',
  transactionRollback: 'amqp:transaction:rollback',
  transactionTimeout: 'amqp:transaction:timeout',
} as const;

/** Smallest max-frame-size a peer may ask for (part 2.4.1). */
export const FRAME_BYTES_MIN = 512;
export const FRAME_HEADER_BYTES = 8;
export const FRAME_TYPE = { amqp: 0, sasl: 1 } as const;

/** Bounds of the engine; each can be lowered or raised by the options of a connection. */
export const ENGINE_LIMITS = {
  /** Our max-frame-size: a turn's worth of one reader, and what one peer may make us hold unparsed. */
  frameBytesMax: 64 * 1024,
  /** Frames of ours are never longer, whatever the peer would take. */
  frameBytesSentMax: 128 * 1024,
  /** Sessions of one connection. */
  channelMax: 255,
  /** Links of one session. */
  handleMax: 16_383,
  /** Links of all sessions of one connection: each costs a few KiB here and in the layers above. */
  linksMax: 16_384,
  /** Frames a peer may send on a session before we say that we took them. */
  incomingWindow: 2_048,
  /** Unsent bytes past which links of a connection get no more to send. */
  outboundBytesMax: 1024 * 1024,
  /** Unsent bytes beside those: answers to a peer that asks and does not read. Past it its socket is not read. */
  answerBytesMax: 1024 * 1024,
  /** From the first byte to the remote open. */
  handshakeMs: 5_000,
  /** Unsettled deliveries kept in the ring; older ones move to a map. */
  ringMax: 65_536,
  /** Unsettled outgoing deliveries of one connection; past it its links send no more. */
  unsettledMax: 131_072,
  /** Deliveries of one session whose outcome was told and not settled by the peer; past it its window stays shut. */
  toldMax: 16_384,
  /** A peer that wants to hear of us more often than this is refused (part 2.4.5). */
  idleTimeOutMsMin: 20,
  /** Bytes that came behind a SASL step whose answer is not known yet. */
  backlogBytesMax: 512 * 1024,
  /** Largest SASL frame (part 5.3.1 asks for 512; tokens are longer). */
  saslFrameBytesMax: 8_192,
  /** How long a closed connection waits for the peer's close. */
  closeMs: 1_000,
} as const;

/** `a - b` in serial number arithmetic (RFC 1982, 32 bits). */
export function serialDifference(a: number, b: number): number {
  return (a - b) | 0;
}
