/** What stands for itself in the value of a header; CloudEvents 1.0, HTTP binding 3.1.3.2, but for spaces within. */
const VALUE_PLAIN = /^[\x21-\x24\x26-\x7e]([\x20-\x24\x26-\x7e]*[\x21-\x24\x26-\x7e])?$/;
/** What stands for itself in its name: RFC 9110's tokens, but for capital letters, which do not last, and `%`. */
const NAME_PLAIN = /^[a-z0-9!#$&'*+.^_`|~-]+$/;

function escapeByte(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

function encode(text: string, plain: (byte: number) => boolean): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) encoded += plain(byte) ? String.fromCharCode(byte) : escapeByte(byte);
  return encoded;
}

/** A text as the value of a header: percent-encoded UTF-8 where it is not printable ASCII. */
export function encodeHeaderText(text: string): string {
  if (VALUE_PLAIN.test(text)) return text;
  const inner = encode(text, (byte) => byte >= 0x20 && byte < 0x7f && byte !== 0x25);
  // Spaces at the ends do not last.
  return inner.replace(/^ +| +$/g, (spaces) => '%20'.repeat(spaces.length));
}

/** A text as a part of the name of a header. */
export function encodeHeaderName(text: string): string {
  if (NAME_PLAIN.test(text)) return text;
  return encode(text, (byte) => NAME_PLAIN.test(String.fromCharCode(byte)));
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of either. A `%` that begins no byte stands for itself, and so does all of a text that is no UTF-8 when decoded. */
export function decodeHeaderText(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = Buffer.from(
    text.replace(/%[0-9a-f]{2}/gi, (hex) => String.fromCharCode(parseInt(hex.slice(1), 16))),
    'latin1',
  );
  try {
    return UTF8.decode(bytes);
  } catch {
    return text;
  }
}
