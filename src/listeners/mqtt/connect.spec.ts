import { TestNode } from './mqtt.fixture';

const REFUSED = (bytes: readonly number[]) => new TestNode().client().raw(bytes);
const connect = (name: string, level: number, flags: number, ...rest: number[]) => {
  const text = [0, name.length, ...Buffer.from(name), level, flags, 0, 60, ...rest];
  return [0x10, text.length, ...text];
};

describe('CONNECT', () => {
  it('[MQTT-3.1.4-5] [MQTT-3.1.3-5] [MQTT-3.2.0-1] [MQTT-4.12.0-6] is answered with what the node allows', () => {
    const client = new TestNode().client().connect();
    expect(client.take()).toEqual([
      expect.objectContaining({
        cmd: 'connack',
        reasonCode: 0,
        sessionPresent: false,
        properties: expect.objectContaining({ receiveMaximum: 1_024, topicAliasMaximum: 64 }),
      }),
    ]);
  });

  it('is answered in the words of 3.1.1', () => {
    const client = new TestNode().client(4).connect();
    expect(client.takeBytes()).toEqual(Buffer.from([0x20, 2, 0, 0]));
  });

  it('[MQTT-3.1.0-1] comes first, or the connection is closed', () => {
    expect(REFUSED([0xc0, 0]).closed).toBe(true);
  });

  it('[MQTT-3.1.0-2] comes once', () => {
    const client = new TestNode().client().connected();
    client.connect();
    expect(client.farewell).toBe(0x82);
  });

  it('[MQTT-3.1.2-1] names MQTT, or nothing is answered', () => {
    const client = REFUSED(connect('MQTX', 5, 2, 0, 0, 0));
    expect([client.closed, client.takeBytes().length]).toEqual([true, 0]);
  });

  it.each([
    [connect('MQTT', 3, 2, 0, 0), [0x20, 2, 0, 1]],
    [connect('MQIsdp', 3, 2, 0, 0), [0x20, 2, 0, 1]],
  ])('[MQTT-3.1.2-2] of a version that is not spoken is told so', (bytes, answer) => {
    const client = REFUSED(bytes);
    expect([client.closed, [...client.takeBytes()]]).toEqual([true, answer]);
  });

  it('[MQTT-3.1.2-2] of a version that is not known yet is told so in the words of the newest', () => {
    expect(REFUSED(connect('MQTT', 6, 2, 0, 0, 0)).farewell).toBe(0x84);
  });

  it.each([
    ['[MQTT-3.1.2-3] the reserved flag', 0x03],
    ['[MQTT-3.1.2-11] QoS of no will', 0x0a],
    ['[MQTT-3.1.2-12] a will of QoS 3', 0x1e],
    ['[MQTT-3.1.2-13] retain of no will', 0x22],
  ])('%s is malformed', (_what, flags) => {
    expect(REFUSED(connect('MQTT', 5, flags, 0, 0, 0)).farewell).toBe(0x81);
  });

  it('[MQTT-3.1.2-22] of 3.1.1: no password without a user name', () => {
    const client = new TestNode().client(4).raw(connect('MQTT', 4, 0x42, 0, 0, 0, 0));
    expect([client.closed, client.takeBytes().length]).toEqual([true, 0]);
  });

  it.each([
    ['twice the same property', [6, 0x21, 0, 9, 0x21, 0, 9], 0x82],
    ['a property of another packet', [3, 0x23, 0, 9], 0x81],
    ['an unknown property', [2, 0x7f, 0], 0x81],
    ['Receive Maximum 0', [3, 0x21, 0, 0], 0x82],
    ['Maximum Packet Size 0', [5, 0x27, 0, 0, 0, 0], 0x82],
    ['Request Problem Information 2', [2, 0x17, 2], 0x82],
    ['authentication data without a method', [4, 0x16, 0, 1, 9], 0x82],
    ['properties longer than the packet', [9, 0x21, 0], 0x81],
  ])('is refused with %s', (_what, properties, reason) => {
    expect(REFUSED(connect('MQTT', 5, 2, ...properties, 0, 0)).farewell).toBe(reason);
  });

  it('[MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16] gets a client id for an empty one, and is told', () => {
    const [answer] = new TestNode().client().connect({ clientId: '' }).take();
    expect(answer).toMatchObject({ properties: { assignedClientIdentifier: expect.stringMatching(/^fairlead-/) } });
  });

  it('[MQTT-3.1.3-8] of 3.1.1 refuses a session that stays without a client id', () => {
    const client = new TestNode().client(4).raw(connect('MQTT', 4, 0, 0, 0));
    expect(client.farewell).toBe(2);
  });

  it('[MQTT-3.1.3-8] [MQTT-3.2.2-7] refuses a client id that is too long', () => {
    expect(new TestNode().client().connect({ clientId: 'x'.repeat(513) }).farewell).toBe(0x85);
  });

  it('[MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-3.1.3-4] [MQTT-3.1.4-1] [MQTT-3.1.4-2] [MQTT-3.2.2-6] [MQTT-3.14.0-1] refuses ill text', () => {
    for (const bytes of [[0xc3], [0xed, 0xa0, 0x80], [0], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]])
      expect(REFUSED(connect('MQTT', 5, 2, 0, 0, bytes.length, ...bytes)).farewell).toBe(0x81);
  });

  it('[MQTT-1.5.4-3] takes U+FEFF as it is', () => {
    const node = new TestNode();
    const client = node.client().raw(connect('MQTT', 5, 2, 0, 0, 3, 0xef, 0xbb, 0xbf));
    expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode: 0 }]);
  });

  it('[MQTT-4.12.0-1] [MQTT-4.12.0-4] refuses enhanced authentication', () => {
    const client = new TestNode().client();
    client.connect({ properties: { authenticationMethod: 'KERBEROS' } });
    expect(client.farewell).toBe(0x8c);
  });

  it('tells the keep-alive that counts where the client wants none', () => {
    const [answer] = new TestNode().client().connect({ keepalive: 0 }).take();
    expect(answer).toMatchObject({ properties: { serverKeepAlive: 64_800 } });
  });

  it('is waited for ten seconds', () => {
    const node = new TestNode();
    const client = node.client();
    node.pass(9_000);
    expect(client.closed).toBe(false);
    node.pass(2_000);
    expect([client.closed, client.takeBytes().length]).toEqual([true, 0]);
  });

  it('is not read past its bound', () => {
    expect(new TestNode().client().raw([0x10, 0xff, 0xff, 0xff, 0x7f]).closed).toBe(true);
  });
});

describe('a connection', () => {
  it('[MQTT-3.1.2-22] [MQTT-3.2.2-22] [MQTT-3.12.4-1] ends without a packet in one and a half times the keep-alive', () => {
    const node = new TestNode();
    const client = node.client().connected({ keepalive: 10 });
    node.pass(14_000);
    client.send({ cmd: 'pingreq' });
    expect(client.take()).toEqual([expect.objectContaining({ cmd: 'pingresp' })]);
    node.pass(14_000);
    expect(client.closed).toBe(false);
    // A packet that is never complete does not count.
    client.raw([0x30]);
    node.pass(2_000);
    expect(client.farewell).toBe(0x8d);
  });

  it('[MQTT-3.1.4-3] is taken over by the next one with its client id', () => {
    const node = new TestNode();
    const first = node.client().connected();
    node.client().connected();
    expect(first.farewell).toBe(0x8e);
    expect(node.errors.counts.size).toBe(0);
  });

  it('is told that the node ends', () => {
    const client = new TestNode().client().connected();
    client.connection.shutdown();
    client.node.turn();
    expect(client.farewell).toBe(0x8b);
  });

  it('[MQTT-3.14.4-2] ends with its DISCONNECT, without an answer', () => {
    const client = new TestNode().client().connected();
    client.send({ cmd: 'disconnect', reasonCode: 0 });
    expect([client.closed, client.takeBytes().length]).toEqual([true, 0]);
  });

  it('must not ask for a session that it did not ask for before', () => {
    const client = new TestNode().client().connected();
    client.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 9 } });
    expect(client.farewell).toBe(0x82);
  });
});
