/** The broker `aedes` as a process of its own: `node aedes.mjs PORT`. */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';

const aedes = await Aedes.createBroker();
const server = createServer({ noDelay: true }, aedes.handle);
server.listen(Number(process.argv[2]), '127.0.0.1');
process.once('SIGTERM', () => aedes.close(() => process.exit(0)));
