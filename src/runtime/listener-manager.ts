import { formatAddress } from '../common/format-address';
import { listChange } from '../config/diff';
import type { ConfigProblem } from '../config/problems';
import type { Bind, CompiledSite, ListenerSpec } from '../config/site';
import { PortInUseError } from './errors';
import { problemOf } from './link-manager';
import type { ClientListener, ListenerFactory } from './ports';

export interface ListenerRow {
  readonly name: string;
  readonly protocol: string;
  readonly host: string;
  /** The real one. */
  readonly port: number;
  readonly connections: number;
}

interface Running {
  readonly spec: ListenerSpec;
  readonly listener: ClientListener;
  readonly bound: Bind;
}

/** The protocol edges of one node. */
export class ListenerManager {
  readonly #running = new Map<string, Running>();

  constructor(private readonly factory: ListenerFactory) {}

  /** @throws PortInUseError */
  async start({ listeners }: CompiledSite): Promise<void> {
    for (const [i, spec] of listeners.entries()) await this.#start(spec, i);
  }

  rows(): ListenerRow[] {
    return [...this.#running.values()].map(({ spec, listener, bound }) => ({
      name: spec.name,
      protocol: spec.protocol,
      host: bound.host,
      port: bound.port,
      connections: listener.connections,
    }));
  }

  /** For metrics: what listeners have counted, by name. */
  counters(): (Pick<ClientListener, 'errors' | 'counters'> & { readonly name: string })[] {
    return [...this.#running.values()].map(({ spec, listener }) => ({
      name: spec.name,
      errors: listener.errors,
      counters: listener.counters,
    }));
  }

  /** New ones first; the old place of one that moved is left when the new one is bound. */
  async apply({ listeners }: CompiledSite): Promise<ConfigProblem[]> {
    const now = [...this.#running.values()].map(({ spec }) => spec);
    const change = listChange(now, listeners, (listener) => listener.name, placeOf);
    for (const spec of listeners) this.#change(spec);
    const problems: ConfigProblem[] = [];
    const attempt = async (spec: ListenerSpec): Promise<boolean> => {
      const index = listeners.indexOf(spec);
      try {
        await this.#start(spec, index);
        return true;
      } catch (error) {
        problems.push(problemOf(error));
        return false;
      }
    };
    // A port that one listener leaves may be the one that another is to take.
    const freed = new Set(listeners.filter(({ port }) => port !== 0).map(({ port }) => port));
    const blocking = change.removed.filter(({ port }) => freed.has(port));
    for (const spec of blocking) await this.#stop(spec.name);
    for (const spec of change.added) await attempt(spec);
    for (const { from, to } of change.moved) {
      const old = this.#running.get(from.name);
      const inTheWay = from.port === to.port;
      if (inTheWay) await old?.listener.stop();
      if (await attempt(to)) {
        if (!inTheWay) await old?.listener.stop();
      } else if (inTheWay) await this.#start(from, listeners.indexOf(to));
    }
    for (const spec of change.removed) await this.#stop(spec.name);
    return problems;
  }

  /** One that stays where it is takes over what else has changed. */
  #change(spec: ListenerSpec): void {
    const running = this.#running.get(spec.name);
    if (running === undefined || placeOf(running.spec) !== placeOf(spec)) return;
    running.listener.change?.(spec);
    this.#running.set(spec.name, { ...running, spec });
  }

  async drain(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ listener }) => listener.drain()));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.#stop(name)));
  }

  async #start(spec: ListenerSpec, index: number): Promise<void> {
    const listener = this.factory(spec);
    try {
      this.#running.set(spec.name, { spec, listener, bound: await listener.start() });
    } catch (error) {
      throw new PortInUseError(`listeners[${index}]`, spec, error);
    }
  }

  async #stop(name: string): Promise<void> {
    const running = this.#running.get(name);
    this.#running.delete(name);
    await running?.listener.stop();
  }
}

/** A listener of another protocol is another one. */
function placeOf(spec: ListenerSpec): string {
  return `${spec.protocol} ${formatAddress(spec)}`;
}

export function formatListeners(rows: readonly ListenerRow[]): string[] {
  return rows.map((row) => `${row.name}=${formatAddress(row)}`);
}
