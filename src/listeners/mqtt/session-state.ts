/** A message that a client was sent and has not let go of. */
export interface OpenDelivery {
  readonly packetId: number;
  /** As in `PHASE`. */
  readonly phase: number;
  /** Of its topic and payload: by that it is known when it comes again. */
  readonly hash: number;
}

/** What of a session is neither subscriptions nor messages (4.1): it follows the client wherever it comes back. */
export interface SessionState {
  /** Packet ids of messages of QoS 2 that were accepted, and that the client has not released. */
  readonly received: readonly number[];
  readonly open: readonly OpenDelivery[];
}

const FORM = 1;
const HEAD_BYTES = 5;
const OPEN_BYTES = 7;

export function encodeState({ received, open }: SessionState): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + 2 * received.length + OPEN_BYTES * open.length);
  let at = bytes.writeUInt8(FORM, 0);
  at = bytes.writeUInt16BE(received.length, at);
  for (const id of received) at = bytes.writeUInt16BE(id, at);
  at = bytes.writeUInt16BE(open.length, at);
  for (const { packetId, phase, hash } of open) {
    at = bytes.writeUInt16BE(packetId, at);
    at = bytes.writeUInt8(phase, at);
    at = bytes.writeUInt32BE(hash, at);
  }
  return bytes;
}

const NOTHING: SessionState = { received: [], open: [] };

/** What another version wrote in a form that is not known here is nothing: messages may come twice then. */
export function decodeState(bytes: Buffer): SessionState {
  if (bytes.length < HEAD_BYTES || bytes[0] !== FORM) return NOTHING;
  const received: number[] = [];
  const open: OpenDelivery[] = [];
  let at = 1;
  const ids = bytes.readUInt16BE(at);
  at += 2;
  if (at + 2 * ids + 2 > bytes.length) return NOTHING;
  for (let left = ids; left > 0; left--, at += 2) received.push(bytes.readUInt16BE(at));
  const count = bytes.readUInt16BE(at);
  at += 2;
  if (at + OPEN_BYTES * count > bytes.length) return NOTHING;
  for (let left = count; left > 0; left--, at += OPEN_BYTES)
    open.push({ packetId: bytes.readUInt16BE(at), phase: bytes[at + 2] as number, hash: bytes.readUInt32BE(at + 3) });
  return { received, open };
}
