import { formatAddress } from '../common/format-address';
import type { Journal } from '../common/ports';
import { listChange } from '../config/diff';
import type { ConfigProblem } from '../config/problems';
import type { Bind, CompiledSite, LinkSpec } from '../config/site';
import type { LinkView, MeshNode } from '../mesh/contract';
import { LinkAmbiguousError, LinkNotFoundError, PortInUseError } from './errors';
import { type DialledLink, type LinkRow, linkRows } from './link-rows';
import type { BoundSocket, MeshWire, PeerErrors } from './ports';

/** A link that moves keeps its old connection until the new one carries traffic, but not for longer than this. */
const MAKE_BEFORE_BREAK_MS = 10_000;
const LOOK_MS = 20;
/** Neighbours get this long to say goodbye too before the socket closes. */
const GOODBYE_MS = 1_100;

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The links of one node: those its document names are dialled, others are accepted. */
export class LinkManager {
  readonly #dialled = new Map<string, DialledLink>();
  readonly #bound: { readonly wanted: Bind; readonly socket: BoundSocket }[] = [];

  constructor(
    private readonly node: Pick<MeshNode, 'links' | 'setCost' | 'removeLink' | 'flush'>,
    private readonly wire: MeshWire,
    private readonly journal: Journal,
  ) {}

  /** @throws PortInUseError */
  async start({ mesh }: CompiledSite): Promise<void> {
    for (const [i, bind] of mesh.listen.entries()) await this.#listen(bind, i);
    for (const spec of mesh.links) this.#dial(spec);
  }

  get addresses(): readonly Bind[] {
    return this.#bound.map(({ socket: { host, port } }) => ({ host, port }));
  }

  /** What other nodes, and those that were none, did wrong on the mesh ports. */
  get errors(): PeerErrors {
    return this.wire.errors;
  }

  rows(): LinkRow[] {
    return linkRows([...this.#dialled.values()], this.node.links());
  }

  /** Changes a cost now, until the document says otherwise. `name` is that of a link, or NAME@PEER. */
  setCost(name: string, cost: number): LinkRow {
    const views = this.node.links().filter((view) => view.state !== 'down' && named(view, name));
    const dialled = this.#dialled.get(name);
    const chosen = dialled ? views.filter((view) => view.link === dialled.dialler.link) : views;
    const [view] = chosen;
    if (!dialled && !view) throw new LinkNotFoundError(name, [...new Set(this.rows().map((row) => row.name))]);
    const peers = chosen.map((other) => other.peer?.name ?? '?');
    if (chosen.length > 1) throw new LinkAmbiguousError(name, peers);
    if (dialled) this.#changeCost({ ...dialled.spec, cost });
    else if (view) this.node.setCost(view.link, cost);
    this.journal.info('link-cost', { link: name, cost });
    const row = this.rows().find((other) => other.name === (view?.name ?? name) && (!view || samePeer(other, view)));
    if (!row) throw new LinkNotFoundError(name, []);
    return { ...row, cost };
  }

  /** Brings links and sockets to what a document says; make before break. */
  async apply({ mesh }: CompiledSite): Promise<ConfigProblem[]> {
    const now = [...this.#dialled.values()].map(({ spec }) => spec);
    const links = listChange(now, mesh.links, (link) => link.name);
    const sockets = listChange(
      this.#bound.map(({ wanted }) => wanted),
      mesh.listen,
      formatAddress,
    );
    const problems: ConfigProblem[] = [];
    for (const bind of sockets.added) {
      const index = mesh.listen.indexOf(bind);
      await this.#listen(bind, index).catch((error: unknown) => problems.push(problemOf(error)));
    }
    for (const spec of links.added) this.#dial(spec);
    for (const { to } of links.moved) void this.#move(to);
    for (const spec of mesh.links) if (this.#dialled.get(spec.name)?.spec.cost !== spec.cost) this.#changeCost(spec);
    for (const spec of links.removed) await this.#remove(spec.name);
    for (const bind of sockets.removed) await this.#unlisten(bind);
    return problems;
  }

  /** Says goodbye on every link; nobody dials or is accepted any more. */
  async close(): Promise<void> {
    const diallers = [...this.#dialled.values()];
    this.#dialled.clear();
    const sockets = this.#bound.splice(0);
    await this.#sayGoodbye(this.#live());
    await Promise.all([
      ...diallers.map(({ dialler }) => dialler.close()),
      ...sockets.map(({ socket }) => socket.close()),
    ]);
  }

  async #listen(wanted: Bind, index: number): Promise<void> {
    try {
      this.#bound.push({ wanted, socket: await this.wire.listen(wanted) });
    } catch (error) {
      throw new PortInUseError(`mesh.listen[${index}]`, wanted, error);
    }
  }

  async #unlisten(bind: Bind): Promise<void> {
    const at = this.#bound.findIndex(({ wanted }) => formatAddress(wanted) === formatAddress(bind));
    const [gone] = at < 0 ? [] : this.#bound.splice(at, 1);
    await gone?.socket.close();
  }

  #dial(spec: LinkSpec): void {
    this.#dialled.set(spec.name, { spec, dialler: this.wire.dial(spec) });
  }

  #changeCost(spec: LinkSpec): void {
    const link = this.#dialled.get(spec.name);
    if (!link) return;
    link.dialler.setCost(spec.cost);
    if (link.dialler.link !== null) this.node.setCost(link.dialler.link, spec.cost);
    this.#dialled.set(spec.name, { spec: { ...link.spec, cost: spec.cost }, dialler: link.dialler });
  }

  async #remove(name: string): Promise<void> {
    const link = this.#dialled.get(name);
    this.#dialled.delete(name);
    if (link) await this.#end(link);
  }

  async #move(to: LinkSpec): Promise<void> {
    const old = this.#dialled.get(to.name);
    this.#dial(to);
    const { dialler } = this.#dialled.get(to.name) ?? {};
    const isUp = () => this.node.links().some(({ link, state }) => link === dialler?.link && state === 'up');
    for (let waited = 0; waited < MAKE_BEFORE_BREAK_MS && !isUp(); waited += LOOK_MS) await sleep(LOOK_MS);
    if (old) await this.#end(old);
  }

  async #end({ dialler }: DialledLink): Promise<void> {
    if (dialler.link !== null) await this.#sayGoodbye([dialler.link]);
    await dialler.close();
  }

  #live(): number[] {
    const views = this.node.links().filter(({ state }) => state !== 'down');
    return views.map(({ link }) => link);
  }

  async #sayGoodbye(links: readonly number[]): Promise<void> {
    for (const link of links) this.node.removeLink(link);
    this.node.flush();
    const isOpen = () => this.#live().some((link) => links.includes(link));
    for (let waited = 0; waited < GOODBYE_MS && isOpen(); waited += LOOK_MS) await sleep(LOOK_MS);
  }
}

function named(view: LinkView, name: string): boolean {
  return view.name === name || `${view.name}@${view.peer?.name ?? ''}` === name;
}

function samePeer(row: LinkRow, view: LinkView): boolean {
  return (row.peer?.node ?? null) === (view.peer?.name ?? null);
}

/** The problem that an error of a socket is. @throws any other error */
export function problemOf(error: unknown): ConfigProblem {
  if (error instanceof PortInUseError) return error.problem;
  throw error;
}
