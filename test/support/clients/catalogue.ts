import { SECTION, section } from './sections';
import { tag, type Tagged } from './tagged';

/** A named message of a catalogue that holds every type and every section that AMQP has. */
export interface Specimen {
  readonly name: string;
  readonly payload: Buffer;
}

const { string, symbol, binary, boolean, whole, list, map } = tag;
const UUID: Tagged = { t: 'uuid', v: '00112233445566778899aabbccddeeff' };
const NOTHING: Tagged = { t: 'null' };

/** Values of every primitive type, at their edges. */
const PRIMITIVES: readonly Tagged[] = [
  NOTHING,
  boolean(true),
  boolean(false),
  ...[0, 255].map((v) => whole('ubyte', v)),
  ...[0, 65_535].map((v) => whole('ushort', v)),
  ...[0, 1, 255, 256, 4_294_967_295].map((v) => whole('uint', v)),
  ...[0n, 255n, 256n, 2n ** 64n - 1n].map((v) => whole('ulong', v)),
  ...[-128, 127].map((v) => whole('byte', v)),
  ...[-32_768, 32_767].map((v) => whole('short', v)),
  ...[-128, 127, 128, -2_147_483_648, 2_147_483_647].map((v) => whole('int', v)),
  ...[-128n, 127n, 128n, -(2n ** 63n), 2n ** 63n - 1n].map((v) => whole('long', v)),
  { t: 'float', v: 0.5 },
  { t: 'double', v: -1.7976931348623157e308 },
  { t: 'decimal32', v: '22500001' },
  { t: 'decimal64', v: '2238000000000001' },
  { t: 'decimal128', v: '22080000000000000000000000000001' },
  whole('char', 0x1f600),
  whole('timestamp', 1_700_000_000_123n),
  whole('timestamp', -1n),
  UUID,
  binary(Buffer.alloc(0)),
  binary(Buffer.from([0, 255, 0x53, 0x75])),
  binary(Buffer.alloc(300, 7)),
  string(''),
  string('søster ☃ 😀'),
  string('long '.repeat(60)),
  symbol('x-opt-test'),
  symbol('s'.repeat(256)),
];

const array = (of: string, ...v: readonly Tagged[]): Tagged => ({ t: 'array', of, v });
const described = (d: Tagged, v: Tagged): Tagged => ({ t: 'described', d, v });

/** Every type as the element of an array. */
const ARRAYS: readonly Tagged[] = [
  ...new Map(PRIMITIVES.map((value) => [value.t, array(value.t, value, value)])).values(),
  array('list', list(whole('uint', 1)), list(string('two'), NOTHING)),
  array('map', map([string('a'), whole('int', 1)])),
  array('array', array('int', whole('int', 1)), array('string', string('x'))),
  { ...array('string', string('one'), string('two')), d: symbol('test:described:string') },
];

const NESTED: readonly Tagged[] = [
  list(),
  list(list(list(list(list(string('five deep')))))),
  map(),
  map([string('k'), map([symbol('inner'), list(UUID, binary(Buffer.from('b')))])], [whole('ulong', 7), boolean(false)]),
  list(...Array.from({ length: 300 }, (_, n) => whole('int', n))),
  described(symbol('test:thing:list'), list(string('a'), whole('int', 1))),
  described(whole('ulong', 0x0000468c00000001n), map([string('x'), { t: 'double', v: 1.5 }])),
  described(symbol('outer'), described(whole('ulong', 5), UUID)),
];

const HEADER = section(
  SECTION.header,
  list(boolean(true), whole('ubyte', 9), whole('uint', 3_600_000), boolean(true), whole('uint', 3)),
);
const DELIVERY_ANNOTATIONS = section(SECTION.deliveryAnnotations, map([symbol('x-opt-hop'), string('first')]));
const MESSAGE_ANNOTATIONS = section(
  SECTION.messageAnnotations,
  map(
    [symbol('x-opt-jms-msg-type'), whole('byte', 5)],
    [symbol('x-opt-nested'), list(UUID, map([string('a'), NOTHING]))],
  ),
);
const APPLICATION_PROPERTIES = section(
  SECTION.applicationProperties,
  map(...PRIMITIVES.map((value, n) => [string(`${value.t}-${n}`), value] as const)),
);
const FOOTER = section(SECTION.footer, map([symbol('x-opt-crc'), binary(Buffer.from([1, 2, 3, 4]))]));

/** All thirteen fields. */
function properties(messageId: Tagged, correlationId: Tagged): Buffer {
  const [expiry, creation] = [whole('timestamp', 4_102_444_800_000n), whole('timestamp', 1_700_000_000_000n)];
  const ids = [
    messageId,
    binary(Buffer.from('user')),
    string('topic/elsewhere'),
    string('subject'),
    string('reply/to'),
  ];
  const content = [correlationId, symbol('application/json'), symbol('gzip'), expiry, creation];
  return section(
    SECTION.properties,
    list(...ids, ...content, string('group'), whole('uint', 42), string('reply-group')),
  );
}

const value = (body: Tagged, wide = false): Buffer => section(SECTION.value, body, wide);
const data = (body: Buffer | string): Buffer => section(SECTION.data, binary(Buffer.from(body)));
const sequence = (...body: readonly Tagged[]): Buffer => section(SECTION.sequence, list(...body));
const ANY_PROPERTIES = properties(string('id-1'), string('id-0'));

function named(what: string, values: readonly Tagged[]): Specimen[] {
  return values.flatMap((body, n) => {
    const name = `${what} ${n}, ${body.t}${body.of ? ` of ${body.of}` : ''}`;
    return [
      { name, payload: value(body) },
      { name: `${name}, wide`, payload: value(body, true) },
    ];
  });
}

function message(name: string, ...sections: readonly Buffer[]): Specimen {
  return { name, payload: Buffer.concat(sections) };
}

const ALL_BEFORE_BODY = [HEADER, DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS, ANY_PROPERTIES, APPLICATION_PROPERTIES];

const SECTIONS: readonly Specimen[] = [
  message('all sections, data', ...ALL_BEFORE_BODY, data('body'), FOOTER),
  message('all sections, several data', ...ALL_BEFORE_BODY, data('one'), data(''), data('three'), FOOTER),
  message('all sections, several sequences', ...ALL_BEFORE_BODY, sequence(string('a')), sequence(), FOOTER),
  message('all sections, value', ...ALL_BEFORE_BODY, value(map([string('k'), UUID])), FOOTER),
  message('header alone before the body', HEADER, data('x')),
  message('empty header, properties and maps', ...[0x70, 0x73].map((code) => section(code, list())), data('x')),
  message('delivery annotations alone', DELIVERY_ANNOTATIONS, data('x')),
  message('footer alone behind the body', data('x'), FOOTER),
  message('message-id ulong', properties(whole('ulong', 2n ** 64n - 1n), whole('ulong', 0)), data('x')),
  message('message-id uuid', properties(UUID, UUID), data('x')),
  message('message-id binary', properties(binary(Buffer.from([0, 1])), binary(Buffer.alloc(0))), data('x')),
  message(
    'sections with wide constructors',
    section(SECTION.header, list(boolean(true)), true),
    value(string('x'), true),
  ),
];

export const SPECIMENS: readonly Specimen[] = [
  ...named('value', PRIMITIVES),
  ...named('array', ARRAYS),
  ...named('nested', NESTED),
  ...SECTIONS,
];

/** The values alone, for encoders and decoders of clients. */
export const VALUES: readonly Tagged[] = [...PRIMITIVES, ...ARRAYS, ...NESTED];

/** Every field of every section as proton's message has them. */
export const EVERY_FIELD = {
  durable: boolean(true),
  priority: whole('ubyte', 7),
  ttl: { t: 'double', v: 60 } satisfies Tagged,
  first_acquirer: boolean(true),
  delivery_count: whole('uint', 2),
  id: string('message-1'),
  user_id: binary(Buffer.from('user')),
  address: string('topic/elsewhere'),
  subject: string('subject'),
  reply_to: string('reply/to'),
  correlation_id: whole('ulong', 77),
  content_type: symbol('application/json'),
  content_encoding: symbol('gzip'),
  expiry_time: { t: 'double', v: 4_102_444_800 } satisfies Tagged,
  creation_time: { t: 'double', v: 1_700_000_000 } satisfies Tagged,
  group_id: string('group'),
  group_sequence: whole('uint', 42),
  reply_to_group_id: string('reply-group'),
  delivery_annotations: map([symbol('x-opt-hop'), string('first')]),
  message_annotations: map([symbol('x-opt-note'), list(whole('int', 5), UUID)]),
  properties: map([string('tenant'), string('acme')], [string('rate'), { t: 'float', v: 0.5 }]),
} as const;
