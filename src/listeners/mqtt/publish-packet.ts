import { PROPERTY } from './constants';
import { malformed, MqttError, protocolError } from './errors';
import { checkText } from './text';

/** What {@link readPublish} found; reused from packet to packet. Offsets are of the bytes that were read. */
export class PublishView {
  qos = 0;
  duplicate = false;
  retain = false;
  packetId = 0;
  topicStart = 0;
  topicEnd = 0;
  propertiesStart = 0;
  payloadStart = 0;
  payloadEnd = 0;
  /** 0 for none. */
  topicAlias = 0;
  /** In seconds; -1 for none. */
  expiryS = -1;
  utf8 = false;
  /** It has properties beyond those above. */
  rich = false;
}

/** Where the payload of a PUBLISH begins; -1 when that cannot be known yet. @throws MqttError */
export function payloadOf(first: number, bytes: Buffer, start: number, end: number, v5: boolean): number {
  if (start + 2 > end) return -1;
  let at = start + 2 + bytes.readUInt16BE(start) + ((first & 0x06) === 0 ? 0 : 2);
  if (!v5) return at <= end ? at : -1;
  let length = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    if (at >= end) return -1;
    const byte = bytes[at++] as number;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return at + length <= end ? at + length : -1;
  }
  throw malformed('the length of the properties has more than four bytes');
}

/**
 * Reads a PUBLISH in place (3.3), without an object. The topic is not looked at but for its bounds.
 * @throws MqttError
 */
export function readPublish(
  first: number,
  bytes: Buffer,
  start: number,
  end: number,
  v5: boolean,
  view: PublishView,
): void {
  const qos = (first >>> 1) & 3;
  if (qos === 3) throw malformed('QoS 3 [MQTT-3.3.1-4]');
  view.qos = qos;
  view.duplicate = (first & 0x08) !== 0;
  if (view.duplicate && qos === 0) throw malformed('DUP with QoS 0 [MQTT-3.3.1-2]');
  view.retain = (first & 0x01) !== 0;
  if (start + 2 > end) throw malformed('the packet ends within the topic');
  view.topicStart = start + 2;
  let at = start + 2 + bytes.readUInt16BE(start);
  view.topicEnd = at;
  if (at + (qos > 0 ? 2 : 0) > end) throw malformed('the packet ends within the topic or the packet id');
  view.packetId = 0;
  if (qos > 0) {
    view.packetId = bytes.readUInt16BE(at);
    if (view.packetId === 0) throw malformed('packet id 0 [MQTT-2.2.1-3]');
    at += 2;
  }
  view.topicAlias = 0;
  view.expiryS = -1;
  view.utf8 = view.rich = false;
  view.propertiesStart = at;
  view.payloadStart = v5 ? readPublishProperties(bytes, at, end, view) : at;
  view.payloadEnd = end;
}

/** @returns where they end */
function readPublishProperties(bytes: Buffer, start: number, packetEnd: number, view: PublishView): number {
  if (bytes[start] === 0 && start < packetEnd) return start + 1;
  const end = payloadAfter(bytes, start, packetEnd);
  let at = start + varintBytes(bytes, start);
  let seen = 0;
  while (at < end) {
    const id = bytes[at++] as number;
    at = readProperty(bytes, at, end, id, view);
    if (id !== PROPERTY.userProperty) seen = once(seen, id);
  }
  return end;
}

/** Where the properties end whose length begins at `start`. */
function payloadAfter(bytes: Buffer, start: number, end: number): number {
  let length = 0;
  let at = start;
  for (let shift = 0; shift < 28; shift += 7) {
    if (at >= end) break;
    const byte = bytes[at++] as number;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte >= 0x80) continue;
    if (at + length > end) break;
    return at + length;
  }
  throw malformed('the packet ends within the properties');
}

function varintBytes(bytes: Buffer, start: number): number {
  let at = start;
  while ((bytes[at] as number) >= 0x80) at++;
  return at + 1 - start;
}

/** Those that may stand here have an id below 12, but for the alias. */
function once(seen: number, id: number): number {
  const bit = id === PROPERTY.topicAlias ? 1 << 30 : 1 << id;
  if ((seen & bit) !== 0) throw protocolError(`property ${id} stands there twice`);
  return seen | bit;
}

/** @returns where it ends */
function readProperty(bytes: Buffer, at: number, end: number, id: number, view: PublishView): number {
  switch (id) {
    case PROPERTY.payloadFormat: {
      const value = bytes[within(at, 1, end)] as number;
      if (value > 1) throw protocolError(`Payload Format Indicator is ${value}, neither 0 nor 1`);
      view.utf8 = value === 1;
      return at + 1;
    }
    case PROPERTY.messageExpiry:
      view.expiryS = bytes.readUInt32BE(within(at, 4, end));
      return at + 4;
    case PROPERTY.topicAlias:
      view.topicAlias = bytes.readUInt16BE(within(at, 2, end));
      if (view.topicAlias === 0) throw new MqttError('FL_MQTT_TOPIC_ALIAS', 'Topic Alias is 0 [MQTT-3.3.2-8]');
      return at + 2;
    case PROPERTY.contentType:
      return readText(bytes, at, end, 'Content Type', view);
    case PROPERTY.responseTopic:
      return readResponseTopic(bytes, at, end, view);
    case PROPERTY.correlationData:
      view.rich = true;
      return behind(bytes, at, end);
    case PROPERTY.userProperty:
      return readText(bytes, readText(bytes, at, end, 'User Property', view), end, 'User Property', view);
    case PROPERTY.subscriptionId:
      throw protocolError('a Subscription Identifier in a PUBLISH of a client [MQTT-3.3.4-6]');
    default:
      throw malformed(`property ${id} does not belong into a PUBLISH`);
  }
}

function within(at: number, count: number, end: number): number {
  if (at + count > end) throw malformed('the properties end within one of them');
  return at;
}

/** Where the text or binary value at `at` ends. */
function behind(bytes: Buffer, at: number, end: number): number {
  const next = at + 2 + bytes.readUInt16BE(within(at, 2, end));
  within(next, 0, end);
  return next;
}

function readResponseTopic(bytes: Buffer, start: number, end: number, view: PublishView): number {
  const next = readText(bytes, start, end, 'Response Topic', view);
  for (let at = start + 2; at < next; at++)
    if (bytes[at] === 0x2b || bytes[at] === 0x23)
      throw new MqttError('FL_MQTT_TOPIC', 'a wildcard in a Response Topic [MQTT-3.3.2-14]');
  return next;
}

function readText(bytes: Buffer, at: number, end: number, what: string, view: PublishView): number {
  view.rich = true;
  const next = behind(bytes, at, end);
  checkText(bytes, at + 2, next, what);
  return next;
}
