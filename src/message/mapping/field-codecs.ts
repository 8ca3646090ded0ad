import type { AmqpValue } from '../../amqp/codec/values';
import { MessageFieldError } from './errors';
import type { FieldType, NativeForm } from './fields';
import { idToText, parseIdText } from './id-text';
import { addressOfTarget, MQTT_TEXT_BYTES_MAX, parseTopicName, topicOfAddress } from './mqtt-topic';
import { isAscii, parseScalarText, scalarText } from './scalar-text';
import { addressOfDestination, destinationOfAddress } from './stomp-destination';

/** The value of a field as `Message` has it. */
export type FieldValue = AmqpValue;

/** What stands for it in a protocol. */
export type NativeValue = string | number | Buffer;

/** The text of a field, as headers and entries of ours have it. */
export function fieldText(type: FieldType, value: FieldValue): string {
  if (type === 'id') return idToText(value);
  return scalarText(value)?.text ?? '';
}

/** @throws MessageFieldError when the text is no value of that type */
export function parseFieldText(type: FieldType, text: string, name: string): FieldValue {
  switch (type) {
    case 'id':
      return parseIdText(text);
    case 'symbol':
      if (!isAscii(text)) throw new MessageFieldError(name, 'holds what is no ASCII');
      return text;
    case 'timestamp': {
      const time = parseScalarText('timestamp', text, name);
      if (!(time instanceof Date)) throw new MessageFieldError(name, 'is out of range');
      return time;
    }
    case 'ubyte':
    case 'uint':
      return numberOf(type, text, name);
    default:
      return parseScalarText(type, text, name);
  }
}

function numberOf(type: FieldType, text: string, name: string): number {
  const max = type === 'ubyte' ? 0xff : 0xffff_ffff;
  if (!/^\d{1,10}$/.test(text) || Number(text) > max)
    throw new MessageFieldError(name, `is no whole number from 0 to ${max}`);
  return Number(text);
}

interface NativeCodec {
  /** Undefined where the protocol cannot say the value. */
  readonly write: (value: FieldValue, type: FieldType) => NativeValue | undefined;
  /** @throws MessageFieldError */
  readonly read: (native: NativeValue, type: FieldType, name: string) => FieldValue;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null where bytes are no UTF-8. */
export function utf8Of(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

function timeOf(ms: number, name: string): Date {
  const time = new Date(ms);
  if (Number.isNaN(time.getTime())) throw new MessageFieldError(name, 'is no time in milliseconds');
  return time;
}

/** An id of bytes that are no text stands as it is; all others as the text of `id-text.ts`, which whoever answers sends back. */
const correlation: NativeCodec = {
  write: (value) => {
    const bytes = Buffer.isBuffer(value) && utf8Of(value) === null ? value : Buffer.from(idToText(value));
    return bytes.length > MQTT_TEXT_BYTES_MAX ? undefined : bytes;
  },
  read: (native) => {
    const text = utf8Of(native as Buffer);
    return text === null ? (native as Buffer) : parseIdText(text);
  },
};

export const NATIVE: Readonly<Record<Exclude<NativeForm, 'qos' | 'lifetime'>, NativeCodec>> = {
  text: {
    write: (value, type) => fieldText(type, value),
    read: (native, type, name) => parseFieldText(type, native as string, name),
  },
  topic: {
    write: (value) => topicOfAddress(value as string) ?? undefined,
    read: (native, _type, name) => addressOfTarget(parseTopicName(native as string, name)),
  },
  correlation,
  destination: {
    write: (value) => destinationOfAddress(value as string),
    read: (native) => addressOfDestination(native as string),
  },
  epochText: {
    write: (value) => String((value as Date).getTime()),
    read: (native, _type, name) => timeOf(/^-?\d{1,16}$/.test(native as string) ? Number(native) : Number.NaN, name),
  },
  epochMs: {
    // Before 1970 there is none.
    write: (value) => ((value as Date).getTime() < 0 ? undefined : (value as Date).getTime()),
    read: (native, _type, name) => timeOf(native as number, name),
  },
  key: {
    write: (value) => Buffer.from(value as string),
    read: (native) => utf8Of(native as Buffer),
  },
};

/** Whether two values of a field are the same. */
export function sameField(type: FieldType, one: FieldValue, other: FieldValue): boolean {
  return fieldText(type, one) === fieldText(type, other);
}

export function sameNative(one: NativeValue | undefined, other: NativeValue | undefined): boolean {
  if (Buffer.isBuffer(one) && Buffer.isBuffer(other)) return one.equals(other);
  return one === other;
}
