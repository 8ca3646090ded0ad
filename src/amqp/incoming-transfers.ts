import { decodeDeliveryState } from './codec/delivery-states';
import { CODE, CONDITION, TRANSFER } from './constants';
import type { Cursor } from './cursor';
import { AmqpError } from './errors';
import type { Link } from './link';
import type { LinkTable } from './link-table';
import type { ReceiverLink } from './receiver-link';

const DELIVERY_TAG_BYTES_MAX = 32;

/** Reads transfer frames in place and hands them to their links (part 2.7.5). */
export class IncomingTransfers {
  /** Delivery-ids of a session count up by one, from any first. */
  #nextDelivery = -1;

  constructor(private readonly links: LinkTable) {}

  /** `cursor` stands behind the list's head; the payload follows the list until `end`. @throws AmqpError */
  onTransfer(cursor: Cursor, bytes: Buffer, end: number): void {
    const handle = cursor.uintRequired('handle');
    const id = cursor.uint('delivery-id', -1);
    if (cursor.binary('delivery-tag') && cursor.spanEnd - cursor.spanStart > DELIVERY_TAG_BYTES_MAX)
      throw new AmqpError(CONDITION.invalidField, 'delivery-tag of more than 32 bytes', 'session');
    const messageFormat = cursor.uint('message-format', 0);
    let flags = cursor.boolean('settled', false) ? TRANSFER.settled : 0;
    if (cursor.boolean('more', false)) flags |= TRANSFER.more;
    const settleMode = cursor.ubyte('rcv-settle-mode', -1);
    const txnId = cursor.value() ? transactionOf(bytes, cursor.spanStart, cursor.spanEnd) : null;
    if (cursor.boolean('resume', false)) flags |= TRANSFER.resume;
    if (cursor.boolean('aborted', false)) flags |= TRANSFER.aborted;
    if (settleMode === 0) flags |= TRANSFER.settleFirst;
    const link = receiverOf(this.links.ofRemote(handle, 'transfer'));
    const begins = link.frameDelivery < 0;
    const deliveryId = this.#deliveryId(link, id, (flags & (TRANSFER.more | TRANSFER.aborted)) === TRANSFER.more);
    if (link.state !== 'detaching') {
      if (settleMode > 0 && (settleMode > 1 || link.rcvSettleMode === 0))
        link.fail(CONDITION.invalidField, `transfer of rcv-settle-mode ${settleMode} on a link of mode first`);
      else link.onTransferFrame(deliveryId, bytes, cursor.end, end, messageFormat, flags, txnId);
    }
    // What was on its way to a link that this end has detached is discarded.
    if (link.state === 'detaching') link.onDiscarded(txnId, begins);
  }

  /** A continuation repeats the id of its delivery or has none. */
  #deliveryId(link: ReceiverLink, id: number, continues: boolean): number {
    const open = link.frameDelivery;
    if (open >= 0) {
      if (id >= 0 && id !== open)
        throw new AmqpError(CONDITION.invalidField, `delivery-id ${id} within delivery ${open}`, 'session');
      if (!continues) link.frameDelivery = -1;
      return open;
    }
    if (id < 0)
      throw new AmqpError(CONDITION.invalidField, 'first transfer of a delivery without delivery-id', 'session');
    if (this.#nextDelivery >= 0 && id !== this.#nextDelivery)
      throw new AmqpError(CONDITION.invalidField, `delivery-id ${id}, expected ${this.#nextDelivery}`, 'session');
    this.#nextDelivery = (id + 1) >>> 0;
    if (continues) link.frameDelivery = id;
    return id;
  }
}

/** The id of the transaction that a transfer's state names (part 4.4.1); null for none. @throws DecodeError */
function transactionOf(bytes: Buffer, start: number, end: number): Buffer | null {
  const short = bytes[start] === 0 && bytes[start + 1] === 0x53;
  if (short && bytes[start + 2] !== CODE.transactional) return null;
  const state = decodeDeliveryState(bytes, start, end);
  return state.type === 'transactional' ? state.txnId : null;
}

function receiverOf(link: Link): ReceiverLink {
  if (!link.sender) return link as ReceiverLink;
  const text = `transfer on handle ${link.remoteHandle}, where its sender receives`;
  throw new AmqpError(CONDITION.notAllowed, text, 'session');
}
