/**
 * A plain TCP proxy as one would write it in Node: `node proxy.mjs PORT TARGET-PORT`. Each direction ends by itself, a reset of one
 * side is a reset of the other, and what one side does not take is not read from the other.
 */
import { connect, createServer } from 'node:net';

const [port, target] = process.argv.slice(2).map(Number);

function join(from, to) {
  from.pipe(to);
  from.on('error', () => to.resetAndDestroy());
  from.on('close', () => {
    if (!from.readableEnded) to.destroy();
  });
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (caller) => {
  const service = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  join(caller, service);
  join(service, caller);
});
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
process.once('SIGTERM', () => process.exit(0));
