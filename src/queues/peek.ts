import type { PeekedMessage } from './contract';
import type { Entry } from './entry';
import { PEEK_BYTES, PEEK_MESSAGES_MAX } from './limits';
import type { QueueCore } from './queue-core';
import { deliveriesOf, expiresAtOf, flagsOf, messageStart, RECORD_FLAG, sizeOf } from './record';
import { laneOf, SPACE } from './spaces';

/** Behind the key and the time of a record of `delayed`. */
const DELAYED_HEAD = 14;

function peeked(
  core: QueueCore,
  key: number,
  record: Buffer,
  state: PeekedMessage['state'],
  entry: Entry | null,
): PeekedMessage {
  const isLarge = (flagsOf(record) & RECORD_FLAG.large) !== 0;
  const whole = core.ready.whole(record);
  const start = isLarge ? 0 : messageStart(whole);
  return {
    id: key,
    priority: 9 - laneOf(key),
    deliveryCount: deliveriesOf(record),
    bytes: isLarge ? sizeOf(record) : whole.length - start,
    expiresAt: expiresAtOf(record) === 0 ? null : expiresAtOf(record),
    state,
    payload: isLarge ? largeHead(core, key, record, entry) : Buffer.from(whole.subarray(start, start + PEEK_BYTES)),
  };
}

function largeHead(core: QueueCore, key: number, record: Buffer, known: Entry | null): Buffer {
  const lane = core.ready.lanes[laneOf(key)];
  if (lane === undefined) return Buffer.alloc(0);
  const body = core.openBody(known ?? core.ready.read(key, lane, record), -1);
  const bytes = Buffer.alloc(Math.min(PEEK_BYTES, body.length));
  body.read(0, bytes);
  body.release();
  return bytes;
}

/**
 * Messages from an id on, in delivery order; what waits for its time comes last.
 * @param held what consumers have
 * @throws RecordDamagedError
 */
export function peekInto(core: QueueCore, held: readonly Entry[], count: number, fromId: number): PeekedMessage[] {
  const found: PeekedMessage[] = [];
  const most = Math.min(count, PEEK_MESSAGES_MAX);
  const acquired = new Map(held.map((entry) => [entry.key, entry]));
  if (core.store === null) {
    const waiting = core.ready.lanes.flatMap((lane) => Array.from({ length: lane.length }, (_, at) => lane.at(at)));
    const all = [...waiting, ...held].filter(({ key }) => key >= fromId).sort((a, b) => a.key - b.key);
    return all
      .slice(0, most)
      .map((entry) => peeked(core, entry.key, entry.record, acquired.has(entry.key) ? 'acquired' : 'ready', entry));
  }
  if (most <= 0 || !core.ready.canRead) return found;
  core.store.scan(SPACE.messages, core.id, fromId, Number.MAX_SAFE_INTEGER, (key, record) => {
    found.push(peeked(core, key, record, acquired.has(key) ? 'acquired' : 'ready', acquired.get(key) ?? null));
    return found.length < most;
  });
  if (found.length >= most) return found;
  core.store.scan(SPACE.delayed, core.id, 0, Number.MAX_SAFE_INTEGER, (_key, value) => {
    const key = value.readUInt32BE(0) * 2 ** 32 + value.readUInt32BE(4);
    if (key >= fromId) found.push(peeked(core, key, Buffer.from(value.subarray(DELAYED_HEAD)), 'delayed', null));
    return found.length < most;
  });
  return found;
}
