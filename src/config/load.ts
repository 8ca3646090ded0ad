import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { parseSite } from './parse';
import { ConfigError } from './problems';
import type { CompiledSite } from './site';

/** Text of a document; a missing or unreadable file is a problem of the document. */
export function readDocument(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new ConfigError(file, [{ path: '', expected: 'a readable file', found }]);
  }
}

/** @throws ConfigError with every problem at once */
export function parseDocument(file: string, text: string, env: NodeJS.ProcessEnv = process.env): CompiledSite {
  const folder = dirname(resolve(file));
  const readFile = (path: string) => readFileSync(isAbsolute(path) ? path : resolve(folder, path), 'utf8');
  return parseSite({ file, text, folder, env, readFile });
}

/** Reads, checks and compiles a site document. */
export function loadSite(file: string, env: NodeJS.ProcessEnv = process.env): CompiledSite {
  return parseDocument(file, readDocument(file), env);
}
