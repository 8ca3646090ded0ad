import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { DOCUMENT_BYTES_MAX } from './limits';
import { parseSite } from './parse';
import { ConfigError } from './problems';
import type { CompiledSite } from './site';
import { formatSize } from './units';

/** Text of a document; a missing, unreadable or too large file is a problem of the document. */
export function readDocument(file: string): string {
  let text: string | null;
  try {
    text = readBounded(file);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new ConfigError(file, [{ path: '', expected: 'a readable file', found }]);
  }
  if (text !== null) return text;
  throw new ConfigError(file, [{ path: '', expected: `at most ${formatSize(DOCUMENT_BYTES_MAX)}`, found: 'more' }]);
}

/** Reads no further than the bound; null when there is more. */
function readBounded(path: string): string | null {
  const bytes = Buffer.allocUnsafe(DOCUMENT_BYTES_MAX + 1);
  const file = openSync(path, 'r');
  try {
    let length = 0;
    for (;;) {
      const read = readSync(file, bytes, length, bytes.length - length, null);
      if (read === 0) return bytes.toString('utf8', 0, length);
      length += read;
      if (length > DOCUMENT_BYTES_MAX) return null;
    }
  } finally {
    closeSync(file);
  }
}

function readNamed(path: string): string {
  const text = readBounded(path);
  if (text === null) throw new Error(`more than ${formatSize(DOCUMENT_BYTES_MAX)}`);
  return text;
}

/** @throws ConfigError with every problem at once */
export function parseDocument(file: string, text: string, env: NodeJS.ProcessEnv = process.env): CompiledSite {
  const folder = dirname(resolve(file));
  const readFile = (path: string) => readNamed(isAbsolute(path) ? path : resolve(folder, path));
  return parseSite({ file, text, folder, env, readFile });
}

/** Reads, checks and compiles a site document. */
export function loadSite(file: string, env: NodeJS.ProcessEnv = process.env): CompiledSite {
  return parseDocument(file, readDocument(file), env);
}
