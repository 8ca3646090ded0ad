'use strict';

/** Reads a store of queues while another process writes to it, as a backup does, until it is killed: pages of what it sees are not used again. */
const { dirname } = require('node:path');
const { open } = require('lmdb');

const root = open({ path: dirname(process.argv[2]), encoding: 'binary', readOnly: true, maxDbs: 4 });
root.useReadTransaction();
process.stdout.write('reading\n');
process.stdin.resume();
