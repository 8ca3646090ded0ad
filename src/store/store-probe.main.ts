import { open } from 'lmdb';
import { CLIENTS_DB, FACTS_DB, OPEN_OPTIONS, STAMPS_DB } from './environment';

/** Reads a store to its end and begins a write, in a process that may die of it. Usage: store-probe.main.js FOLDER */
const root = open<Buffer, string>({ path: process.argv[2] ?? '', ...OPEN_OPTIONS });
const named = [FACTS_DB, STAMPS_DB, CLIENTS_DB].map((options) => root.openDB<Buffer, string>(options));
for (const db of [root, ...named]) for (const entry of db.getRange()) void entry.value;
// Looks for free pages, and changes nothing that is read.
root.transactionSync(() => root.putSync('probe', Buffer.alloc(1)));
void root.close();
