import type { FairleadNode } from '../support/fairlead-node';
import { type Edge, Mesh, type MeshOptions } from '../support/mesh';
import { FaultProxy } from '../support/proxy';

const proxies = new Set<FaultProxy>();
afterAll(() => Promise.all([...proxies].map((proxy) => proxy.close())));

/** Node processes whose every link goes through a proxy that can do it harm. */
export class FaultyMesh {
  private constructor(
    readonly mesh: Mesh,
    readonly proxies: ReadonlyMap<string, FaultProxy>,
  ) {}

  /** `a-b`: a dials b. A third part names a parallel link: `a-b-2`. A number after a colon is its cost: `a-b:20`. */
  static async prepare(names: readonly string[], edges: readonly string[], options: MeshOptions = {}, seed = 1) {
    const mesh = await Mesh.prepare(names, [], options);
    const map = new Map<string, FaultProxy>();
    for (const text of edges) {
      const edge = parseEdge(text);
      const proxy = await listen(mesh.node(edge.to).meshPort, seed + map.size);
      map.set(edge.name, proxy);
      mesh.connect({ ...edge, port: proxy.port });
    }
    return new FaultyMesh(mesh, map);
  }

  static async start(names: readonly string[], edges: readonly string[], options: MeshOptions = {}, seed = 1) {
    const faulty = await FaultyMesh.prepare(names, edges, options, seed);
    await faulty.mesh.start();
    return faulty;
  }

  /** Each dials the next. */
  static line(names: readonly string[], options: MeshOptions, seed: number): Promise<FaultyMesh> {
    const edges = names.slice(1).map((name, at) => `${names[at] ?? ''}-${name}`);
    return FaultyMesh.start(names, edges, options, seed);
  }

  node(name: string): FairleadNode {
    return this.mesh.node(name);
  }

  link(name: string): FaultProxy {
    const proxy = this.proxies.get(name);
    if (!proxy) throw new Error(`no link ${name}: ${[...this.proxies.keys()].join(', ')}`);
    return proxy;
  }

  /** A way for clients to a node on which harm can be done to them; `heal` heals links only. */
  clientProxy(name: string): Promise<FaultProxy> {
    return listen(this.node(name).amqpPort);
  }

  async heal(): Promise<void> {
    for (const proxy of this.proxies.values()) await proxy.heal();
    await this.mesh.converged();
  }
}

async function listen(targetPort: number, seed?: number): Promise<FaultProxy> {
  const proxy = await FaultProxy.listen(targetPort, seed);
  proxies.add(proxy);
  return proxy;
}

function parseEdge(text: string): Edge & { readonly name: string } {
  const [name = '', cost] = text.split(':');
  const [from = '', to = ''] = name.split('-');
  return { from, to, name, ...(cost === undefined ? {} : { cost: Number(cost) }) };
}
