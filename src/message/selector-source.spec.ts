import * as fc from 'fast-check';
import { AmqpMap, AmqpTyped, sym, type AmqpValue } from '../amqp/codec/values';
import { PRIMITIVE } from '../amqp/codec/values.fixture';
import { DecodeError } from '../amqp/errors';
import { encodeMessage } from './encode-message';
import { textBody, type Message } from './message';
import type { Scalar } from './scalar';
import { EncodedMessageSource } from './selector-source';

const BODY = textBody('body');

function read(message: Partial<Message>, ...names: string[]): Scalar[] {
  const source = new EncodedMessageSource(names);
  // It stands in the midst of others, as in a chunk.
  const bytes = Buffer.concat([Buffer.from('before'), encodeMessage({ body: BODY, ...message }), Buffer.from('after')]);
  source.turnTo(bytes, 6, bytes.length - 5);
  return names.map((name) => source.value(name));
}

/** What a decoded value is to a selector. */
function scalarOf(value: AmqpValue | undefined): Scalar {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint')
    return value;
  if (value instanceof Date) return value.getTime();
  if (value instanceof AmqpTyped)
    return ['uuid', 'char', 'decimal32', 'decimal64', 'decimal128'].includes(value.type)
      ? null
      : (value.value as number | bigint);
  return Buffer.isBuffer(value) ? null : String(value);
}

describe('a message as a selector sees it', () => {
  it('finds application properties of every type among others', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        names.chain((all) => fc.tuple(fc.constant(all), fc.array(PRIMITIVE, { minLength: all.length }))),
        fc.boolean(),
        ([all, values], withOthers) => {
          const map = new AmqpMap(all.map((name, n) => [name, values[n] ?? null]));
          const others: Partial<Message> = withOthers
            ? {
                header: { durable: true },
                properties: { to: 'x' },
                messageAnnotations: new AmqpMap([[sym('x-opt-a'), [1, 2]]]),
              }
            : {};
          const seen = read({ ...others, applicationProperties: map }, ...all, 'is not there!');
          expect(seen).toEqual([...all.map((name) => scalarOf(map.get(name))), null]);
        },
      ),
    );
  });

  it('tells floating numbers without a fraction from integers', () => {
    const source = new EncodedMessageSource(['double', 'float', 'int', 'long', 'none']);
    const applicationProperties = new AmqpMap([
      ['double', new AmqpTyped('double', 7)],
      ['float', new AmqpTyped('float', 7)],
      ['int', new AmqpTyped('int', 7)],
      ['long', 7],
    ]);
    const bytes = encodeMessage({ applicationProperties, body: BODY });
    source.turnTo(bytes, 0, bytes.length);
    const told = ['double', 'float', 'int', 'long', 'none'].map((name) => source.approximate(name));
    expect(told).toEqual([true, true, false, false, false]);
  });

  it('keeps 64-bit integers exact', () => {
    const values = [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n - 1n, -(2n ** 53n) + 1n, -1n];
    const map = new AmqpMap(values.map((value, n) => [`n${n}`, value]));
    const seen = read({ applicationProperties: map }, ...values.map((_value, n) => `n${n}`));
    expect(seen).toEqual(values.map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)));
  });

  const full: Partial<Message> = {
    header: { durable: true, priority: 7, ttl: 5_000, firstAcquirer: true, deliveryCount: 2 },
    properties: {
      messageId: 'ID:1',
      userId: Buffer.from('ana'),
      to: 'queue/a',
      subject: 'kind',
      replyTo: 'queue/b',
      correlationId: 'c-1',
      contentType: 'text/plain',
      contentEncoding: 'gzip',
      absoluteExpiryTime: new Date(2_000),
      creationTime: new Date(1_000),
      groupId: 'g',
      groupSequence: 3,
      replyToGroupId: 'h',
    },
  };

  it.each([
    ['JMSDeliveryMode', 'PERSISTENT', 'NON_PERSISTENT'],
    ['JMSPriority', 7, 4],
    ['JMSMessageID', 'ID:1', null],
    ['JMSCorrelationID', 'c-1', null],
    ['JMSTimestamp', 1_000, null],
    ['JMSType', 'kind', null],
    ['JMSDestination', 'queue/a', null],
    ['JMSReplyTo', 'queue/b', null],
    ['JMSExpiration', 2_000, 0],
    ['JMSRedelivered', true, false],
    ['JMSXDeliveryCount', 3, 1],
    ['JMSXGroupID', 'g', null],
    ['JMSXGroupSeq', 3, null],
    ['JMSXUserID', 'ana', null],
    ['amqp.durable', true, false],
    ['amqp.delivery_mode', 'PERSISTENT', 'NON_PERSISTENT'],
    ['amqp.priority', 7, 4],
    ['amqp.ttl', 5_000, null],
    ['amqp.first_acquirer', true, false],
    ['amqp.delivery_count', 2, 0],
    ['amqp.redelivered', true, false],
    ['amqp.message_id', 'ID:1', null],
    ['amqp.user_id', 'ana', null],
    ['amqp.to', 'queue/a', null],
    ['amqp.subject', 'kind', null],
    ['amqp.jms_type', 'kind', null],
    ['amqp.reply_to', 'queue/b', null],
    ['amqp.correlation_id', 'c-1', null],
    ['amqp.content_type', 'text/plain', null],
    ['amqp.content_encoding', 'gzip', null],
    ['amqp.absolute_expiry_time', 2_000, null],
    ['amqp.creation_time', 1_000, null],
    ['amqp.group_id', 'g', null],
    ['amqp.group_sequence', 3, null],
    ['amqp.reply_to_group_id', 'h', null],
  ] as const)('%s is %p, and %p where nothing says it', (name, value, absent) => {
    // Whatever is asked for first: sections are looked for as far as they are needed.
    expect(read(full, name, 'JMSPriority', name)).toEqual([value, 7, value]);
    expect(read({ header: {}, properties: {} }, name)).toEqual([absent]);
    expect(read({}, name)).toEqual([absent]);
  });

  const uuid = new AmqpTyped('uuid', Buffer.from('00112233445566778899aabbccddeeff', 'hex'));
  it.each([
    ['text', 'a', 'a', 'ID:AMQP_NO_PREFIX:a', 'a'],
    ['text of a JMS client', 'ID:a', 'ID:a', 'ID:a', 'ID:a'],
    [
      'text that looks like an encoding',
      'ID:AMQP_UUID:a',
      'ID:AMQP_UUID:a',
      'ID:AMQP_STRING:ID:AMQP_UUID:a',
      'ID:AMQP_STRING:ID:AMQP_UUID:a',
    ],
    [
      'uuid',
      uuid,
      '00112233-4455-6677-8899-aabbccddeeff',
      'ID:AMQP_UUID:00112233-4455-6677-8899-aabbccddeeff',
      'ID:AMQP_UUID:00112233-4455-6677-8899-aabbccddeeff',
    ],
    ['ulong', new AmqpTyped('ulong', 300), '300', 'ID:AMQP_ULONG:300', 'ID:AMQP_ULONG:300'],
    [
      'greatest ulong',
      new AmqpTyped('ulong', 2n ** 64n - 1n),
      '18446744073709551615',
      'ID:AMQP_ULONG:18446744073709551615',
      'ID:AMQP_ULONG:18446744073709551615',
    ],
    ['binary', Buffer.from('fa01', 'hex'), 'FA01', 'ID:AMQP_BINARY:FA01', 'ID:AMQP_BINARY:FA01'],
    [
      'long binary',
      Buffer.alloc(300, 0xab),
      'AB'.repeat(300),
      `ID:AMQP_BINARY:${'AB'.repeat(300)}`,
      `ID:AMQP_BINARY:${'AB'.repeat(300)}`,
    ],
  ] as const)('an id that is a %s is told as JMS clients tell it', (_what, id, plain, message, correlation) => {
    const names = ['amqp.message_id', 'amqp.correlation_id', 'JMSMessageID', 'JMSCorrelationID'];
    const seen = read({ properties: { messageId: id, correlationId: id } }, ...names);
    expect(seen).toEqual([plain, plain, message, correlation]);
  });

  it('what lies behind the end of a head is absent, or an error, and nothing else', () => {
    const names = ['JMSType', 'a', 'JMSPriority', 'JMSMessageID'];
    const applicationProperties = new AmqpMap([['a', 'value']]);
    const bytes = encodeMessage({ ...full, applicationProperties, body: BODY });
    const whole: readonly Scalar[] = ['kind', 'value', 7, 'ID:1'];
    const absent: readonly Scalar[] = [null, null, 4, null];
    const source = new EncodedMessageSource(names);
    for (let end = 0; end <= bytes.length; end++) {
      source.turnTo(bytes, 0, end);
      names.forEach((name, n) => expect([whole[n], absent[n]]).toContain(source.value(name)));
    }
    expect(names.map((name) => source.value(name))).toEqual(whole);
  });

  it('bytes that are no message are an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (noise, section) => {
        const source = new EncodedMessageSource(['a', 'JMSType', 'JMSXUserID', 'JMSMessageID', 'JMSPriority']);
        const bytes = Buffer.from(section ? [0, 0x53, 0x74, 0xc1, noise.length + 1, 4, ...noise] : noise);
        for (const name of ['a', 'JMSType', 'JMSXUserID', 'JMSMessageID', 'JMSPriority']) {
          source.turnTo(bytes, 0, bytes.length);
          try {
            source.value(name);
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('knows nothing of a message that it has left', () => {
    const source = new EncodedMessageSource(['a', 'JMSType']);
    const bytes = encodeMessage({ ...full, applicationProperties: new AmqpMap([['a', 1]]), body: BODY });
    source.turnTo(bytes, 0, bytes.length);
    expect([source.value('a'), source.value('JMSType')]).toEqual([1, 'kind']);
    source.leave();
    expect([source.value('a'), source.value('JMSType')]).toEqual([null, null]);
    source.turnTo(bytes, 0, bytes.length);
    expect(source.value('a')).toBe(1);
  });
});
