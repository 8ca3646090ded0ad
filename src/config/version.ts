import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Version of this package, read from the package.json that ships beside dist. */
export const VERSION: string = (
  JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as { version: string }
).version;
