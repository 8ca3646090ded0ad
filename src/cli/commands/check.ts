import { stringify } from 'yaml';
import { loadSite } from '../../config/load';
import { siteJsonSchema } from '../../config/reference';
import type { CliIo } from '../io';
import { EXIT } from '../exit-codes';

export interface CheckOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly schema?: boolean;
}

/** Validates a document and prints what a node would run with. Problems are thrown as one ConfigError. */
export function check(options: CheckOptions, io: CliIo): number {
  if (options.schema) {
    io.out(JSON.stringify(siteJsonSchema(), null, 2));
    return EXIT.ok;
  }
  const site = loadSite(options.config, io.env);
  io.out(options.json ? JSON.stringify(site, null, 2) : stringify(site).trimEnd());
  return EXIT.ok;
}
