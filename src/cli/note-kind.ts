import { editDistance } from '../config/nearest';
import type { CliIo } from './io';

const KINDS = ['topic', 'queue', 'multicast', 'anycast'];

/**
 * Tells of a kind that is misspelt. To a node `topics/a` is a name like any other, so it would be taken, and nobody hear of it.
 * One letter aside: a name of the user's own may well look like a kind from farther off.
 */
export function noteKind(address: string, io: Pick<CliIo, 'err'>): void {
  const [prefix = '', slash = ''] = /^[^/:]+(:\/\/|\/)/.exec(address) ?? [];
  const word = prefix.slice(0, -slash.length);
  const meant = KINDS.find((kind) => editDistance(word, kind) === 1);
  if (meant === undefined) return;
  io.err(`note: ${word} is no kind of address; all of ${address} is the name (did you mean ${meant}/?)`);
}
