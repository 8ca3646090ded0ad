import { createServer } from 'node:net';

/**
 * Ports below the range from which the kernel serves port 0 and outgoing connections: what a node leaves while it is
 * down nobody takes by chance, so that it comes back on the same port. Each process begins at a place of its own.
 */
const FIRST = 10_000;
const COUNT = 22_000;
let next = (process.pid * 97 + Number(process.env['JEST_WORKER_ID'] ?? 0) * 1_009) % COUNT;

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries++) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${FIRST} to ${FIRST + COUNT - 1}`);
}
