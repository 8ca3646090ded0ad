import type { MeshNode } from '../mesh/contract';
import type { ServiceRow } from '../runtime/service-manager';

/** A node that offers a service, as this one sees it. */
export interface ServiceSiteRow {
  readonly node: string;
  readonly site: string;
  /** Of the path to it, 0 for this node; null while it is out of reach. */
  readonly cost: number | null;
  readonly open: number;
  readonly failing: boolean;
}

export interface ServiceAnswer {
  readonly address: string;
  readonly sites: readonly ServiceSiteRow[];
  readonly here: readonly Omit<ServiceRow, 'service'>[];
}

export interface ServicesAnswer {
  readonly services: readonly ServiceAnswer[];
  readonly tunnels: { readonly outgoing: number; readonly incoming: number };
}

/** Every TCP service of the mesh, by name, with the sites that offer it in the order in which they would be asked now. */
export function serviceRows({ tunnels }: Pick<MeshNode, 'tunnels'>, here: readonly ServiceRow[]): ServicesAnswer {
  return {
    services: tunnels.services().map(({ service, sites }) => ({
      address: `anycast/${service}`,
      sites: sites.map(({ cost, ...site }) => ({ ...site, cost: cost === Infinity ? null : cost })),
      here: here.filter((row) => row.service === service).map(({ service: _name, ...row }) => row),
    })),
    tunnels: { outgoing: tunnels.outgoing, incoming: tunnels.incoming },
  };
}
