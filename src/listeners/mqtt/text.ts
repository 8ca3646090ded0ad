import { malformed } from './errors';

/**
 * Checks in place that [start, end) is UTF-8 as MQTT wants it: well-formed, without surrogates and without U+0000 ([MQTT-1.5.4-1],
 * [MQTT-1.5.4-2]). A BOM is text like any other ([MQTT-1.5.4-3]).
 * @throws MqttError
 */
export function checkText(bytes: Buffer, start: number, end: number, what: string): void {
  let at = start;
  while (at < end) {
    const first = bytes[at] as number;
    if (first < 0x80) {
      if (first === 0) throw malformed(`${what} holds U+0000`);
      at++;
      continue;
    }
    const length = sequenceLength(bytes, at, end, first);
    if (length === 0) throw malformed(`${what} is not UTF-8`);
    at += length;
  }
}

/** Bytes of the character that begins at `at`; 0 when it is none. */
function sequenceLength(bytes: Buffer, at: number, end: number, first: number): number {
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > end) return 0;
  const second = bytes[at + 1] as number;
  // Longer forms than needed, surrogates, and what is past U+10FFFF.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let more = 2; more < length; more++) if (((bytes[at + more] as number) & 0xc0) !== 0x80) return 0;
  return length;
}

/** True when a payload that says it is text (6.3.3.2.3.2) is well-formed UTF-8. */
export function isText(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const first = bytes[at] as number;
    const length = first < 0x80 ? 1 : sequenceLength(bytes, at, end, first);
    if (length === 0) return false;
    at += length;
  }
  return true;
}
