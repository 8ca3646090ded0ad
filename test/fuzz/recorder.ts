import { connect, createServer, type AddressInfo } from 'node:net';

/** What a client wrote at once, after it had read so much of the answer. */
export interface Turn {
  readonly bytes: Buffer;
  readonly after: number;
}
export type Conversation = readonly Turn[];

/**
 * Records the client's side of one conversation with a node: `talk` is given the port of a relay in between.
 */
export async function record(nodePort: number, talk: (port: number) => Promise<void>): Promise<Conversation> {
  const turns: Turn[] = [];
  let answered = 0;
  const relay = createServer((client) => {
    const node = connect({ host: '127.0.0.1', port: nodePort });
    client.on('data', (bytes) => {
      turns.push({ bytes: Buffer.from(bytes), after: answered });
      node.write(bytes);
    });
    node.on('data', (bytes) => {
      answered += bytes.length;
      client.write(bytes);
    });
    for (const [one, other] of [
      [client, node],
      [node, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  await talk((relay.address() as AddressInfo).port);
  await new Promise<void>((resolve) => relay.close(() => resolve()));
  return turns;
}
