import { isUtf8 } from 'node:buffer';
import { StompError } from './errors';
import type { StompVersion } from './version';

const ESCAPED: Readonly<Record<string, string>> = { '\\n': '\n', '\\c': ':', '\\\\': '\\', '\\r': '\r' };
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', ':': '\\c', '\\': '\\\\', '\r': '\\r' };

/**
 * The text of a header's name or value from which the escapes of its version are taken (STOMP 1.2, "Value Encoding").
 * @throws StompError for an escape that is none
 */
export function unescaped(text: string, version: StompVersion): string {
  return text.replace(/\\[^]?/g, (escape) => {
    const char = ESCAPED[escape];
    if (char === undefined || (char === '\r' && version !== '1.2'))
      throw new StompError('FL_STOMP_FRAME', `a header with the escape '${escape}', which STOMP ${version} has not`);
    return char;
  });
}

/** The text with the escapes of a version; null where it cannot be said: STOMP 1.0 has none, and 1.1 none for a carriage return. */
export function escaped(text: string, version: StompVersion, isName: boolean): string | null {
  if (version === '1.0')
    return text.includes('\n') || text.includes('\0') || (isName && text.includes(':')) ? null : text;

  if (!/[\n:\\\r\0]/.test(text)) return text;
  if (text.includes('\0')) return null;
  // Clients of 1.1 take a carriage return as it is, and it is no end of a line there.
  return text.replace(version === '1.2' ? /[\n:\\\r]/g : /[\n:\\]/g, (char) => ESCAPES[char] as string);
}

/** @throws StompError when the bytes are no UTF-8 */
export function utf8Text(bytes: Buffer, start: number, end: number): string {
  if (!isUtf8(bytes.subarray(start, end))) throw new StompError('FL_STOMP_FRAME', 'a header that is no UTF-8');
  return bytes.toString('utf8', start, end);
}
