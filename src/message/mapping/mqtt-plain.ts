import { AmqpMap, AmqpTyped, sym } from '../../amqp/codec/values';
import { annotationAt } from '../annotate';
import { listOf } from '../fields-in-place';
import { BEYOND, SECTION, sectionBody, sectionCode, skip } from '../locate';
import { BodyBounds, bodyInPlace, plainHead } from '../plain-message';
import { ANNOTATION } from './fields';
import type { MqttQos } from './mqtt';

/** The head of the AMQP message of a PUBLISH without properties, for `writePlainMessage`; kept for as long as its topic is published to. */
export function mqttHead(qos: MqttQos, retain: boolean, to: string): Buffer {
  return plainHead({
    header: { durable: qos > 0 },
    messageAnnotations: annotationsOf(qos, retain),
    properties: { to },
  });
}

function annotationsOf(qos: MqttQos, retain: boolean): AmqpMap {
  const annotations = new AmqpMap([[sym(ANNOTATION.mqttQos), new AmqpTyped('ubyte', qos)]]);
  return retain ? annotations.set(sym(ANNOTATION.mqttRetain), true) : annotations;
}

/** Such annotations as all messages from MQTT have that are not retained; the last byte is the QoS. */
const COMMON = plainHead({ messageAnnotations: annotationsOf(0, false) });

/** What {@link readMqttPlain} found; reused from call to call. */
export class MqttPlain {
  /** -1 where MQTT did not publish it. */
  qos: MqttQos | -1 = -1;
  retain = false;
  /** It has nothing that MQTT 5 would tell beside the body. */
  bare = false;
  readonly body = new BodyBounds();
}

/**
 * Reads in place, without allocating, what is delivered of a message to MQTT 3.1.1, and to MQTT 5 when it is bare.
 * @returns false where the body has to be rendered (`amqpToMqtt`)
 * @throws DecodeError
 */
export function readMqttPlain(bytes: Buffer, start: number, end: number, found: MqttPlain): boolean {
  found.qos = -1;
  found.retain = false;
  found.bare = true;
  let at = start;
  while (at < end) {
    const body = sectionBody(bytes, at, end);
    const code = body === BEYOND ? BEYOND : sectionCode(bytes, at);
    if (code >= SECTION.data) break;
    const next = body === BEYOND ? BEYOND : skip(bytes, body, end);
    if (next === BEYOND) return false;
    readSection(bytes, at, body, next, code, found);
    at = next;
  }
  if (!bodyInPlace(bytes, at, end, found.body)) return false;
  // That it is a value is told too, and so is a footer.
  if (sectionCode(bytes, at) !== SECTION.data || found.body.end !== end) found.bare = false;
  return true;
}

function readSection(bytes: Buffer, at: number, body: number, next: number, code: number, found: MqttPlain): void {
  switch (code) {
    case SECTION.header:
      // Priority and ttl come behind `durable`.
      if (listOf(bytes, body, next).count > 1) found.bare = false;
      break;
    case SECTION.deliveryAnnotations:
      break;
    case SECTION.messageAnnotations:
      readAnnotations(bytes, at, next, found);
      break;
    case SECTION.properties:
      if (!holdsToAlone(bytes, body, next)) found.bare = false;
      break;
    default:
      found.bare = false;
  }
}

/** `to` is the third field; MQTT says it by the topic. */
function holdsToAlone(bytes: Buffer, body: number, next: number): boolean {
  const { first, count } = listOf(bytes, body, next);
  return count === 0 || (count <= 3 && bytes[first] === 0x40 && (count === 1 || bytes[first + 1] === 0x40));
}

function readAnnotations(bytes: Buffer, at: number, next: number, found: MqttPlain): void {
  if (isCommon(bytes, at, next)) {
    found.qos = qosOf(bytes[next - 1]);
    return;
  }
  found.bare = false;
  const qos = annotationAt(bytes, at, next, ANNOTATION.mqttQos);
  if (qos !== BEYOND && bytes[qos] === 0x50) found.qos = qosOf(bytes[qos + 1]);
  const retain = annotationAt(bytes, at, next, ANNOTATION.mqttRetain);
  found.retain = retain !== BEYOND && bytes[retain] === 0x41;
}

function qosOf(byte: number | undefined): MqttQos | -1 {
  return byte === 0 || byte === 1 || byte === 2 ? byte : -1;
}

function isCommon(bytes: Buffer, at: number, next: number): boolean {
  const last = COMMON.length - 1;
  if (next - at !== COMMON.length) return false;
  for (let index = 0; index < last; index++) if (bytes[at + index] !== COMMON[index]) return false;
  return true;
}
