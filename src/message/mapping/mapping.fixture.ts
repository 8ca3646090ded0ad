import * as fc from 'fast-check';
import { PRIMITIVE, VALUE } from '../../amqp/codec/values.fixture';
import { AmqpMap, AmqpTyped, sym, type AmqpValue } from '../../amqp/codec/values';
import { decodeMessage } from '../decode-message';
import { encodeMessage } from '../encode-message';
import type { Message, MessageBody, MessageHeader, MessageProperties } from '../message';

/** Text of whatever characters UTF-8 has, control characters and text that looks like ours among them. */
export const TEXT: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(text).toString()),
  fc.constantFrom(
    '',
    ' ',
    ' a ',
    'a: b',
    'a\nb',
    'a\r',
    '\0',
    'json:',
    'json:"x"',
    'fairlead-ttl',
    '50%',
    '%41',
    'é☃',
    '😀',
    '__proto__',
    'ID:AMQP_UUID:x',
  ),
);

export const BYTES: fc.Arbitrary<Buffer> = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const ASCII = fc.string({ unit: 'binary-ascii', maxLength: 40 });
const uint = fc.nat(0xffff_ffff);

export const ID: fc.Arbitrary<AmqpValue> = fc.oneof(
  TEXT,
  BYTES,
  fc
    .bigInt({ min: 0n, max: 2n ** 64n - 1n })
    .map((wide) => new AmqpTyped('ulong', Number.isSafeInteger(Number(wide)) ? Number(wide) : wide)),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => new AmqpTyped('uuid', Buffer.from(bytes))),
  fc.constantFrom<AmqpValue>(
    'ID:AMQP_STRING:ID:AMQP_ULONG:5',
    'ID:AMQP_ULONG:5',
    'ID:AMQP_ULONG:05',
    'ID:AMQP_BINARY:AB',
    'ID:AMQP_STRING:x',
  ),
);

export const NAME: fc.Arbitrary<string> = fc.oneof(
  TEXT,
  fc.constantFrom(
    'count',
    'orderId',
    'type',
    'id',
    'destination',
    'content-type',
    'ce_id',
    'cloudEvents_',
    'cloudEvents_Id',
    'fairlead-body',
  ),
);

const HEADER: fc.Arbitrary<MessageHeader> = fc.record(
  { durable: fc.boolean(), priority: fc.nat(255), ttl: uint },
  { requiredKeys: [] },
);

const PROPERTIES: fc.Arbitrary<MessageProperties> = fc.record(
  {
    messageId: ID,
    userId: BYTES,
    subject: TEXT,
    replyTo: fc.oneof(
      TEXT,
      fc.constantFrom('topic/a.b', 'queue/x', 'topic://a', 'a.*', 'fairlead.temp.q.n.1', 'anycast/x'),
    ),
    correlationId: ID,
    contentType: ASCII,
    contentEncoding: ASCII,
    absoluteExpiryTime: fc.date({ noInvalidDate: true }),
    creationTime: fc.date({ noInvalidDate: true }),
    groupId: TEXT,
    groupSequence: uint,
    replyToGroupId: TEXT,
  },
  { requiredKeys: [] },
);

const BODY: fc.Arbitrary<MessageBody> = fc.oneof(
  fc.array(BYTES, { maxLength: 4 }).map((parts) => ({ kind: 'data' as const, parts })),
  VALUE.map((value) => ({ kind: 'value' as const, value })),
  fc
    .array(fc.array(VALUE, { maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((lists) => ({ kind: 'sequence' as const, lists })),
);

export const APPLICATION_PROPERTIES: fc.Arbitrary<AmqpMap> = fc
  .uniqueArray(fc.tuple(NAME, PRIMITIVE), { maxLength: 6, selector: ([name]) => name })
  .map((entries) => new AmqpMap(entries));

const ANNOTATIONS: fc.Arbitrary<AmqpMap> = fc
  .uniqueArray(fc.tuple(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }), VALUE), {
    maxLength: 4,
    selector: ([name]) => name,
  })
  .map((entries) => new AmqpMap(entries.map(([name, value]) => [sym(name), value])));

const option = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

/** Messages as AMQP clients may send them, as the decoder tells them. */
export const MESSAGE: fc.Arbitrary<Message> = fc
  .record({
    header: option(HEADER),
    messageAnnotations: option(ANNOTATIONS),
    properties: option(PROPERTIES),
    applicationProperties: option(APPLICATION_PROPERTIES),
    body: BODY,
    footer: option(ANNOTATIONS),
  })
  .map((message) => decodeMessage(encodeMessage(message)));

/** An event in binary mode, among other properties. */
export const EVENT: fc.Arbitrary<Message> = fc
  .tuple(
    MESSAGE,
    fc.record({ id: TEXT, source: TEXT, type: TEXT }),
    fc.dictionary(fc.stringMatching(/^[a-z0-9]{1,20}$/), PRIMITIVE, { maxKeys: 4 }),
  )
  .map(([message, required, more]) => {
    const attributes = Object.entries({ ...more, ...required, specversion: '1.0' });
    const properties = new AmqpMap([
      ...(message.applicationProperties ?? []),
      ...attributes.map(([name, value]) => [`cloudEvents_${name}`, value] as const),
    ]);
    return { ...message, applicationProperties: properties };
  });

function byText([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** A map for comparison: its order says nothing. */
function told(map: AmqpMap | undefined): readonly (readonly [string, string])[] {
  const hex = (value: AmqpValue): string => encodeMessage({ body: { kind: 'value', value } }).toString('hex');
  return [...(map ?? [])].map(([key, value]) => [hex(key), hex(value)] as const).sort(byText);
}

/** All of a message that is to come back, for comparison. */
export function comparable(message: Message): unknown {
  return {
    header: message.header ?? {},
    annotations: told(message.messageAnnotations),
    properties: encodeMessage({ properties: message.properties ?? {}, body: message.body }).toString('hex'),
    applicationProperties: told(message.applicationProperties),
    footer: told(message.footer),
  };
}
