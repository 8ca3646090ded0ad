import { FairleadError } from '../common/errors';
import { formatAddress } from '../common/format-address';
import type { ConfigProblem } from '../config/problems';
import type { CompiledSite, ServiceSpec } from '../config/site';
import type { OfferedService, ServiceFactory } from './ports';

export interface ServiceRow {
  readonly service: string;
  readonly connect: string;
  readonly open: number;
  readonly connectionsMax: number;
  readonly failures: number;
  readonly whyDown: string | null;
}

interface Offered {
  readonly spec: ServiceSpec;
  readonly offered: OfferedService;
}

const keyOf = ({ service, connectionsMax, ...bind }: ServiceSpec): string =>
  `${service} ${formatAddress(bind)} ${connectionsMax}`;

/** The TCP services of one node that its document names. */
export class ServiceManager {
  readonly #offered = new Map<string, Offered>();
  /** Taken out of the document, with connections that go on. */
  readonly #leaving = new Set<OfferedService>();

  constructor(private readonly offer: ServiceFactory) {}

  /** Brings what is offered to what a document says: new ones first. What is open to old ones goes on. */
  apply({ services }: Pick<CompiledSite, 'services'>): ConfigProblem[] {
    const wanted = new Map(services.map((spec) => [keyOf(spec), spec]));
    const problems = [...wanted].flatMap(([key, spec]) =>
      this.#offered.has(key) ? [] : this.#add(key, spec, services.indexOf(spec)),
    );
    for (const [key, { offered }] of this.#offered) if (!wanted.has(key)) this.#remove(key, offered);
    for (const offered of this.#leaving) if (offered.open === 0) this.#leaving.delete(offered);
    return problems;
  }

  #add(key: string, spec: ServiceSpec, index: number): ConfigProblem[] {
    try {
      this.#offered.set(key, { spec, offered: this.offer(spec) });
      return [];
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      return [{ path: `services[${index}]`, expected: 'a service that can be offered', found: error.message }];
    }
  }

  #remove(key: string, offered: OfferedService): void {
    this.#offered.delete(key);
    offered.withdraw();
    this.#leaving.add(offered);
  }

  rows(): ServiceRow[] {
    return [...this.#offered.values()].map(({ spec, offered }) => ({
      service: spec.service,
      connect: formatAddress(spec),
      open: offered.open,
      connectionsMax: spec.connectionsMax,
      failures: offered.failures,
      whyDown: offered.whyDown,
    }));
  }

  #all(): OfferedService[] {
    return [...this.#leaving, ...[...this.#offered.values()].map(({ offered }) => offered)];
  }

  async drain(): Promise<void> {
    await Promise.all(this.#all().map((offered) => offered.drain()));
  }

  stop(): void {
    for (const offered of this.#all()) offered.stop();
  }
}
