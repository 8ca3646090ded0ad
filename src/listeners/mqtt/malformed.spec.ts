import { TestNode } from './mqtt.fixture';

const topic = [0, 1, 0x61];

/** What a connected client sends, and how it is told off. */
const CASES: readonly (readonly [what: string, bytes: readonly number[], reason: number])[] = [
  ['packet type 0', [0x00, 0], 0x81],
  ['[MQTT-2.1.3-1] [MQTT-3.6.1-1] PUBREL without its flags', [0x60, 2, 0, 1], 0x81],
  ['[MQTT-2.1.3-1] [MQTT-3.8.1-1] SUBSCRIBE without its flags', [0x80, 6, 0, 1, 0, 0, 1, 0x61, 0], 0x81],
  ['[MQTT-2.1.3-1] PINGREQ with flags', [0xc1, 0], 0x81],
  ['[MQTT-2.1.3-1] [MQTT-3.14.1-1] DISCONNECT with flags', [0xe1, 0], 0x81],
  ['CONNACK of a client', [0x20, 3, 0, 0, 0], 0x82],
  ['SUBACK of a client', [0x90, 4, 0, 1, 0, 0], 0x82],
  ['UNSUBACK of a client', [0xb0, 4, 0, 1, 0, 0], 0x82],
  ['PINGRESP of a client', [0xd0, 0], 0x82],
  ['AUTH without enhanced authentication', [0xf0, 0], 0x82],
  ['PINGREQ with a body', [0xc0, 1, 0], 0x81],
  ['a remaining length of five bytes', [0x30, 0x80, 0x80, 0x80, 0x80, 1], 0x81],
  ['[MQTT-1.5.5-1] a remaining length that is longer than it needs', [0x30, 0x85, 0], 0x81],
  ['a packet past Maximum Packet Size', [0x30, 0xff, 0xff, 0xff, 0x7f], 0x95],
  ['a SUBSCRIBE of a MiB', [0x82, 0x80, 0x80, 0x40], 0x95],
  ['[MQTT-3.3.1-4] QoS 3', [0x36, 6, ...topic, 0, 1, 0], 0x81],
  ['[MQTT-3.3.1-2] DUP with QoS 0', [0x38, 4, ...topic, 0], 0x81],
  ['[MQTT-2.2.1-3] packet id 0', [0x32, 6, ...topic, 0, 0, 0], 0x81],
  ['a PUBLISH that ends in its topic', [0x30, 3, 0, 9, 0x61], 0x81],
  ['a PUBLISH that ends in its packet id', [0x32, 4, ...topic, 0], 0x81],
  ['a PUBLISH that ends in its properties', [0x30, 5, ...topic, 9, 1], 0x81],
  ['[MQTT-4.7.3-1] a PUBLISH without topic and alias', [0x30, 3, 0, 0, 0], 0x82],
  ['[MQTT-3.3.2-2] [MQTT-4.7.0-1] a wildcard in a topic', [0x30, 6, 0, 3, 0x61, 0x2f, 0x23, 0], 0x90],
  ['[MQTT-4.7.3-2] U+0000 in a topic', [0x30, 4, 0, 1, 0, 0], 0x81],
  ['a topic below $SYS', [0x30, 9, 0, 6, ...Buffer.from('$SYS/a'), 0], 0x90],
  ['[MQTT-3.3.2-8] alias 0', [0x30, 7, ...topic, 3, 0x23, 0, 0], 0x94],
  ['[MQTT-3.3.2-9] an alias past the maximum', [0x30, 7, ...topic, 3, 0x23, 0, 65], 0x94],
  ['an alias that was never given', [0x30, 6, 0, 0, 3, 0x23, 0, 5], 0x82],
  ['[MQTT-3.3.4-6] a Subscription Identifier', [0x30, 6, ...topic, 2, 0x0b, 1], 0x82],
  ['twice the same property', [0x30, 8, ...topic, 4, 1, 0, 1, 0], 0x82],
  ['Payload Format Indicator 2', [0x30, 6, ...topic, 2, 1, 2], 0x82],
  ['a property of CONNECT in a PUBLISH', [0x30, 7, ...topic, 3, 0x21, 0, 9], 0x81],
  ['[MQTT-3.3.2-19] a Content Type that is no UTF-8', [0x30, 8, ...topic, 4, 3, 0, 1, 0xff], 0x81],
  ['[MQTT-3.3.2-1] a topic that is no UTF-8', [0x30, 4, 0, 1, 0xff, 0], 0x81],
  ['[MQTT-3.3.2-13] a Response Topic that is no UTF-8', [0x30, 8, ...topic, 4, 8, 0, 1, 0xff], 0x81],
  ['[MQTT-3.3.2-14] a wildcard in a Response Topic', [0x30, 8, ...topic, 4, 8, 0, 1, 0x23], 0x90],
  ['[MQTT-1.5.7-1] a User Property that is no UTF-8', [0x30, 11, ...topic, 7, 0x26, 0, 1, 0x61, 0, 1, 0xff], 0x81],
  ['[MQTT-3.8.3-1] a filter that is no UTF-8', [0x82, 7, 0, 1, 0, 0, 1, 0xff, 0], 0x81],
  ['[MQTT-3.10.1-1] UNSUBSCRIBE without its flags', [0xa0, 6, 0, 1, 0, ...topic], 0x81],
  ['[MQTT-3.10.3-1] a filter of an UNSUBSCRIBE that is no UTF-8', [0xa2, 6, 0, 1, 0, 0, 1, 0xff], 0x81],
  ['PUBACK of packet id 0', [0x40, 2, 0, 0], 0x81],
  ['PUBACK of one byte', [0x40, 1, 0], 0x81],
  ['PUBACK with a reason of another packet', [0x40, 3, 0, 1, 0x92], 0x81],
  ['PUBCOMP with a reason of another packet', [0x70, 3, 0, 1, 0x97], 0x81],
  ['[MQTT-3.8.3-2] SUBSCRIBE without a filter', [0x82, 3, 0, 1, 0], 0x82],
  ['SUBSCRIBE of packet id 0', [0x82, 7, 0, 0, 0, ...topic, 0], 0x81],
  ['[MQTT-3.8.3-5] reserved options', [0x82, 7, 0, 1, 0, ...topic, 0x40], 0x81],
  ['a subscription of QoS 3', [0x82, 7, 0, 1, 0, ...topic, 3], 0x81],
  ['retain handling 3', [0x82, 7, 0, 1, 0, ...topic, 0x30], 0x82],
  ['Subscription Identifier 0', [0x82, 9, 0, 1, 2, 0x0b, 0, ...topic, 0], 0x82],
  ['[MQTT-3.8.3-4] No Local and shared', [0x82, 16, 0, 1, 0, 0, 10, ...Buffer.from('$share/g/a'), 4], 0x82],
  ['[MQTT-3.10.3-2] UNSUBSCRIBE without a filter', [0xa2, 3, 0, 1, 0], 0x82],
  ['[MQTT-3.14.2-1] DISCONNECT with a reason of servers', [0xe0, 1, 0x8e], 0x81],
  ['DISCONNECT with a property of servers', [0xe0, 6, 0, 4, 0x1c, 0, 1, 0x61], 0x81],
];

describe('a bad packet', () => {
  it.each(CASES)(
    '[MQTT-4.13.1-1] [MQTT-4.13.2-1] %s is told off, and costs nobody else anything',
    (_what, bytes, reason) => {
      const node = new TestNode();
      const other = node.client().connected({ clientId: 'other' });
      const client = node.client().connected();
      client.raw(bytes);
      expect(client.farewell).toBe(reason);
      expect(other.send({ cmd: 'pingreq' }).take()).toEqual([expect.objectContaining({ cmd: 'pingresp' })]);
      expect([...node.errors.counts.values()]).toEqual([1]);
    },
  );

  it.each([
    ['AUTH, which 3.1.1 has not', [0xf0, 0]],
    ['PUBACK with a reason', [0x40, 3, 0, 1, 0]],
    ['DISCONNECT with a reason', [0xe0, 1, 0]],
    ['[MQTT-3.8.3-4] of 3.1.1: reserved bits of a requested QoS', [0x82, 6, 0, 1, ...topic, 4]],
    ['[MQTT-3.3.1-4] QoS 3', [0x36, 5, ...topic, 0, 1]],
  ])('%s ends a connection of 3.1.1 without a word', (_what, bytes) => {
    const client = new TestNode().client(4).connected();
    client.raw(bytes);
    expect([client.closed, client.takeBytes().length]).toEqual([true, 0]);
  });
});
