import type { Client, ClientConnection, ClientName } from './clients/client';
import { CLIENT_NAMES, startClient } from './clients/foreign-clients';
import { Mesh, type MeshOptions } from './mesh';

/** A line of nodes, and every foreign client connected at both of its ends. */
export class Ends {
  private constructor(
    readonly mesh: Mesh,
    private readonly clients: readonly Client[],
    private readonly atFirst: ReadonlyMap<ClientName, ClientConnection>,
    private readonly atLast: ReadonlyMap<ClientName, ClientConnection>,
  ) {}

  static async start(names: readonly string[], options?: MeshOptions): Promise<Ends> {
    const mesh = await (await Mesh.line(names, options)).start();
    const [first, last] = [mesh.node(names[0] as string), mesh.node(names[names.length - 1] as string)];
    const clients: Client[] = [];
    const atFirst = new Map<ClientName, ClientConnection>();
    const atLast = new Map<ClientName, ClientConnection>();
    for (const name of CLIENT_NAMES) {
      const client = await startClient(name);
      clients.push(client);
      atFirst.set(name, await client.connect(first.amqpPort));
      atLast.set(name, await client.connect(last.amqpPort));
    }
    return new Ends(mesh, clients, atFirst, atLast);
  }

  first(name: ClientName): ClientConnection {
    return this.atFirst.get(name) as ClientConnection;
  }

  last(name: ClientName): ClientConnection {
    return this.atLast.get(name) as ClientConnection;
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }
}
