import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mappingReferencePage } from '../message/mapping/reference';
import { metricsReferencePage } from '../metrics/reference';
import { siteJsonSchema, siteReferencePage } from './reference';

/** `npm run docs:reference`, after a build: writes the generated pages below docs/reference. */
const folder = join(__dirname, '..', '..', 'docs', 'reference');
writeFileSync(join(folder, 'site-document.md'), siteReferencePage());
writeFileSync(join(folder, 'site-document.schema.json'), `${JSON.stringify(siteJsonSchema(), null, 2)}\n`);
writeFileSync(join(folder, 'metrics.md'), metricsReferencePage());
writeFileSync(join(folder, 'message-mapping.md'), mappingReferencePage());
