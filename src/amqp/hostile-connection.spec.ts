import { described } from './codec/delivery-states';
import { encodeValue } from './codec/encoder';
import { AmqpDescribed, AmqpTyped, sym, type AmqpValue } from './codec/values';
import { CONDITION } from './constants';
import { attached, expectClosed, start } from './hostile-peer.fixture';
import { AMQP_HEADER, frame, performative, ubyte, uint } from './raw-peer.fixture';

describe('a peer that breaks the protocol of its connection', () => {
  it.each([
    ['2.2 garbage instead of a protocol header', [Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
    ['2.2 another version', [Buffer.from('AMQP\x00\x00\x09\x01', 'latin1')]],
    ['2.2 SASL where there is none', [Buffer.from('AMQP\x03\x01\x00\x00', 'latin1')]],
  ])('%s: answered with the header that is spoken, then the socket ends', (_what, chunks) => {
    const hostile = start();
    hostile.peer.send(...chunks, Buffer.from('more of it'));
    expect(hostile.server.errors.map(({ condition }) => condition)).toEqual([CONDITION.framing]);
    expect(hostile.peer.ended).toBe(true);
  });

  const opened: readonly (readonly [string, string, Buffer])[] = [
    ['2.3.1 frame size 0', CONDITION.framing, frame(0, Buffer.alloc(0), 0)],
    ['2.3.1 frame size 0xffffffff', CONDITION.framing, frame(0, Buffer.alloc(0), 0xffff_ffff)],
    ['2.3.1 a frame over max-frame-size', CONDITION.framing, frame(0, Buffer.alloc(0), 70_000)],
    ['2.3.1 a data offset that lies', CONDITION.framing, frame(0, Buffer.alloc(8), 16, 9)],
    ['2.3.1 a frame type that does not exist', CONDITION.framing, frame(0, Buffer.alloc(0), 8, 2, 7)],
    ['2.3 a body that is no described type', CONDITION.decode, frame(0, Buffer.from('hello'))],
    ['2.7 an unknown performative', CONDITION.notImplemented, frame(0, encodeValue(described(0x19, [])))],
    [
      '2.7 a performative of an unknown name',
      CONDITION.notImplemented,
      frame(0, encodeValue(new AmqpDescribed(sym('app:odd:list'), []))),
    ],
    ['2.7 a performative that is no list', CONDITION.decode, frame(0, encodeValue(described(0x11, 'x')))],
    [
      '2.7 bytes behind a performative',
      CONDITION.decode,
      frame(0, Buffer.concat([performative('end', []), Buffer.from('x')])),
    ],
    ['2.7.1 a second open', CONDITION.illegalState, frame(0, performative('open', ['again']))],
    ['2.7.2 begin without its mandatory fields', CONDITION.decode, frame(3, performative('begin', [null, uint(0)]))],
    [
      '2.7.2 begin on a channel with a session',
      CONDITION.notAllowed,
      frame(0, performative('begin', [null, uint(0), uint(1), uint(1)])),
    ],
    [
      '2.7.2 begin that answers nothing',
      CONDITION.notAllowed,
      frame(1, performative('begin', [new AmqpTyped('ushort', 9), uint(0), uint(1), uint(1)])),
    ],
    [
      '2.4.1 a channel over channel-max',
      CONDITION.framing,
      frame(300, performative('begin', [null, uint(0), uint(1), uint(1)])),
    ],
    ['2.5 a transfer on an unknown channel', CONDITION.notAllowed, frame(9, performative('transfer', [uint(0)]))],
    [
      '2.5 an attach on an unknown channel',
      CONDITION.notAllowed,
      frame(9, performative('attach', ['x', uint(0), false, null, null, null, null, null, null, uint(0)])),
    ],
    ['2.5 an end on an unknown channel', CONDITION.notAllowed, frame(9, performative('end', []))],
    ['2.7.3 attach without a role', CONDITION.decode, frame(0, performative('attach', ['x', uint(5)]))],
    ['2.7.3 attach without a name', CONDITION.decode, frame(0, performative('attach', [null, uint(5), false]))],
    [
      '2.7.3 a sender without initial-delivery-count',
      CONDITION.decode,
      frame(0, performative('attach', ['x', uint(5), false])),
    ],
    [
      '2.7.3 a settle mode that does not exist',
      CONDITION.decode,
      frame(0, performative('attach', ['x', uint(5), true, ubyte(7)])),
    ],
    ['2.7.2 a handle over handle-max', CONDITION.framing, frame(0, performative('attach', ['x', uint(20_000), true]))],
    [
      '2.7.4 flow with a window of a wrong type',
      CONDITION.decode,
      frame(0, performative('flow', [uint(0), 'many', uint(0), uint(0)])),
    ],
    ['2.7.4 flow without its windows', CONDITION.decode, frame(0, performative('flow', [uint(0)]))],
    ['2.7.5 transfer without a handle', CONDITION.decode, frame(0, performative('transfer', []))],
    [
      '2.7.5 a performative longer than its frame',
      CONDITION.decode,
      frame(0, Buffer.from('005314d000ffffff00000001', 'hex')),
    ],
    ['2.7.6 disposition without a role', CONDITION.decode, frame(0, performative('disposition', [null, uint(0)]))],
    ['2.7.6 disposition without first', CONDITION.decode, frame(0, performative('disposition', [true]))],
    ['2.7.7 detach without a handle', CONDITION.decode, frame(0, performative('detach', []))],
  ];
  it.each(opened)('%s: %s', (_what, condition, bytes) => {
    const hostile = attached();
    hostile.peer.send(bytes, Buffer.from('anything after it is not read'), frame(0, Buffer.alloc(0), 0));
    expectClosed(hostile, condition);
  });

  const openings: readonly (readonly [string, string, readonly AmqpValue[]])[] = [
    ['2.7.1 idle-time-out as a double', CONDITION.decode, ['p', null, null, null, new AmqpTyped('double', 1.5)]],
    ['2.7.1 a missing container-id', CONDITION.decode, []],
    ['2.4.1 a max-frame-size under 512', CONDITION.invalidField, ['p', null, uint(511)]],
    ['2.4.5 an idle-time-out that cannot be kept', CONDITION.notAllowed, ['p', null, null, null, uint(1)]],
    ['2.7.1 more fields than open has', CONDITION.decode, ['p', ...Array<AmqpValue>(11).fill(true)]],
  ];
  it.each(openings)('%s: %s', (_what, condition, fields) => {
    const hostile = start();
    hostile.peer.send(AMQP_HEADER).say('open', fields);
    expectClosed(hostile, condition);
  });

  it.each(['begin', 'attach', 'transfer', 'flow', 'close'] as const)('2.4.2 %s before open', (name) => {
    const hostile = start();
    hostile.peer.send(AMQP_HEADER).say(name, name === 'begin' ? [null, uint(0), uint(1), uint(1)] : [uint(0)]);
    expect(hostile.peer.ended).toBe(true);
    expect(hostile.server.errors).toHaveLength(1);
  });

  it('2.4.1 more sessions than its own channel-max lets it be answered on', () => {
    const hostile = start();
    hostile.peer.open(null, null, new AmqpTyped('ushort', 0)).begin(0).begin(1);
    expectClosed(hostile, CONDITION.notAllowed);
  });
});
