import { RENDERED_TYPE } from './body';
import { ANNOTATION, ENTRY, ENTRY_PREFIX, FIELDS, type FieldRow, type NativeField, type Protocol } from './fields';

interface ProtocolPage {
  readonly title: string;
  readonly words: readonly string[];
  /** What the protocol calls a name of its own. */
  readonly native: (field: NativeField) => string;
  /** Rows beside those of the header and the properties. */
  readonly more: readonly (readonly [string, string])[];
}

function code(text: string): string {
  return `\`${text}\``;
}

const PAGES: Readonly<Record<Protocol, ProtocolPage>> = {
  mqtt5: {
    title: 'MQTT 5',
    words: [
      'Properties of PUBLISH. What MQTT has no property for is a user property; texts of more than 65,535 bytes come as several of one name.',
    ],
    native: ({ name, form }) => (form === 'qos' ? 'QoS' : spaced(name)),
    more: [
      ['properties: `to`', 'topic name: `a/b` is `topic/a.b`, `$queue/x` is `queue/x`'],
      [`annotation ${code(ANNOTATION.mqttQos)}`, 'QoS of the publish; others than MQTT are not told'],
      [`annotation ${code(ANNOTATION.mqttRetain)}`, 'RETAIN; others than MQTT are not told'],
      [
        `annotation ${code(ANNOTATION.mqttPayloadFormat)}`,
        'payload format indicator; a body that is text in AMQP has it set',
      ],
      ['application property', 'user property of the same name'],
      [`annotation ${code(ANNOTATION.repeated)}`, 'further values of a user property that comes several times'],
      [
        'CloudEvents attribute `cloudEvents_id`',
        'user property `id`, in a message with all of `specversion`, `id`, `source`, `type`',
      ],
    ],
  },
  stomp: {
    title: 'STOMP',
    words: [
      'Headers of SEND and MESSAGE. Clients of STOMP 1.0, which has no escapes, get properties that hold line feeds, or colons in their names, in `fairlead-properties`.',
    ],
    native: ({ name }) => code(name),
    more: [
      ['properties: `to`', '`destination`: `/topic/a.b` is `topic/a.b`, `/queue/x` is `queue/x`'],
      ['application property', 'header of the same name'],
      ['CloudEvents attribute `cloudEvents:id`', 'header `cloudEvents_id`'],
    ],
  },
  http: {
    title: 'HTTP',
    words: [
      'Headers of a request or a response with one message. Texts are percent-encoded UTF-8 where they are not printable ASCII; in names, small letters stand for themselves and capital ones are encoded, for their case does not last: `orderId` is `fairlead-property-order%49d`. Other headers are of the request, and of no message.',
    ],
    native: ({ name }) => code(name),
    more: [
      ['properties: `to`', 'the address in the path'],
      ['application property', '`fairlead-property-` and its name'],
      ['CloudEvents attribute `cloudEvents_id`', '`ce-id`'],
    ],
  },
  kafka: {
    title: 'Kafka',
    words: ['A record: its key, its timestamp and its headers, whose values are UTF-8.'],
    native: ({ name, form }) => (form === 'text' ? `header ${code(name)}` : name),
    more: [
      ['properties: `to`', 'not told: the topic is chosen by the bridge'],
      ['application property', 'header of the same name; one that is null, or bytes that are no UTF-8, as it is'],
      [`annotation ${code(ANNOTATION.kafkaKey)}`, 'a key that is no UTF-8; null: there is none'],
      [`annotation ${code(ANNOTATION.kafkaTombstone)}`, 'a value that is null'],
      [`annotation ${code(ANNOTATION.repeated)}`, 'further values of a header that comes several times'],
      [
        'CloudEvents attribute `cloudEvents_id`',
        'header `ce_id`; `partitionkey` is the key too, unless there is a group',
      ],
    ],
  },
};

/** As the specification of MQTT writes it. */
function spaced(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function rowOf(row: FieldRow, protocol: Protocol): string {
  const native = row.native[protocol];
  const entry = code(ENTRY_PREFIX + row.entry);
  const words = native === undefined ? entry : PAGES[protocol].native(native);
  const told = row.taken ? '' : ' (told, not taken)';
  return `| ${row.section}: ${code(kebab(row.field))} | ${row.type} | ${words}${told} |`;
}

function pageOf(protocol: Protocol): string[] {
  const { title, words, more } = PAGES[protocol];
  return [
    `## ${title}`,
    '',
    ...words,
    '',
    `| AMQP | type | ${title} |`,
    '| --- | --- | --- |',
    ...FIELDS.map((row) => rowOf(row, protocol)),
    ...more.map(([amqp, said]) => `| ${amqp} | | ${said} |`),
    '',
  ];
}

const INTRODUCTION = `# What messages become in other protocols

A message of Fairlead is an AMQP 1.0 message, whatever protocol brought it. This page says what each part of one is called by clients of
other protocols. It is made from the table that the code goes by (\`src/message/mapping/fields.ts\`); \`npm run docs:reference\` writes it.

- A field for which a protocol has a name of its own has that name.
- What it has none for, or cannot say, travels beside the body in a user property or header that begins with \`${ENTRY_PREFIX}\`, and is the
  same field again, with its type, when it comes back. Clients may read and write these. Other names that begin so are refused.
- A message that cannot be taken over is refused with \`FL_MESSAGE_FIELD\`, which names the property or header.
- MQTT 3.1.1 carries the body alone, with QoS and RETAIN.`;

const OTHERS: readonly (readonly [string, string])[] = [
  [
    code(`${ENTRY.typePrefix}NAME`),
    'type of the application property NAME, where it is no string: `int`, `double`, `timestamp`, …',
  ],
  [code(ENTRY.properties), 'application properties that the protocol cannot say one by one, as a JSON object'],
  [
    code(ENTRY.annotations),
    'message annotations, as a JSON object; those of the mesh itself (`x-opt-fairlead-…`) are left out, whoever sets them',
  ],
  [code(ENTRY.footer), 'the footer, as a JSON object'],
  [code(ENTRY.body), 'what the body is, where it is not one section of bytes'],
  [code(`${ENTRY_PREFIX}mesh-NAME`), 'the annotation `x-opt-fairlead-NAME`: told, not taken'],
];

const BODIES: readonly (readonly [string, string, string])[] = [
  ['one data section', 'its bytes', 'none'],
  ['several data sections', 'their bytes, one behind the other', '`data` and the length of each: `data 3 4`'],
  ['a value that is a string', 'its UTF-8', '`string`'],
  ['a value that is binary', 'its bytes', '`binary`'],
  ['a value that is null', 'nothing', '`null`'],
  ['any other value', 'typed JSON', '`value`'],
  ['sequences', 'typed JSON: an array of their lists', '`sequence`'],
];

const TAIL = `Typed JSON has content type \`${RENDERED_TYPE}\`, unless the message has one of its own. Texts, truth values, null, lists, and
maps whose keys are texts are what they are in JSON; a whole number is a long, one with a fraction a double. Every other type is an object with
one key: \`{"$int":"5"}\`, \`{"$uuid":"…"}\`, \`{"$timestamp":"2026-01-31T00:00:00.000Z"}\`, \`{"$binary":"BASE64"}\`,
\`{"$map":[[KEY,VALUE],…]}\` for maps with other keys, \`{"$described":[DESCRIPTOR,VALUE]}\`, and \`{"$amqp":"BASE64"}\` for arrays, as
AMQP encodes them.

A message-id or correlation-id that is no string is a text that begins with \`ID:AMQP_UUID:\`, \`ID:AMQP_ULONG:\` or \`ID:AMQP_BINARY:\`, as
JMS clients have them; in MQTT's correlation data, bytes that are no UTF-8 stand for themselves. A text that cannot stand in a user property
or header as it is, is a JSON string behind \`json:\`.

Delivery annotations are of one hop, and are not carried.`;

const EVENTS = `## CloudEvents

Events in binary mode have their attributes where the binding of each protocol has them: application properties \`cloudEvents_NAME\` in AMQP
(\`cloudEvents:NAME\` is understood), user properties in MQTT 5, headers \`ce-NAME\` in HTTP and \`ce_NAME\` in Kafka; \`datacontenttype\` is
the content type. Events in structured mode, with content type \`application/cloudevents+json\`, go from one protocol to another as they are. Of a batch
(\`application/cloudevents-batch+json\`) each event is a message of its own, in binary mode.`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** docs/reference/message-mapping.md, before it is made even. */
export function mappingReferencePage(): string {
  const remarks = FIELDS.filter(({ remark }) => remark !== undefined);
  return [
    INTRODUCTION,
    '',
    ...(Object.keys(PAGES) as Protocol[]).flatMap(pageOf),
    '## What is to be said of some',
    '',
    ...remarks.map((row) => `- ${code(kebab(row.field))}: ${row.remark ?? ''}.`),
    '',
    '## Beside fields, in all of these',
    '',
    ...table(['user property or header', 'is'], OTHERS),
    '',
    '## Bodies',
    '',
    ...table(['body in AMQP', 'its bytes elsewhere', `${code(ENTRY.body)} says`], BODIES),
    '',
    TAIL,
    '',
    EVENTS,
    '',
  ].join('\n');
}
