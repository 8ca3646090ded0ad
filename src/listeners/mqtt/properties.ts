import { PACKET, PROPERTY } from './constants';
import { malformed, protocolError } from './errors';
import type { Fields } from './fields';
import { USER_PROPERTIES_MAX } from './limits';

type FieldType = 'flag' | 'u16' | 'u32' | 'varint' | 'text' | 'binary' | 'pair';

/** Where a property may stand; the properties of a will are like a packet's. */
export const WILL = 0;

/** What a property is, and in which of the packets that clients send it may stand (table 2-4). */
const TABLE: ReadonlyMap<number, readonly [name: string, type: FieldType, packets: readonly number[]]> = new Map([
  [PROPERTY.payloadFormat, ['Payload Format Indicator', 'flag', [PACKET.publish, WILL]]],
  [PROPERTY.messageExpiry, ['Message Expiry Interval', 'u32', [PACKET.publish, WILL]]],
  [PROPERTY.contentType, ['Content Type', 'text', [PACKET.publish, WILL]]],
  [PROPERTY.responseTopic, ['Response Topic', 'text', [PACKET.publish, WILL]]],
  [PROPERTY.correlationData, ['Correlation Data', 'binary', [PACKET.publish, WILL]]],
  [PROPERTY.subscriptionId, ['Subscription Identifier', 'varint', [PACKET.subscribe]]],
  [PROPERTY.sessionExpiry, ['Session Expiry Interval', 'u32', [PACKET.connect, PACKET.disconnect]]],
  [PROPERTY.authenticationMethod, ['Authentication Method', 'text', [PACKET.connect, PACKET.auth]]],
  [PROPERTY.authenticationData, ['Authentication Data', 'binary', [PACKET.connect, PACKET.auth]]],
  [PROPERTY.requestProblemInformation, ['Request Problem Information', 'flag', [PACKET.connect]]],
  [PROPERTY.willDelay, ['Will Delay Interval', 'u32', [WILL]]],
  [PROPERTY.requestResponseInformation, ['Request Response Information', 'flag', [PACKET.connect]]],
  [
    PROPERTY.reasonString,
    [
      'Reason String',
      'text',
      [PACKET.puback, PACKET.pubrec, PACKET.pubrel, PACKET.pubcomp, PACKET.disconnect, PACKET.auth],
    ],
  ],
  [PROPERTY.receiveMaximum, ['Receive Maximum', 'u16', [PACKET.connect]]],
  [PROPERTY.topicAliasMaximum, ['Topic Alias Maximum', 'u16', [PACKET.connect]]],
  [PROPERTY.topicAlias, ['Topic Alias', 'u16', [PACKET.publish]]],
  [
    PROPERTY.userProperty,
    [
      'User Property',
      'pair',
      [
        PACKET.connect,
        PACKET.publish,
        WILL,
        PACKET.puback,
        PACKET.pubrec,
        PACKET.pubrel,
        PACKET.pubcomp,
        PACKET.subscribe,
        PACKET.unsubscribe,
        PACKET.disconnect,
        PACKET.auth,
      ],
    ],
  ],
  [PROPERTY.maximumPacketSize, ['Maximum Packet Size', 'u32', [PACKET.connect]]],
]);

/** What must not be 0. */
const POSITIVE: readonly number[] = [
  PROPERTY.subscriptionId,
  PROPERTY.receiveMaximum,
  PROPERTY.topicAlias,
  PROPERTY.maximumPacketSize,
];

/** Properties of one packet, read. */
export class Properties {
  readonly #values = new Map<number, number | string | Buffer>();
  /** In the order in which they came, with those that came twice. */
  readonly user: (readonly [string, string])[] = [];

  number(id: number): number | undefined {
    return this.#values.get(id) as number | undefined;
  }

  text(id: number): string | undefined {
    return this.#values.get(id) as string | undefined;
  }

  binary(id: number): Buffer | undefined {
    return this.#values.get(id) as Buffer | undefined;
  }

  has(id: number): boolean {
    return this.#values.has(id);
  }

  set(id: number, value: number | string | Buffer): void {
    this.#values.set(id, value);
  }
}

/** What a packet without properties has. */
export const NO_PROPERTIES = new Properties();

/**
 * Reads a packet's properties (2.2.2): those that it may have, each but user properties once.
 * @throws MqttError
 */
export function readProperties(fields: Fields, packet: number): Properties {
  const length = fields.varint('the length of the properties');
  if (length === 0) return NO_PROPERTIES;
  const within = fields.within(length, 'the properties');
  const properties = new Properties();
  while (within.left > 0) readProperty(within, packet, properties);
  return properties;
}

function readProperty(fields: Fields, packet: number, properties: Properties): void {
  const id = fields.varint('a property');
  const row = TABLE.get(id);
  if (row === undefined || !row[2].includes(packet)) throw malformed(`property ${id} does not belong here`);
  const [name, type] = row;
  if (type === 'pair') {
    if (properties.user.length >= USER_PROPERTIES_MAX)
      throw protocolError(`more than ${USER_PROPERTIES_MAX} user properties`);
    properties.user.push([fields.text(name), fields.text(name)]);
    return;
  }
  if (properties.has(id)) throw protocolError(`${name} stands there twice`);
  const value = readValue(fields, type, name);
  if (value === 0 && POSITIVE.includes(id)) throw protocolError(`${name} is 0`);
  properties.set(id, value);
}

function readValue(fields: Fields, type: Exclude<FieldType, 'pair'>, name: string): number | string | Buffer {
  switch (type) {
    case 'flag': {
      const value = fields.u8(name);
      if (value > 1) throw protocolError(`${name} is ${value}, neither 0 nor 1`);
      return value;
    }
    case 'u16':
      return fields.u16(name);
    case 'u32':
      return fields.u32(name);
    case 'varint':
      return fields.varint(name);
    case 'text':
      return fields.text(name);
    case 'binary':
      return fields.binary(name);
  }
}
