import { AMQP_OUTCOME, CODE, FRAME_HEADER_BYTES, type AmqpOutcome } from './constants';
import type { Output } from './output';

/** Largest transfer performative that `writeTransfer` writes: header, list and its fields. */
export const TRANSFER_HEAD_BYTES_MAX = 64;
/** Largest disposition performative without a state's fields. */
export const DISPOSITION_BYTES_MAX = 48;
const FLOW_BYTES_MAX = 80;

/** Writes a uint in its smallest form (part 1.6.5). @returns the offset behind it */
function putUint(buffer: Buffer, at: number, value: number): number {
  if (value === 0) {
    buffer[at] = 0x43;
    return at + 1;
  }
  if (value < 256) {
    buffer[at] = 0x52;
    buffer[at + 1] = value;
    return at + 2;
  }
  buffer[at] = 0x70;
  buffer[at + 1] = value >>> 24;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 8;
  buffer[at + 4] = value;
  return at + 5;
}

function putHeader(buffer: Buffer, at: number, size: number, channel: number): void {
  buffer[at] = size >>> 24;
  buffer[at + 1] = size >>> 16;
  buffer[at + 2] = size >>> 8;
  buffer[at + 3] = size;
  buffer[at + 4] = 2;
  buffer[at + 5] = 0;
  buffer[at + 6] = channel >>> 8;
  buffer[at + 7] = channel;
}

/** Begins a list8 performative; the count and size are patched by `endList`. @returns where the fields begin */
function beginList(buffer: Buffer, at: number, code: number): number {
  const body = at + FRAME_HEADER_BYTES;
  buffer[body] = 0;
  buffer[body + 1] = 0x53;
  buffer[body + 2] = code;
  buffer[body + 3] = 0xc0;
  return body + 6;
}

function endList(buffer: Buffer, at: number, end: number, count: number): void {
  const body = at + FRAME_HEADER_BYTES;
  buffer[body + 4] = end - body - 5;
  buffer[body + 5] = count;
}

/**
 * Writes header and performative of a transfer frame (part 2.7.5); the payload of `payloadBytes` follows.
 * The first frame of a delivery carries its id and tag; the delivery-tag is the id's four bytes.
 */
export function writeTransfer(
  output: Output,
  channel: number,
  handle: number,
  deliveryId: number,
  first: boolean,
  settled: boolean,
  more: boolean,
  aborted: boolean,
  messageFormat: number,
  payloadBytes: number,
): void {
  const start = output.reserve(TRANSFER_HEAD_BYTES_MAX);
  const { buffer } = output;
  let at = putUint(buffer, beginList(buffer, start, CODE.transfer), handle);
  let count = 6;
  if (first) {
    at = putUint(buffer, at, deliveryId);
    buffer[at] = 0xa0;
    buffer[at + 1] = 4;
    buffer[at + 2] = deliveryId >>> 24;
    buffer[at + 3] = deliveryId >>> 16;
    buffer[at + 4] = deliveryId >>> 8;
    buffer[at + 5] = deliveryId;
    at = putUint(buffer, at + 6, messageFormat);
    buffer[at++] = settled ? 0x41 : 0x42;
  } else {
    for (let field = 0; field < 4; field++) buffer[at++] = 0x40;
  }
  buffer[at++] = more ? 0x41 : 0x42;
  if (aborted) {
    for (let field = 0; field < 3; field++) buffer[at++] = 0x40;
    buffer[at++] = 0x41;
    count = 10;
  }
  endList(buffer, start, at, count);
  putHeader(buffer, start, at - start + payloadBytes, channel);
  output.commit(at);
}

const OUTCOME_CODE: Readonly<Record<number, number>> = {
  [AMQP_OUTCOME.accepted]: CODE.accepted,
  [AMQP_OUTCOME.rejected]: CODE.rejected,
  [AMQP_OUTCOME.released]: CODE.released,
  [AMQP_OUTCOME.modified]: CODE.modified,
};

/** Writes a disposition frame for a range (part 2.7.6) with an outcome that has no fields; null for settlement alone. */
export function writeDisposition(
  output: Output,
  channel: number,
  receiver: boolean,
  first: number,
  last: number,
  settled: boolean,
  outcome: AmqpOutcome | null,
): void {
  const start = output.reserve(DISPOSITION_BYTES_MAX);
  const { buffer } = output;
  let at = beginList(buffer, start, CODE.disposition);
  buffer[at++] = receiver ? 0x41 : 0x42;
  at = putUint(buffer, at, first);
  at = putUint(buffer, at, last);
  buffer[at++] = settled ? 0x41 : 0x42;
  if (outcome !== null) {
    buffer[at++] = 0;
    buffer[at++] = 0x53;
    buffer[at++] = OUTCOME_CODE[outcome] as number;
    buffer[at++] = 0x45;
  }
  endList(buffer, start, at, outcome === null ? 4 : 5);
  putHeader(buffer, start, at - start, channel);
  output.commit(at);
}

/** Writes a disposition frame of a receiver for one delivery with an encoded state of any length. */
export function writeDispositionDetail(
  output: Output,
  channel: number,
  deliveryId: number,
  settled: boolean,
  state: Buffer,
): void {
  const start = output.reserve(DISPOSITION_BYTES_MAX);
  const { buffer } = output;
  const body = start + FRAME_HEADER_BYTES;
  buffer[body] = 0;
  buffer[body + 1] = 0x53;
  buffer[body + 2] = CODE.disposition;
  buffer[body + 3] = 0xd0;
  let at = body + 12;
  buffer[at++] = 0x41;
  at = putUint(buffer, at, deliveryId);
  at = putUint(buffer, at, deliveryId);
  buffer[at++] = settled ? 0x41 : 0x42;
  buffer.writeUInt32BE(at - body - 8 + state.length, body + 4);
  buffer.writeUInt32BE(5, body + 8);
  putHeader(buffer, start, at - start + state.length, channel);
  output.commit(at);
  output.copy(state, 0, state.length);
}

/** A link's part of a flow frame (part 2.7.4). */
export interface LinkFlow {
  handle: number;
  deliveryCount: number;
  credit: number;
  available: number;
  drain: boolean;
  /** Asks the peer for its own flow. */
  echo: boolean;
}

/** Reused by every link's flow: written out before the next one is. */
export const LINK_FLOW: LinkFlow = { handle: 0, deliveryCount: 0, credit: 0, available: 0, drain: false, echo: false };

/** Writes a flow frame; `link` null makes it the session's alone. */
export function writeFlow(
  output: Output,
  channel: number,
  nextIncomingId: number,
  incomingWindow: number,
  nextOutgoingId: number,
  outgoingWindow: number,
  link: LinkFlow | null,
): void {
  const start = output.reserve(FLOW_BYTES_MAX);
  const { buffer } = output;
  let at = beginList(buffer, start, CODE.flow);
  if (nextIncomingId < 0) buffer[at++] = 0x40;
  else at = putUint(buffer, at, nextIncomingId);
  at = putUint(buffer, at, incomingWindow);
  at = putUint(buffer, at, nextOutgoingId);
  at = putUint(buffer, at, outgoingWindow);
  let count = 4;
  if (link !== null) {
    at = putUint(buffer, at, link.handle);
    at = putUint(buffer, at, link.deliveryCount);
    at = putUint(buffer, at, link.credit);
    at = putUint(buffer, at, link.available);
    buffer[at++] = link.drain ? 0x41 : 0x42;
    buffer[at++] = link.echo ? 0x41 : 0x42;
    count = 10;
  }
  endList(buffer, start, at, count);
  putHeader(buffer, start, at - start, channel);
  output.commit(at);
}
