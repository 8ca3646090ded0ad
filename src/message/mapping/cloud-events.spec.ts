import * as fc from 'fast-check';
import { AmqpMap, AmqpTyped } from '../../amqp/codec/values';
import { decodeMessage } from '../decode-message';
import { dataBody, textBody, type Message } from '../message';
import {
  EVENT_TYPE,
  isEventBatch,
  isStructuredEvent,
  splitBatch,
  toBinaryEvent,
  toStructuredEvent,
} from './cloud-events';
import { MessageFieldError } from './errors';
import { amqpToHttp } from './http';
import { BYTES, TEXT } from './mapping.fixture';
import { amqpToMqtt } from './mqtt';
import { encodeMessage } from '../encode-message';

const REQUIRED = { specversion: '1.0', id: '1', source: '/s', type: 't' };

function structured(event: unknown): Message {
  const text = typeof event === 'string' ? event : JSON.stringify(event);
  return { properties: { contentType: EVENT_TYPE }, body: dataBody(Buffer.from(text)) };
}

function bodyOf({ body }: Message): string {
  return body.kind === 'data' ? Buffer.concat(body.parts).toString() : '';
}

function attributes(message: Message): Record<string, unknown> {
  return Object.fromEntries([...(message.applicationProperties ?? [])].map(([key, value]) => [key as string, value]));
}

describe('an event in structured mode as one in binary mode (CloudEvents 1.0, JSON event format)', () => {
  it('has its attributes as properties, and its data as the body', () => {
    const event = {
      ...REQUIRED,
      time: '2026-01-01T00:00:00.123456789+02:00',
      count: 5,
      ok: true,
      none: null,
      data: { a: [1] },
    };
    const message = toBinaryEvent(structured(event));
    expect(attributes(message)).toEqual({
      cloudEvents_specversion: '1.0',
      cloudEvents_id: '1',
      cloudEvents_source: '/s',
      cloudEvents_type: 't',
      cloudEvents_time: event.time,
      cloudEvents_count: 5,
      cloudEvents_ok: true,
    });
    expect(message.properties?.contentType).toBe('application/json');
    expect(bodyOf(message)).toBe('{"a":[1]}');
  });

  it.each([
    ['text', { datacontenttype: 'text/plain', data: 'é' }, 'é', 'text/plain'],
    ['bytes', { datacontenttype: 'image/png', data_base64: 'AQI=' }, '\x01\x02', 'image/png'],
    ['text in JSON', { data: 'é' }, '"é"', 'application/json'],
    [
      'JSON of another name',
      { datacontenttype: 'application/vnd.x+json; v=1', data: 'a' },
      '"a"',
      'application/vnd.x+json; v=1',
    ],
    ['null', { data: null }, 'null', 'application/json'],
    ['none', {}, '', undefined],
  ])('takes data that is %s', (_what, data, body, contentType) => {
    const message = toBinaryEvent(structured({ ...REQUIRED, ...data }));
    expect(bodyOf(message)).toBe(body);
    expect(message.properties?.contentType).toBe(contentType);
  });

  it('leaves JSON as it stands, long numbers and the order of names too', () => {
    const data = '{ "2": 123456789012345678901234567890, "1": 1.10, "]}": "\\"}" }';
    const text = `{"data":[],"specversion":"1.0","id":"1", "data" : ${data} ,"source":"s","type":"t"}`;
    const message = toBinaryEvent(structured(text));
    expect(bodyOf(message)).toBe(data);
    expect(bodyOf(toStructuredEvent(message))).toContain(`"data":${data}`);
  });

  it.each([
    ['body', 'x'],
    ['body', '[]'],
    ['body', 'null'],
    ['body.id', { ...REQUIRED, id: 5 }],
    ['body.source', { ...REQUIRED, source: undefined }],
    ['body.Name', { ...REQUIRED, Name: 'x' }],
    ['body.list', { ...REQUIRED, list: [] }],
    ['body.number', { ...REQUIRED, number: 1.5 }],
    ['body.large', { ...REQUIRED, large: 2 ** 40 }],
    ['body.datacontenttype', { ...REQUIRED, datacontenttype: 5 }],
    ['body.data_base64', { ...REQUIRED, data: 1, data_base64: '' }],
    ['body.data_base64', { ...REQUIRED, data_base64: 5 }],
  ])('refuses what is none, naming %s', (field, event) => {
    expect(() => toBinaryEvent(structured(event))).toThrow(
      expect.objectContaining({ field, code: 'FL_MESSAGE_FIELD' }),
    );
  });

  it('never fails in another way', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          TEXT,
          fc
            .dictionary(fc.constantFrom(...Object.keys(REQUIRED), 'data', 'x'), fc.jsonValue())
            .map((value) => JSON.stringify(value)),
        ),
        (text) => {
          try {
            toBinaryEvent(structured(text));
          } catch (error) {
            expect(error).toBeInstanceOf(MessageFieldError);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

const NAME = fc.stringMatching(/^[a-z0-9]{1,20}$/).filter((name) => !['data', 'datacontenttype'].includes(name));
const VALUE = fc.oneof(TEXT, fc.boolean(), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
const DATA = fc.oneof(
  fc.json().map((text) => ['application/json', Buffer.from(text)] as const),
  BYTES.map((bytes) => ['application/octet-stream', bytes] as const),
  TEXT.map((text) => ['text/plain', Buffer.from(text)] as const),
  BYTES.map((bytes) => ['application/json', bytes] as const),
);
const EVENT: fc.Arbitrary<Message> = fc
  .tuple(fc.record({ id: TEXT, source: TEXT, type: TEXT }), fc.dictionary(NAME, VALUE, { maxKeys: 5 }), DATA)
  .map(([required, more, [contentType, data]]) => {
    const all = Object.entries({ ...more, ...required, specversion: '1.0' });
    return {
      properties: { contentType },
      applicationProperties: new AmqpMap(all.map(([name, value]) => [`cloudEvents_${name}`, value] as const)),
      body: dataBody(data),
    };
  });

describe('an event in binary mode as one in structured mode', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(EVENT, (event) => {
        const back = toBinaryEvent(toStructuredEvent(event));
        expect(attributes(back)).toEqual(attributes(event));
        expect(bodyOf(back)).toBe(bodyOf(event));
        expect(back.properties).toEqual(event.properties);
      }),
      { numRuns: 300 },
    );
  });

  it('has other properties beside it, and types that JSON has not as text', () => {
    const properties = new AmqpMap([
      ...Object.entries(REQUIRED).map(([name, value]) => [`cloudEvents:${name}`, value] as const),
      ['cloudEvents:time', new Date(0)],
      ['cloudEvents:n', new AmqpTyped('int', 5)],
      ['own', new AmqpTyped('int', 6)],
    ]);
    const message = toStructuredEvent({ applicationProperties: properties, body: textBody('hé') });
    expect(JSON.parse(bodyOf(message))).toEqual({
      ...REQUIRED,
      time: '1970-01-01T00:00:00.000Z',
      n: 5,
      data_base64: 'aMOp',
    });
    expect(message.applicationProperties).toEqual(new AmqpMap([['own', new AmqpTyped('int', 6)]]));
  });

  it('is refused when it is none', () => {
    expect(() => toStructuredEvent({ body: textBody('') })).toThrow(MessageFieldError);
  });
});

describe('a batch of events', () => {
  it('is a message for each', () => {
    const batch = `[ ${[1, 2].map((id) => JSON.stringify({ ...REQUIRED, id: String(id), data: id })).join(' ,\n')} ]`;
    const messages = splitBatch(Buffer.from(batch), 'topic/a', 2).map((bytes) => decodeMessage(bytes));
    expect(messages.map(bodyOf)).toEqual(['1', '2']);
    expect(messages[1]).toMatchObject({ properties: { to: 'topic/a', contentType: 'application/json' } });
    expect(splitBatch(Buffer.from('[]'), 'topic/a', 2)).toEqual([]);
  });

  it('names what is wrong in it by its place', () => {
    const bad = Buffer.from(JSON.stringify([REQUIRED, { ...REQUIRED, id: 1 }]));
    expect(() => splitBatch(bad, 'topic/a', 5)).toThrow(expect.objectContaining({ field: 'body[1].id' }));
    expect(() => splitBatch(Buffer.from('{}'), 'topic/a', 5)).toThrow(MessageFieldError);
    expect(() => splitBatch(Buffer.from('[1,2,3]'), 'topic/a', 2)).toThrow(/more than 2/);
  });

  it('is known by its content type, as an event is', () => {
    expect(isStructuredEvent('application/cloudevents+json; charset=utf-8')).toBe(true);
    expect(isStructuredEvent('application/json')).toBe(false);
    expect(isEventBatch('Application/CloudEvents-Batch+JSON')).toBe(true);
    expect(isEventBatch(undefined)).toBe(false);
  });
});

describe('bindings of CloudEvents', () => {
  const event = encodeMessage({
    properties: { contentType: 'application/json' },
    applicationProperties: new AmqpMap([
      ...Object.entries(REQUIRED).map(([name, value]) => [`cloudEvents:${name}`, value] as const),
      ['region', 'eu'],
    ]),
    body: dataBody(Buffer.from('{}')),
  });

  it('MQTT 5 has attributes without a prefix, and what is none apart', () => {
    expect(amqpToMqtt(event, 0, event.length, 0).properties).toEqual({
      contentType: 'application/json',
      userProperties: Object.assign(Object.create(null), { ...REQUIRED, 'fairlead-properties': '{"region":"eu"}' }),
    });
  });

  it('HTTP has them behind ce-', () => {
    expect(amqpToHttp(event, 0, event.length).headers).toEqual({
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': '/s',
      'ce-type': 't',
      'fairlead-property-region': 'eu',
    });
  });
});
