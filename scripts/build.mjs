#!/usr/bin/env node
/** `npm run build`: installs what is missing and brings `dist/` up to date; `npx fairlead …` runs from it. */
import { main, prepare } from './lib/prepare.mjs';

await main(async () => {
  await prepare();
  return 0;
});
