import { ENTRY_PREFIX } from './fields';
import { MQTT_TEXT_BYTES_MAX } from './mqtt-topic';

/** User properties as `mqtt-packet` has them: a name that comes several times has its values in order. */
export type UserProperties = Readonly<Record<string, string | readonly string[]>>;

/** Names with their first values, and what else those said that came several times. */
export interface SplitProperties {
  readonly entries: Map<string, string>;
  readonly repeated: Map<string, readonly string[]>;
}

/** Entries of ours that were cut to fit are put together. */
export function fromUserProperties(properties: UserProperties): SplitProperties {
  const entries = new Map<string, string>();
  const repeated = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'string') entries.set(name, value);
    else if (name.startsWith(ENTRY_PREFIX)) entries.set(name, value.join(''));
    else {
      const [first, ...others] = value;
      if (first !== undefined) entries.set(name, first);
      if (others.length > 0) repeated.set(name, others);
    }
  }
  return { entries, repeated };
}

/** Null where there is none. */
export function toUserProperties(
  entries: ReadonlyMap<string, string>,
  repeated: ReadonlyMap<string, readonly string[]>,
): UserProperties | null {
  if (entries.size === 0) return null;
  const properties = Object.create(null) as Record<string, string | readonly string[]>;
  for (const [name, text] of entries) {
    const others = repeated.get(name);
    if (others !== undefined && others.length > 0) properties[name] = [text, ...others];
    else properties[name] = name.startsWith(ENTRY_PREFIX) ? cut(text) : text;
  }
  return properties;
}

/** No character of JavaScript's has more bytes of UTF-8. */
const BYTES_PER_UNIT = 3;
const CUT_UNITS = Math.floor(MQTT_TEXT_BYTES_MAX / BYTES_PER_UNIT) - 1;

/** A text that is too long for one property, in pieces that are not. */
function cut(text: string): string | readonly string[] {
  if (text.length <= CUT_UNITS || Buffer.byteLength(text) <= MQTT_TEXT_BYTES_MAX) return text;
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    let end = Math.min(at + CUT_UNITS, text.length);
    // Both halves of a character stay together.
    if (end < text.length && (text.charCodeAt(end) & 0xfc00) === 0xdc00) end--;
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}
