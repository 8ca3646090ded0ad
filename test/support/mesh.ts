import type { RawSite } from '../../src/config/schema';
import { FairleadNode, type NodeOptions } from './fairlead-node';

type RawLink = NonNullable<NonNullable<RawSite['mesh']>['links']>[number];

/** `from` dials `to`. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly name?: string;
  readonly cost?: number;
  /** Dialled instead of the neighbour's own port: where a proxy stands in between. */
  readonly port?: number;
}

export interface MeshOptions {
  /** Under every node's document. */
  readonly document?: Omit<RawSite, 'site' | 'node'>;
  /** Over one node's document. */
  readonly documents?: Readonly<Record<string, Omit<RawSite, 'site' | 'node'>>>;
  readonly wrap?: NodeOptions['wrap'];
  readonly env?: NodeOptions['env'];
}

/** Some node processes and the links between them. Nothing runs before `start`. */
export class Mesh {
  private constructor(
    readonly nodes: ReadonlyMap<string, FairleadNode>,
    readonly edges: readonly Edge[],
  ) {}

  static async prepare(names: readonly string[], edges: readonly Edge[], options: MeshOptions = {}): Promise<Mesh> {
    const nodes = new Map<string, FairleadNode>();
    for (const name of names) nodes.set(name, await FairleadNode.prepare(nodeOptions(name, options)));
    const mesh = new Mesh(nodes, edges);
    for (const edge of edges) mesh.node(edge.from).rewrite((document) => withLink(document, mesh.linkOf(edge)));
    return mesh;
  }

  /** a - b - c: each dials the next. */
  static line(names: readonly string[], options?: MeshOptions): Promise<Mesh> {
    const edges = names.slice(1).map((to, i) => ({ from: names[i] as string, to }));
    return Mesh.prepare(names, edges, options);
  }

  static ring(names: readonly string[], options?: MeshOptions): Promise<Mesh> {
    const edges = names.map((from, i) => ({ from, to: names[(i + 1) % names.length] as string }));
    return Mesh.prepare(names, edges, options);
  }

  node(name: string): FairleadNode {
    const node = this.nodes.get(name);
    if (!node) throw new Error(`no node ${name} in this mesh`);
    return node;
  }

  /** The link as the dialling node's document has it; without a name it is called `to-NEIGHBOUR`. */
  linkOf({ to, name = `to-${to}`, cost, port }: Edge): RawLink {
    const connect = port === undefined ? this.node(to).meshUrl : `amqp://127.0.0.1:${port}`;
    return { name, connect, ...(cost === undefined ? {} : { cost }) };
  }

  /** Starts all nodes at once and waits until each reaches every other. */
  async start(): Promise<this> {
    await Promise.all([...this.nodes.values()].map((node) => node.start()));
    await this.converged();
    return this;
  }

  /** Each running node reaches every other running one, and the links that their documents name are up. */
  async converged(): Promise<void> {
    const running = [...this.nodes.values()].filter((node) => node.running);
    const names = running.map(({ name }) => name);
    await Promise.all(
      running.map(async (node) => {
        await node.reaches(...names);
        const dialled = this.edges.filter(({ from }) => from === node.name);
        if (dialled.every(({ to }) => this.node(to).running)) await node.linksUp();
      }),
    );
  }

  /** Adds a link to a node's document; a running node dials it at once. */
  connect(edge: Edge): void {
    this.node(edge.from).rewrite((document) => withLink(document, this.linkOf(edge)));
  }

  /** Takes a link out of a node's document; a running node closes it. */
  disconnect(from: string, name: string): void {
    this.node(from).rewrite((document) => {
      const links = document.mesh?.links?.filter((link) => link.name !== name) ?? [];
      return { ...document, mesh: { ...document.mesh, links } };
    });
  }

  /** Drains all nodes at once; returns their exit codes. */
  async stop(): Promise<(number | null)[]> {
    return Promise.all([...this.nodes.values()].filter((node) => node.running).map((node) => node.stop()));
  }

  /** The ends of all logs, for a failure that no one node explains. */
  logTails(): string {
    return [...this.nodes.values()].map((node) => node.logTail()).join('\n');
  }
}

function nodeOptions(name: string, { document, documents, wrap, env }: MeshOptions): NodeOptions {
  return {
    document: { ...document, ...documents?.[name], site: name },
    ...(wrap && { wrap }),
    ...(env && { env }),
  };
}

function withLink(document: RawSite, link: RawLink): RawSite {
  return { ...document, mesh: { ...document.mesh, links: [...(document.mesh?.links ?? []), link] } };
}
