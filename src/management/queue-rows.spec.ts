import { encodeMessage } from '../message/encode-message';
import { textBody } from '../message/message';
import type { PeekedMessage, QueueView } from '../queues/contract';
import { messageRow, queueRows } from './queue-rows';

const VIEW: QueueView = {
  name: 'jobs',
  state: 'open',
  temporary: false,
  depth: 3,
  bytes: 300,
  ready: 2,
  delayed: 0,
  acquired: 1,
  consumers: 1,
  put: 5,
  removed: 2,
  expired: 0,
  deadLettered: 0,
  dropped: 0,
  drops: { limit: 0, maxDeliveries: 0, rejected: 0, failed: 0 },
  duplicates: 0,
};

const PEEKED: PeekedMessage = {
  id: 7,
  priority: 4,
  deliveryCount: 1,
  bytes: 0,
  expiresAt: Date.UTC(2030, 0, 1),
  state: 'ready',
  payload: Buffer.alloc(0),
};

const peeked = (payload: Buffer, bytes = payload.length): PeekedMessage => ({ ...PEEKED, payload, bytes });

it('tells the queues of the mesh by name, with all that is known where they live', () => {
  const { name: _name, ...here } = VIEW;
  const rows = queueRows(
    'east',
    [VIEW, { ...VIEW, name: 'temp' }],
    [
      ['jobs', 'east'],
      ['audit', 'west'],
    ],
    [
      { queue: 'audit', home: 'west', messages: 2, bytes: 20, oldestAt: 0, state: 'stuck', refusal: 'full' },
      { queue: 'new', home: 'west', messages: 1, bytes: 10, oldestAt: null, state: 'ok', refusal: null },
    ],
  );
  const waiting = { messages: 2, bytes: 20, oldest: '1970-01-01T00:00:00.000Z', state: 'stuck', refusal: 'full' };
  const other = { messages: 1, bytes: 10, oldest: null, state: 'ok', refusal: null };
  expect(rows).toEqual([
    { name: 'audit', home: 'west', here: null, forwarding: waiting },
    { name: 'jobs', home: 'east', here, forwarding: null },
    { name: 'new', home: 'west', here: null, forwarding: other },
    { name: 'temp', home: 'east', here, forwarding: null },
  ]);
});

it('names the home that holds where two nodes have a queue', () => {
  expect(queueRows('west', [VIEW], [['jobs', 'east']], [])).toMatchObject([{ name: 'jobs', home: 'east', here: {} }]);
});

it('shows a message with its sections', () => {
  const payload = encodeMessage({ properties: { messageId: 'm1' }, body: textBody('hello') });
  expect(messageRow(peeked(payload))).toEqual({
    id: 7,
    priority: 4,
    deliveryCount: 1,
    bytes: payload.length,
    state: 'ready',
    expiresAt: '2030-01-01T00:00:00.000Z',
    message: { properties: { messageId: 'm1' }, body: 'hello' },
  });
});

it('shows none of a message that is not all there, or is none', () => {
  const payload = encodeMessage({ body: textBody('hello') });
  expect(messageRow(peeked(payload, payload.length + 1)).message).toBeNull();
  expect(messageRow(peeked(Buffer.from('no message'))).message).toBeNull();
});
