import { stringify } from 'yaml';
import { documentOf } from '../../config/document';
import { loadSite } from '../../config/load';
import { siteJsonSchema } from '../../config/reference';
import type { CliIo } from '../io';
import { EXIT } from '../exit-codes';

export interface CheckOptions {
  readonly config: string;
  readonly json?: boolean;
}

/**
 * Validates a document and prints what a node would run with, as a document that says all of it. Problems are thrown as one
 * ConfigError.
 */
export function check(options: CheckOptions, io: CliIo): number {
  const document = documentOf(loadSite(options.config, io.env));
  io.out(options.json ? JSON.stringify(document, null, 2) : stringify(document).trimEnd());
  return EXIT.ok;
}

/** Prints the JSON schema of a document. */
export function schema(io: CliIo): number {
  io.out(JSON.stringify(siteJsonSchema(), null, 2));
  return EXIT.ok;
}
