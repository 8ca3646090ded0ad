import { open } from 'lmdb';
import { FACTS_DB, OPEN_OPTIONS } from './environment';

/** Reads a store to its end and begins a write, in a process that may die of it. Usage: store-probe.main.js FOLDER */
const root = open<Buffer, string>({ path: process.argv[2] ?? '', ...OPEN_OPTIONS });
const facts = root.openDB<Buffer, string>(FACTS_DB);
for (const db of [root, facts]) for (const entry of db.getRange()) void entry.value;
// Looks for free pages, and changes nothing that is read.
root.transactionSync(() => root.putSync('probe', Buffer.alloc(1)));
void root.close();
