import * as fc from 'fast-check';
import { AmqpError } from '../errors';
import { decodePerformative, decodeSasl, encodePerformative, encodeSasl } from './performatives';
import type { Attach, Performative, SaslPerformative, Source, Target } from './types';
import { AmqpMap, AmqpTyped, sym } from './values';

// A bound for what hangs: on a busy machine these take many times what they take alone.
jest.setTimeout(60_000);

const properties = new AmqpMap([
  [sym('product'), 'test'],
  [sym('n'), new AmqpTyped('uint', 7)],
]);
const source: Source = {
  type: 'source',
  address: 'topic/a',
  durable: 2,
  expiryPolicy: 'never',
  timeout: 60,
  dynamic: false,
  dynamicNodeProperties: properties,
  distributionMode: 'copy',
  filter: properties,
  defaultOutcome: { type: 'modified', deliveryFailed: true, undeliverableHere: false, messageAnnotations: null },
  outcomes: ['amqp:accepted:list', 'amqp:released:list'],
  capabilities: ['topic'],
};
const target: Target = {
  type: 'target',
  address: null,
  durable: 0,
  expiryPolicy: 'session-end',
  timeout: 0,
  dynamic: true,
  dynamicNodeProperties: null,
  capabilities: ['queue', 'temporary-queue'],
};
const attach: Attach = {
  type: 'attach',
  name: 'link',
  handle: 3,
  role: 'sender',
  sndSettleMode: 1,
  rcvSettleMode: 1,
  source,
  target,
  unsettled: properties,
  incompleteUnsettled: true,
  initialDeliveryCount: 9,
  maxMessageSize: 1_000_000,
  offeredCapabilities: ['a'],
  desiredCapabilities: ['b', 'c'],
  properties,
};
const error = { condition: 'amqp:not-found', description: 'nothing here', info: properties };

const ALL: readonly Performative[] = [
  {
    type: 'open',
    containerId: 'c',
    hostname: 'h',
    maxFrameSize: 512,
    channelMax: 3,
    idleTimeOut: 1_000,
    offeredCapabilities: ['x'],
    desiredCapabilities: [],
    properties,
  },
  {
    type: 'begin',
    remoteChannel: 0,
    nextOutgoingId: 4_294_967_295,
    incomingWindow: 300,
    outgoingWindow: 0,
    handleMax: 255,
    offeredCapabilities: [],
    desiredCapabilities: ['y'],
    properties: null,
  },
  attach,
  { ...attach, role: 'receiver', initialDeliveryCount: null, target: { type: 'coordinator', capabilities: ['t'] } },
  { type: 'detach', handle: 0, closed: true, error },
  { type: 'end', error: null },
  { type: 'close', error: { condition: 'app:enough' } },
];

const SASL: readonly SaslPerformative[] = [
  { type: 'sasl-mechanisms', mechanisms: ['ANONYMOUS', 'PLAIN'] },
  { type: 'sasl-init', mechanism: 'PLAIN', initialResponse: Buffer.from('\0u\0p'), hostname: null },
  { type: 'sasl-challenge', challenge: Buffer.from('c') },
  { type: 'sasl-response', response: Buffer.alloc(0) },
  { type: 'sasl-outcome', code: 1, additionalData: null },
];

/** As comparable data: maps by their entries. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) => (inner instanceof AmqpMap ? { map: [...inner] } : inner)),
  );
}

describe('performatives', () => {
  it.each(ALL.map((each) => [each.type, each] as const))('2.7 %s comes back as it was', (_type, performative) => {
    const bytes = encodePerformative(performative);
    expect(plain(decodePerformative(bytes, 0, bytes.length))).toEqual(plain(performative));
  });

  it.each(SASL.map((each) => [each.type, each] as const))('5.3.3 %s comes back as it was', (_type, performative) => {
    const bytes = encodeSasl(performative);
    expect(plain(decodeSasl(bytes, 0, bytes.length))).toEqual(plain(performative));
  });

  it('1.4 fields that are absent or null have the defaults of the specification', () => {
    const open = decodePerformative(Buffer.from('005310c00401a10163', 'hex'), 0, 9);
    expect(open).toMatchObject({ maxFrameSize: 0xffff_ffff, channelMax: 0xffff, idleTimeOut: 0, properties: null });
    const bytes = encodePerformative({ ...attach, source: { type: 'source' }, target: null });
    expect(decodePerformative(bytes, 0, bytes.length)).toMatchObject({
      source: { durable: 0, expiryPolicy: 'session-end', timeout: 0, dynamic: false, filter: null, outcomes: [] },
      target: null,
    });
  });

  it('1.3 descriptors may be symbols', () => {
    const name = Buffer.from('amqp:end:list');
    const bytes = Buffer.concat([Buffer.from([0, 0xa3, name.length]), name, Buffer.from([0x45])]);
    expect(decodePerformative(bytes, 0, bytes.length)).toEqual({ type: 'end', error: null });
  });

  it('2.7 any change of any byte is a performative or an AmqpError that ends the connection', () => {
    fc.assert(
      fc.property(fc.nat(ALL.length - 1), fc.nat(), fc.nat(255), (which, place, byte) => {
        const bytes = Buffer.from(encodePerformative(ALL[which] as Performative));
        bytes[place % bytes.length] = byte;
        try {
          const decoded = decodePerformative(bytes, 0, bytes.length);
          // What was taken can be told again.
          encodePerformative(decoded);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AmqpError);
          expect((thrown as AmqpError).scope).toBe('connection');
        }
      }),
      { numRuns: 20_000 },
    );
  });
});
