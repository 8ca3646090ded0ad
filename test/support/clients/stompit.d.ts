declare module 'stompit' {
  import type { Duplex, Readable, Writable } from 'node:stream';

  interface Message extends Readable {
    readonly headers: Record<string, string | number>;
    readonly command?: string;
  }

  interface Client {
    /** What it calls when a receipt comes, by the receipt. */
    readonly _receipts: Record<string, () => void>;
    sendFrame(
      command: string,
      headers: Record<string, string>,
      options?: { onReceipt?: () => void; onError?: (error: Error) => void },
    ): Writable;
    send(headers: Record<string, string>, options?: { onReceipt?: () => void }): Writable;
    subscribe(headers: Record<string, string>, onMessage: (error: Error | null, message: Message) => void): unknown;
    on(event: 'error', listener: (error: Error & { message: string }) => void): this;
    on(event: 'end' | 'close', listener: () => void): this;
    disconnect(done: (error?: Error | null) => void): void;
    destroy(): void;
  }

  export function connect(
    options: {
      host: string;
      port: number;
      connectHeaders?: Record<string, string>;
      /** In place of a socket of its own. */
      connect?: (options: object, onConnected: () => void) => Duplex;
    },
    done: (error: Error | null, client: Client) => void,
  ): void;
}
