import { AmqpMap, AmqpSymbol, type AmqpValue } from '../../amqp/codec/values';
import { MESH_ANNOTATION_PREFIX } from '../mesh-annotations';
import type { Message } from '../message';
import { isBinaryEvent } from './cloud-event-names';
import { escapeText, type EntryPort } from './entry-port';
import { NATIVE, sameField, fieldText, type FieldValue, type NativeValue } from './field-codecs';
import { ANNOTATION, ENTRY, ENTRY_PREFIX, FIELDS, type FieldRow } from './fields';
import { typedJson, typedText } from './typed-json';

/** What goes out beside a body: what the protocol has names for, and texts by their names. */
export interface Written {
  readonly natives: Map<string, NativeValue>;
  readonly entries: Map<string, string>;
}

/** Told as `fairlead-mesh-…`, and not taken from anybody. */
export const MESH_ENTRY_PREFIX = `${ENTRY_PREFIX}mesh-`;

/** Annotations that tell one protocol how to deliver, and others nothing. */
const OF_DELIVERY: readonly string[] = [ANNOTATION.mqttQos, ANNOTATION.mqttRetain];

/**
 * All of a message but its body.
 * @param said names of annotations that the protocol says in its own way
 */
export function writeEntries(message: Message, port: EntryPort, said: readonly string[]): Written {
  const written: Written = { natives: new Map(), entries: new Map() };
  for (const row of FIELDS) writeField(message, row, port, written);
  writeProperties(message.applicationProperties, port, written.entries);
  writeAnnotations(message.messageAnnotations, port, written.entries, said);
  if (message.footer !== undefined && message.footer.size > 0)
    written.entries.set(ENTRY.footer, escapeText(typedJson(message.footer), port.fits));
  return written;
}

/** The value of a field of a message; undefined where it has none. */
export function valueOf(message: Message, row: FieldRow): FieldValue | undefined {
  return row.section === 'header'
    ? message.header?.[row.field]
    : (message.properties?.[row.field] as FieldValue | undefined);
}

function writeField(message: Message, row: FieldRow, port: EntryPort, { natives, entries }: Written): void {
  const value = valueOf(message, row);
  if (value === undefined) return;
  const native = row.native[port.protocol];
  if (native?.form === 'qos' || native?.form === 'lifetime') return;
  if (native !== undefined) {
    const codec = NATIVE[native.form];
    const stands = codec.write(value, row.type);
    if (stands !== undefined && (typeof stands !== 'string' || port.fitsNative(stands))) {
      natives.set(native.name, stands);
      // What comes back as something else, such as a plain address, travels beside it as it is.
      if (sameField(row.type, codec.read(stands, row.type, native.name), value)) return;
    }
  }
  entries.set(ENTRY_PREFIX + row.entry, escapeText(fieldText(row.type, value), port.fits));
}

function writeProperties(properties: AmqpMap | undefined, port: EntryPort, entries: Map<string, string>): void {
  if (properties === undefined) return;
  const event = isBinaryEvent(properties, port.fits);
  const others = new AmqpMap();
  for (const [key, value] of properties)
    if (typeof key !== 'string' || !writeProperty(key, value, event, port, entries)) others.set(key, value);
  if (others.size > 0) entries.set(ENTRY.properties, escapeText(typedJson(others), port.fits));
}

function writeProperty(
  name: string,
  value: AmqpValue,
  event: boolean,
  port: EntryPort,
  entries: Map<string, string>,
): boolean {
  const { type, text } = typedText(value);
  const entry = port.entryOf(name, event);
  if (entry === null || entries.has(entry) || !port.fits(text)) return false;
  if (type !== 'string') {
    // By the name that it will have when it comes back.
    const encoded = port.encodeName(port.propertyOf(entry, event) ?? name);
    if (encoded === null) return false;
    entries.set(ENTRY.typePrefix + encoded, type);
  }
  entries.set(entry, text);
  return true;
}

function writeAnnotations(
  annotations: AmqpMap | undefined,
  port: EntryPort,
  entries: Map<string, string>,
  said: readonly string[],
): void {
  const others = new AmqpMap();
  for (const [key, value] of annotations ?? []) {
    const name = key instanceof AmqpSymbol ? key.value : null;
    if (name?.startsWith(MESH_ANNOTATION_PREFIX) === true) {
      const rest = port.encodeName(name.slice(MESH_ANNOTATION_PREFIX.length));
      if (rest !== null) entries.set(MESH_ENTRY_PREFIX + rest, escapeText(typedText(value).text, port.fits));
    } else if (name === null || (!said.includes(name) && !OF_DELIVERY.includes(name)))
      // Nearly all keys are symbols: these are written as text, so that a text says that it is one.
      others.set(name ?? key, value);
  }
  if (others.size > 0) entries.set(ENTRY.annotations, escapeText(typedJson(others), port.fits));
}
