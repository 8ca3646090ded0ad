import type { NodeId } from '../links/contract';
import type { Clock } from '../common/ports';
import type { Routes } from '../routing/contract';
import type { TargetState } from '../streams/contract';
import type { ServiceView } from './contract';
import { SERVICES_MAX } from './limits';
import { SERVICE_LETTER } from './messages';
import type { TunnelCounters } from './ports';

/** A node that offers a service, as its tunnels from here see it. */
export class ServiceSite {
  /** Tunnels from here to it. */
  open = 0;
  /** It has refused, and is asked after all others until then. */
  failingUntil = -Infinity;
  /** When it was last chosen: among equals the longest unused one is next. */
  turn = 0;

  constructor(readonly node: NodeId) {}
}

/** Who offers which service, by the interest of each node, and which of them is asked next. */
export class ServiceSites {
  readonly #services = new Map<string, Map<NodeId, ServiceSite>>();
  readonly #byNode = new Map<NodeId, Set<string>>();
  /** Nodes that may be sent to. */
  readonly #usable = new Set<NodeId>();
  #turns = 0;

  constructor(
    private readonly routes: Routes,
    private readonly clock: Clock,
    private readonly counters: TunnelCounters,
  ) {
    this.#usable.add(routes.self.id);
  }

  targetState(node: NodeId, state: TargetState): void {
    if (state === 'usable') this.#usable.add(node);
    else this.#usable.delete(node);
  }

  /** @param entries the whole map when it was replaced, else null */
  onInterest(
    origin: NodeId,
    entries: ReadonlyMap<string, Buffer> | null,
    changes: readonly (readonly [string, Buffer | null])[],
  ): void {
    if (entries !== null) {
      const gone = new Set(this.#byNode.get(origin));
      for (const key of entries.keys())
        if (key.startsWith(SERVICE_LETTER) && !gone.delete(key.slice(1))) this.add(origin, key.slice(1));
      for (const service of gone) this.remove(origin, service);
      return;
    }
    for (const [key, value] of changes) {
      if (!key.startsWith(SERVICE_LETTER)) continue;
      if (value === null) this.remove(origin, key.slice(1));
      else this.add(origin, key.slice(1));
    }
  }

  add(node: NodeId, service: string): void {
    let services = this.#byNode.get(node);
    if (services === undefined) this.#byNode.set(node, (services = new Set()));
    if (services.has(service)) return;
    if (services.size >= SERVICES_MAX) {
      this.counters.servicesIgnored++;
      return;
    }
    services.add(service);
    const sites = this.#services.get(service);
    if (sites === undefined) this.#services.set(service, new Map([[node, new ServiceSite(node)]]));
    else sites.set(node, new ServiceSite(node));
  }

  remove(node: NodeId, service: string): void {
    const services = this.#byNode.get(node);
    if (services?.delete(service) !== true) return;
    if (services.size === 0) this.#byNode.delete(node);
    const sites = this.#services.get(service);
    sites?.delete(node);
    if (sites?.size === 0) this.#services.delete(service);
  }

  /**
   * The site that a tunnel goes to: the nearest that has not refused lately; among equals the one with the fewest tunnels from here,
   * then the longest unused one. One that is out of reach, and waited for, comes last.
   * @param tried in vain
   */
  choose(service: string, tried: readonly NodeId[]): ServiceSite | null {
    let best: ServiceSite | null = null;
    for (const site of this.#services.get(service)?.values() ?? []) {
      if (!this.#usable.has(site.node) || tried.includes(site.node)) continue;
      if (best === null || this.#compare(site, best) < 0) best = site;
    }
    if (best !== null) best.turn = ++this.#turns;
    return best;
  }

  #cost({ node }: ServiceSite): number {
    const { self } = this.routes;
    return node === self.id ? 0 : (this.routes.view(node)?.cost ?? Infinity);
  }

  #isFailing(site: ServiceSite): boolean {
    return this.clock.now() < site.failingUntil;
  }

  #compare(a: ServiceSite, b: ServiceSite): number {
    const [costA, costB] = [this.#cost(a), this.#cost(b)];
    if (costA !== costB && (costA === Infinity || costB === Infinity)) return costA < costB ? -1 : 1;
    const failing = Number(this.#isFailing(a)) - Number(this.#isFailing(b));
    if (failing !== 0) return failing;
    if (costA !== costB) return costA - costB;
    return a.open - b.open || a.turn - b.turn;
  }

  views(): ServiceView[] {
    return [...this.#services]
      .map(([service, sites]) => ({
        service,
        sites: [...sites.values()]
          .sort((a, b) => this.#compare(a, b))
          .map((site) => ({
            node: this.routes.view(site.node)?.name ?? String(site.node),
            site: this.routes.view(site.node)?.site ?? '',
            cost: this.#usable.has(site.node) ? this.#cost(site) : Infinity,
            open: site.open,
            failing: this.#isFailing(site),
          })),
      }))
      .sort((a, b) => (a.service < b.service ? -1 : 1));
  }
}
