import type { AddressKind, KindHint } from './contract';
import { AddressError } from './errors';
import { HASHES_MAX, NAME_BYTES_MAX, WORDS_MAX } from './limits';

const PREFIX = /^(topic|multicast|anycast|queue)(?::\/\/|\/)/;

/** What a client wrote, taken apart: the kind its prefix names, if any, and the name. */
export interface ParsedAddress {
  readonly kind: AddressKind | null;
  readonly name: string;
  /** Holds `*` or `#`: a filter, no name. */
  readonly wild: boolean;
}

/** Takes an address apart (INTERFACE, "What a client writes as an address"). @throws AddressError */
export function parseAddress(text: string): ParsedAddress {
  const prefix = PREFIX.exec(text);
  const name = prefix === null ? text : text.slice(prefix[0].length);
  const kind = prefix === null ? null : (prefix[1] as AddressKind);
  return { kind, name, wild: checkName(name) };
}

/** @returns whether it is a filter. @throws AddressError */
function checkName(name: string): boolean {
  if (name === '') throw new AddressError('FL_ADDRESS_NAME', 'an address needs a name');
  if (Buffer.byteLength(name) > NAME_BYTES_MAX)
    throw new AddressError('FL_ADDRESS_NAME', `address of more than ${NAME_BYTES_MAX} bytes`);
  if (name.includes('\0')) throw new AddressError('FL_ADDRESS_NAME', 'an address holds no NUL');
  const words = name.split('.');
  if (words.length > WORDS_MAX) throw new AddressError('FL_ADDRESS_NAME', `address of more than ${WORDS_MAX} words`);
  const hashes = words.filter((word) => word === '#').length;
  if (hashes > HASHES_MAX) throw new AddressError('FL_ADDRESS_NAME', `filter with more than ${HASHES_MAX} '#'`);
  const odd = words.find((word) => word.length > 1 && /[*#]/.test(word));
  if (odd !== undefined) throw new AddressError('FL_ADDRESS_NAME', `'${odd}': * and # are words of their own`);
  return hashes > 0 || words.includes('*');
}

/** True when the kind fits what the client's terminus asks for. */
export function fits(kind: AddressKind, hint: KindHint): boolean {
  if (hint === 'topic') return kind === 'topic' || kind === 'multicast';
  if (hint === 'queue') return kind === 'queue' || kind === 'anycast';
  return true;
}
