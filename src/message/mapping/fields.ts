import type { MessageHeader, MessageProperties } from '../message';

/** Protocols that a message of AMQP is mapped to and from. MQTT 3.1.1 carries the body alone, and no field. */
export type Protocol = 'mqtt5' | 'stomp' | 'http' | 'kafka';

/** What a field holds in AMQP. */
export type FieldType = 'boolean' | 'ubyte' | 'uint' | 'string' | 'symbol' | 'id' | 'binary' | 'timestamp';

/**
 * How a protocol writes a field by a name of its own (`field-codecs.ts`). `text` is the text that namespaced entries have too; `qos` and
 * `lifetime` depend on more than the field and are in `mqtt.ts`.
 */
export type NativeForm =
  'text' | 'topic' | 'correlation' | 'destination' | 'epochText' | 'epochMs' | 'key' | 'lifetime' | 'qos';

export interface NativeField {
  readonly name: string;
  readonly form: NativeForm;
}

interface Row {
  readonly type: FieldType;
  /** Its name behind the prefix of entries of ours, where the protocol has none of its own or cannot say the value. */
  readonly entry: string;
  /** False for what is told to others and not taken from them. */
  readonly taken: boolean;
  readonly native: Readonly<Partial<Record<Protocol, NativeField>>>;
  /** For readers of the reference. */
  readonly remark?: string;
}

export type FieldRow = Row &
  (
    | { readonly section: 'header'; readonly field: keyof MessageHeader }
    | { readonly section: 'properties'; readonly field: keyof MessageProperties }
  );

/** Entries of ours among user properties and headers begin so, in small letters; an HTTP client may write `Fairlead-`. */
export const ENTRY_PREFIX = 'fairlead-';

const NONE = {} as const;

function text(name: string): NativeField {
  return { name, form: 'text' };
}

/** The header and the properties of a message, and what each protocol has for them. `docs/reference/message-mapping.md` is made from it. */
export const FIELDS: readonly FieldRow[] = [
  {
    section: 'header',
    field: 'durable',
    type: 'boolean',
    entry: 'durable',
    taken: true,
    native: { mqtt5: { name: 'QoS', form: 'qos' }, stomp: text('persistent') },
    remark: 'a publish with QoS 1 or 2 is durable; what others published is delivered with the QoS of the subscription',
  },
  {
    section: 'header',
    field: 'priority',
    type: 'ubyte',
    entry: 'priority',
    taken: true,
    native: { stomp: text('priority') },
  },
  {
    section: 'header',
    field: 'ttl',
    type: 'uint',
    entry: 'ttl',
    taken: true,
    native: { mqtt5: { name: 'messageExpiryInterval', form: 'lifetime' } },
    remark: 'milliseconds; MQTT has whole seconds, rounded up, and is told what is left',
  },
  {
    section: 'header',
    field: 'firstAcquirer',
    type: 'boolean',
    entry: 'first-acquirer',
    taken: false,
    native: NONE,
    remark: 'of a delivery: told, not taken',
  },
  {
    section: 'header',
    field: 'deliveryCount',
    type: 'uint',
    entry: 'delivery-count',
    taken: false,
    native: NONE,
    remark: 'of a delivery: told, not taken',
  },
  {
    section: 'properties',
    field: 'messageId',
    type: 'id',
    entry: 'message-id',
    taken: true,
    native: NONE,
    remark: "STOMP's own `message-id` is of the delivery",
  },
  { section: 'properties', field: 'userId', type: 'binary', entry: 'user-id', taken: true, native: NONE },
  {
    section: 'properties',
    field: 'subject',
    type: 'string',
    entry: 'subject',
    taken: true,
    native: { stomp: text('type') },
    remark: 'what JMS calls the type',
  },
  {
    section: 'properties',
    field: 'replyTo',
    type: 'string',
    entry: 'reply-to',
    taken: true,
    native: { mqtt5: { name: 'responseTopic', form: 'topic' }, stomp: { name: 'reply-to', form: 'destination' } },
  },
  {
    section: 'properties',
    field: 'correlationId',
    type: 'id',
    entry: 'correlation-id',
    taken: true,
    native: { mqtt5: { name: 'correlationData', form: 'correlation' }, stomp: text('correlation-id') },
  },
  {
    section: 'properties',
    field: 'contentType',
    type: 'symbol',
    entry: 'content-type',
    taken: true,
    native: {
      mqtt5: text('contentType'),
      stomp: text('content-type'),
      http: text('content-type'),
      kafka: text('content-type'),
    },
    remark: 'what is no ASCII is kept in the annotation `x-opt-content-type`',
  },
  {
    section: 'properties',
    field: 'contentEncoding',
    type: 'symbol',
    entry: 'content-encoding',
    taken: true,
    native: { stomp: text('content-encoding'), http: text('content-encoding') },
  },
  {
    section: 'properties',
    field: 'absoluteExpiryTime',
    type: 'timestamp',
    entry: 'absolute-expiry-time',
    taken: true,
    native: {
      mqtt5: { name: 'messageExpiryInterval', form: 'lifetime' },
      stomp: { name: 'expires', form: 'epochText' },
    },
    remark: 'what MQTT publishes with an interval gets both; the earlier one is told to MQTT',
  },
  {
    section: 'properties',
    field: 'creationTime',
    type: 'timestamp',
    entry: 'creation-time',
    taken: true,
    native: { stomp: { name: 'timestamp', form: 'epochText' }, kafka: { name: 'timestamp', form: 'epochMs' } },
  },
  {
    section: 'properties',
    field: 'groupId',
    type: 'string',
    entry: 'group-id',
    taken: true,
    native: { stomp: text('JMSXGroupID'), kafka: { name: 'key', form: 'key' } },
    remark: 'a key of Kafka that is no UTF-8 is kept in the annotation `x-opt-kafka-key`',
  },
  {
    section: 'properties',
    field: 'groupSequence',
    type: 'uint',
    entry: 'group-sequence',
    taken: true,
    native: { stomp: text('JMSXGroupSeq') },
  },
  {
    section: 'properties',
    field: 'replyToGroupId',
    type: 'string',
    entry: 'reply-to-group-id',
    taken: true,
    native: NONE,
  },
];

/** Annotations that stand for what one protocol alone has, or for what AMQP's own field cannot hold. */
export const ANNOTATION = {
  mqttQos: 'x-opt-mqtt-qos',
  mqttRetain: 'x-opt-mqtt-retain',
  mqttPayloadFormat: 'x-opt-mqtt-payload-format',
  kafkaKey: 'x-opt-kafka-key',
  kafkaTombstone: 'x-opt-kafka-tombstone',
  contentType: 'x-opt-content-type',
  /** Map of what else a property that came several times said, by its name. */
  repeated: 'x-opt-repeated-properties',
} as const;

/** Names of entries of ours that are no field of the above. */
export const ENTRY = {
  /** What kind of body it was: see `body.ts`. */
  body: `${ENTRY_PREFIX}body`,
  /** Message annotations, and the footer, as typed JSON. */
  annotations: `${ENTRY_PREFIX}annotations`,
  footer: `${ENTRY_PREFIX}footer`,
  /** Application properties that the protocol cannot say one by one, as typed JSON. */
  properties: `${ENTRY_PREFIX}properties`,
  /** Behind it the name of an application property, whose type it says. */
  typePrefix: `${ENTRY_PREFIX}type-`,
} as const;
