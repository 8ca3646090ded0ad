import { COMMANDS, type Command, type FrameHead } from './frame';
import { utf8Text, unescaped } from './header-text';
import { HEADERS_MAX } from './limits';
import { StompError, shown } from './errors';
import type { StompVersion } from './version';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

const KNOWN: ReadonlyMap<string, Command> = new Map(COMMANDS.map((command) => [command, command]));

/**
 * Reads the lines of a frame's head: its command, then its headers up to the empty line.
 * @param version null before it is agreed on
 * @throws StompError
 */
export function parseHead(
  bytes: Buffer,
  start: number,
  end: number,
  version: StompVersion | null,
  head: FrameHead,
): void {
  head.clear();
  const commandEnd = bytes.indexOf(LF, start);
  const text = bytes.toString('latin1', start, withoutCr(bytes, start, commandEnd, version));
  const command = KNOWN.get(text);
  if (command === undefined) throw new StompError('FL_STOMP_FRAME', `'${printable(text)}' is no command of a client`);
  head.command = command;
  const escapes = command === 'CONNECT' || command === 'STOMP' || version === '1.0' ? null : version;
  for (let at = commandEnd + 1; at < end;) at = parseLine(bytes, at, version, escapes, head);
}

/** @returns where the next line begins */
function parseLine(
  bytes: Buffer,
  start: number,
  version: StompVersion | null,
  escapes: StompVersion | null,
  head: FrameHead,
): number {
  let colon = -1;
  let ascii = true;
  let escaped = false;
  let at = start;
  for (let byte = bytes[at] as number; byte !== LF; byte = bytes[++at] as number) {
    if (byte === COLON) {
      if (colon < 0) colon = at;
    } else if (byte === BACKSLASH) escaped = true;
    else if (byte >= 0x80) ascii = false;
    else if (byte === 0) throw new StompError('FL_STOMP_FRAME', 'a NUL among the headers of a frame');
  }
  const end = withoutCr(bytes, start, at, version);
  // The empty line.
  if (end === start) return at + 1;
  if (colon <= start) throw new StompError('FL_STOMP_FRAME', `a header without a ${colon < 0 ? 'colon' : 'name'}`);
  if (head.count >= HEADERS_MAX) throw new StompError('FL_STOMP_LIMIT', `a frame of more than ${HEADERS_MAX} headers`);
  let name = ascii ? bytes.toString('latin1', start, colon) : utf8Text(bytes, start, colon);
  let value = ascii ? bytes.toString('latin1', colon + 1, end) : utf8Text(bytes, colon + 1, end);
  if (escaped && escapes !== null) {
    name = unescaped(name, escapes);
    value = unescaped(value, escapes);
  } else if (version === '1.0') {
    // Clients of that time write a space behind the colon; later versions forbid to take it away.
    name = name.trim();
    value = value.trim();
  }
  head.add(name, value);
  return at + 1;
}

/** A line may end with a carriage return as of 1.2, and before it is known that the version is another. */
function withoutCr(bytes: Buffer, start: number, end: number, version: StompVersion | null): number {
  return (version === null || version === '1.2') && end > start && bytes[end - 1] === CR ? end - 1 : end;
}

function printable(text: string): string {
  return shown(text.replace(/[^\x20-\x7e]/g, '?'));
}
