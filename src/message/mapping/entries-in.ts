import { AmqpMap, AmqpSymbol, sym, type AmqpValue } from '../../amqp/codec/values';
import { MESH_ANNOTATION_PREFIX } from '../mesh-annotations';
import type { MessageHeader, MessageProperties } from '../message';
import { unescapeText, type EntryPort } from './entry-port';
import { MESH_ENTRY_PREFIX } from './entries-out';
import { MessageFieldError } from './errors';
import { NATIVE, parseFieldText, sameNative, type FieldValue, type NativeValue } from './field-codecs';
import { ENTRY, ENTRY_PREFIX, FIELDS, type FieldRow } from './fields';
import { isAscii } from './scalar-text';
import { parseTypedJson, parseTypedText } from './typed-json';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What came in beside a body. */
export interface Taken {
  readonly header: Writable<MessageHeader>;
  readonly properties: Writable<MessageProperties>;
  readonly applicationProperties: AmqpMap;
  readonly messageAnnotations: AmqpMap;
  readonly footer: AmqpMap;
  /** What the entry `fairlead-body` says. */
  readonly bodyKind: string | null;
}

const FIELD_ENTRIES = new Map(FIELDS.map((row) => [ENTRY_PREFIX + row.entry, row]));
const OTHER_ENTRIES: ReadonlySet<string> = new Set([ENTRY.body, ENTRY.annotations, ENTRY.footer, ENTRY.properties]);

/**
 * All of a message but its body.
 * @param event it is a CloudEvent in binary mode, as far as its protocol says so
 * @throws MessageFieldError naming the first entry that cannot be taken
 */
export function readEntries(
  entries: ReadonlyMap<string, string>,
  natives: ReadonlyMap<string, NativeValue>,
  port: EntryPort,
  event: boolean,
): Taken {
  const taken: Taken = {
    header: {},
    properties: {},
    applicationProperties: readProperties(entries, port, event),
    messageAnnotations: readAnnotations(entries),
    footer: readMap(entries, ENTRY.footer),
    bodyKind: entries.has(ENTRY.body) ? textOf(entries, ENTRY.body) : null,
  };
  for (const row of FIELDS) readField(row, entries, natives, port, taken);
  return taken;
}

function textOf(entries: ReadonlyMap<string, string>, name: string): string {
  const text = unescapeText(entries.get(name) ?? '');
  if (text === null) throw new MessageFieldError(name, 'holds an escape that is not understood');
  return text;
}

function readField(
  row: FieldRow,
  entries: ReadonlyMap<string, string>,
  natives: ReadonlyMap<string, NativeValue>,
  port: EntryPort,
  taken: Taken,
): void {
  if (!row.taken) return;
  const value = fieldOf(row, entries, natives, port);
  if (value === undefined || value === null) return;
  const section = (row.section === 'header' ? taken.header : taken.properties) as Record<string, FieldValue>;
  section[row.field] = value;
}

/** The protocol's own word counts; an entry of ours that says the same more exactly is believed. */
function fieldOf(
  row: FieldRow,
  entries: ReadonlyMap<string, string>,
  natives: ReadonlyMap<string, NativeValue>,
  port: EntryPort,
): FieldValue | undefined {
  const name = ENTRY_PREFIX + row.entry;
  const exact = entries.has(name) ? parseFieldText(row.type, textOf(entries, name), name) : undefined;
  const native = row.native[port.protocol];
  if (native === undefined || native.form === 'qos' || native.form === 'lifetime') return exact;
  const stands = natives.get(native.name);
  if (stands === undefined) return exact;
  const codec = NATIVE[native.form];
  if (exact !== undefined && sameNative(codec.write(exact, row.type), stands)) return exact;
  return codec.read(stands, row.type, native.name);
}

function readProperties(entries: ReadonlyMap<string, string>, port: EntryPort, event: boolean): AmqpMap {
  const properties = new AmqpMap();
  const types = new Map<string, string>();
  for (const [name, text] of entries)
    if (name.startsWith(ENTRY.typePrefix)) types.set(port.decodeName(name.slice(ENTRY.typePrefix.length)), text);
  for (const [name, text] of entries) {
    const property = port.propertyOf(name, event);
    if (property !== null) properties.set(property, parseTypedText(types.get(property) ?? 'string', text, name));
    else if (name.startsWith(ENTRY_PREFIX)) checkEntry(name);
  }
  for (const [key, value] of readMap(entries, ENTRY.properties))
    if (properties.get(key) === undefined) properties.set(key, value);
  return properties;
}

/** An entry of ours that does not exist is mostly misspelt. @throws MessageFieldError */
function checkEntry(name: string): void {
  if (FIELD_ENTRIES.has(name) || OTHER_ENTRIES.has(name)) return;
  if (name.startsWith(ENTRY.typePrefix) || name.startsWith(MESH_ENTRY_PREFIX)) return;
  throw new MessageFieldError(name, `is no field of a message; names that begin with '${ENTRY_PREFIX}' are reserved`);
}

function readMap(entries: ReadonlyMap<string, string>, name: string): AmqpMap {
  if (!entries.has(name)) return new AmqpMap();
  const value = parseTypedJson(textOf(entries, name), name);
  if (!(value instanceof AmqpMap)) throw new MessageFieldError(name, 'is no JSON object');
  return value;
}

/** What the mesh alone annotates is left out, whoever wrote it. */
function readAnnotations(entries: ReadonlyMap<string, string>): AmqpMap {
  const annotations = new AmqpMap();
  for (const [key, value] of readMap(entries, ENTRY.annotations)) {
    const name = annotationKey(key);
    const text = name instanceof AmqpSymbol ? name.value : name;
    if (typeof text !== 'string' || !text.startsWith(MESH_ANNOTATION_PREFIX)) annotations.set(name, value);
  }
  return annotations;
}

function annotationKey(key: AmqpValue): AmqpValue {
  if (typeof key !== 'string') return key;
  if (!isAscii(key)) throw new MessageFieldError(ENTRY.annotations, 'has a name that is no ASCII');
  return sym(key);
}

/** Nothing where a map has nothing. */
export function filled(map: AmqpMap): AmqpMap | undefined {
  return map.size > 0 ? map : undefined;
}
