import { connect, createServer } from 'node:net';

/**
 * The wire between two nodes: a TCP proxy that can be cut. Cut, it resets what goes through it and refuses the rest,
 * as a network does whose cable somebody has pulled.
 */
export class Cable {
  #target;
  #server = null;
  #port = 0;
  #sockets = new Set();

  constructor(targetPort) {
    this.#target = targetPort;
  }

  get port() {
    return this.#port;
  }

  get connected() {
    return this.#server !== null;
  }

  /** Plugs the cable in; the port stays the same from the first time on. */
  async plug() {
    const server = createServer({ noDelay: true }, (dialled) => this.#join(dialled));
    await new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: '127.0.0.1', port: this.#port }, resolve);
    });
    this.#port = server.address().port;
    this.#server = server;
  }

  async cut() {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  #join(dialled) {
    const target = connect({ host: '127.0.0.1', port: this.#target, noDelay: true });
    for (const [socket, other] of [
      [dialled, target],
      [target, dialled],
    ]) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
