import { formatAddress } from '../common/format-address';
import type { Journal } from '../common/ports';
import { rulesDiffer } from '../config/diff';
import type { SiteApplier } from '../config/live-config';
import type { ConfigProblem } from '../config/problems';
import type { Bind, CompiledSite } from '../config/site';
import type { MeshNode } from '../mesh/contract';
import type { Lifecycle } from './lifecycle';
import { CLIENTS_MS, CLOSE_MS, GOODBYE_MS, IN_FLIGHT_MS, LAST_MS, LOOK_MS } from './limits';
import { type LinkManager, sleep } from './link-manager';
import type { ListenerManager } from './listener-manager';
import { Passing } from './passing';
import type { ServiceManager } from './service-manager';

/** The HTTP side as the runtime sees it. */
export interface HttpSide {
  listen(bind: Bind): Promise<Bind>;
  close(): Promise<void>;
}

/** What outlives a node's sockets and is closed last. */
export interface Memory {
  close(): Promise<void>;
}

export interface RuntimeParts {
  readonly node: MeshNode;
  readonly links: LinkManager;
  readonly listeners: ListenerManager;
  readonly services: ServiceManager;
  readonly memory: Memory;
  readonly lifecycle: Lifecycle;
  readonly journal: Journal;
  readonly setLogLevel: (level: CompiledSite['log']['level']) => void;
  readonly stopTurns: () => void;
}

async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  const done = await Promise.race([work.then(() => true as const), late]);
  clearTimeout(timer);
  return done;
}

/** Starts the parts of a node in their order, brings them to new documents, and stops them in the reverse order. */
export class SiteRuntime implements SiteApplier {
  #site: CompiledSite | null = null;
  #http: HttpSide | null = null;
  #httpBound: Bind | null = null;

  constructor(private readonly parts: RuntimeParts) {}

  /** Store and mesh node exist by now: http, listeners, mesh links, ready. @throws PortInUseError */
  async start(site: CompiledSite, http: HttpSide): Promise<void> {
    const { listeners, services, links, lifecycle } = this.parts;
    this.#site = site;
    this.#http = http;
    this.#httpBound = await http.listen(site.http);
    await listeners.start(site);
    for (const problem of services.apply(site)) this.parts.journal.warn('service-not-offered', { ...problem });
    await links.start(site);
    lifecycle.enter('ready');
    this.parts.journal.info('ready', { bound: this.#bound() });
  }

  /** `fairlead ready node=east-1 amqp=127.0.0.1:5672 mesh=127.0.0.1:55671 http=127.0.0.1:8080` */
  readyLine(): string {
    return `fairlead ready node=${this.#site?.node ?? ''} ${this.#bound()}`;
  }

  #bound(): string {
    const { listeners, links } = this.parts;
    const clients = listeners.rows().map((row) => `${row.name}=${formatAddress(row)}`);
    const mesh = links.addresses.map((bind) => `mesh=${formatAddress(bind)}`);
    const http = this.#httpBound ? [`http=${formatAddress(this.#httpBound)}`] : [];
    return [...clients, ...mesh, ...http].join(' ');
  }

  async apply(site: CompiledSite): Promise<readonly ConfigProblem[]> {
    const { node, links, listeners, services, setLogLevel } = this.parts;
    if (this.parts.lifecycle.phase !== 'ready' || !this.#site) return [];
    setLogLevel(site.log.level);
    if (rulesDiffer(this.#site, site)) {
      node.setRules(site.addresses, site.defaultKind);
      node.flush();
    }
    this.#site = site;
    return [...(await listeners.apply(site)), ...services.apply(site), ...(await links.apply(site))];
  }

  /**
   * Drains and closes; takes at most about 5 s whatever clients and neighbours do. Says whether all was finished. Clients may
   * use up the credit that they have, so some message can always come after the last one in flight was handed over: that is
   * why they go first, and what was accepted from them until then is handed over before the links close.
   */
  async stop(): Promise<boolean> {
    const { lifecycle, listeners, services, links, node, journal } = this.parts;
    const { phase } = lifecycle;
    if (phase === 'draining' || phase === 'stopped') return true;
    lifecycle.enter('draining');
    const began = performance.now();
    const served = phase === 'ready'; // else the start has failed, and nothing is in flight
    const settled = !served || (await this.#drain());
    await within(CLIENTS_MS, listeners.stop());
    services.stop();
    // What this says leaves before the links do.
    node.flush();
    if (served) await this.#handedOver(LAST_MS);
    const finished = settled && (!served || node.drained);
    if (!finished) journal.warn('drain-incomplete', { afterMs: Math.round(performance.now() - began) });
    await within(GOODBYE_MS, links.close());
    await this.#close();
    lifecycle.enter('stopped');
    return finished;
  }

  async #drain(): Promise<boolean> {
    const { node, listeners, services, journal } = this.parts;
    journal.info('draining');
    node.drain();
    node.flush();
    const anyUp = node.links().some(({ state }) => state === 'up' || state === 'draining');
    const passing = anyUp ? new Passing(node, performance.now()) : null;
    const clients = within(IN_FLIGHT_MS, Promise.all([listeners.drain(), services.drain()]));
    await this.#handedOver(IN_FLIGHT_MS, passing);
    const done = await clients;
    if (passing?.isOver(performance.now()) === false) journal.warn('transit-unfinished');
    return done && node.drained;
  }

  async #close(): Promise<void> {
    const { memory, stopTurns } = this.parts;
    await within(CLOSE_MS / 2, Promise.resolve(this.#http?.close()));
    stopTurns();
    await within(CLOSE_MS / 2, memory.close());
  }

  /** Nothing that this node has taken is in flight any more, nor passes what is `passing`; or it took too long. */
  async #handedOver(withinMs: number, passing: Passing | null = null): Promise<void> {
    const { node } = this.parts;
    const began = performance.now();
    for (let now = began; now - began < withinMs; now = performance.now()) {
      const passed = passing === null || passing.isOver(now);
      if (passed && node.drained) return;
      await sleep(LOOK_MS);
    }
  }
}
