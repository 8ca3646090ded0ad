import type { Duplex } from 'node:stream';
import { connect, type Client } from 'stompit';
import WebSocket, { createWebSocketStream } from 'ws';
import { StompConnection, type StompFrame, type StompHeaders } from './stomp-client';

/** stompit as a client. */
export class StompitConnection extends StompConnection {
  private constructor(
    private readonly client: Client,
    version: string,
  ) {
    super(version);
    client.on('error', (error) => this.frames.push(frameOf('ERROR', { message: error.message })));
    client.on('end', () => (this.closed = true));
  }

  static connect(port: number, version: string, headers: StompHeaders = {}): Promise<StompitConnection> {
    return StompitConnection.#connected({ host: '127.0.0.1', port }, version, headers);
  }

  /** The same frames in messages of a WebSocket. */
  static connectWebSocket(port: number, version: string): Promise<StompitConnection> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, `v${version.replace('.', '')}.stomp`);
    const dial = (_options: object, onConnected: () => void): Duplex => {
      socket.once('open', onConnected);
      return createWebSocketStream(socket);
    };
    return StompitConnection.#connected({ host: '127.0.0.1', port, connect: dial }, version, {});
  }

  static #connected(
    where: Parameters<typeof connect>[0],
    version: string,
    headers: StompHeaders,
  ): Promise<StompitConnection> {
    const connectHeaders = { host: 'mesh', 'accept-version': version, 'heart-beat': '0,0', ...headers };
    return new Promise((resolve, reject) => {
      connect({ ...where, connectHeaders }, (error, client) => {
        if (error) reject(error);
        else resolve(new StompitConnection(client, version));
      });
    });
  }

  tell(command: string, headers: StompHeaders = {}, body: string | Buffer = ''): void {
    const { receipt, ...rest } = headers;
    if (command === 'SUBSCRIBE') {
      this.#subscribe(headers);
      return;
    }
    const bytes = Buffer.from(body);
    const length: Record<string, string> = bytes.length > 0 ? { 'content-length': String(bytes.length) } : {};
    const onReceipt = (): void => this.#received(receipt ?? '');
    const frame = this.client.sendFrame(command, { ...rest, ...length }, receipt === undefined ? {} : { onReceipt });
    frame.end(bytes);
  }

  #subscribe({ id = '', ...headers }: StompHeaders): void {
    const { receipt } = headers;
    // The library asks for no receipt of SUBSCRIBE, but knows those that it is told of.
    if (receipt !== undefined) this.client._receipts[receipt] = () => void this.#received(receipt);
    this.client.subscribe({ ...headers, id }, (error, message) => {
      if (error) return;
      const parts: Buffer[] = [];
      message.on('data', (part: Buffer) => parts.push(part));
      message.on('end', () => {
        this.frames.push({ command: 'MESSAGE', headers: textsOf(message.headers), body: Buffer.concat(parts) });
      });
    });
  }

  #received(receipt: string): void {
    this.frames.push(frameOf('RECEIPT', { 'receipt-id': receipt }));
  }

  /** The library wants to know that it is its own doing. */
  override disconnect(): Promise<void> {
    return new Promise((resolve, reject) => this.client.disconnect((error) => (error ? reject(error) : resolve())));
  }

  destroy(): void {
    this.client.destroy();
  }
}

function frameOf(command: string, headers: StompHeaders): StompFrame {
  return { command, headers, body: Buffer.alloc(0) };
}

/** The library makes a number of content-length. */
function textsOf(headers: Readonly<Record<string, string | number>>): StompHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
