import type { WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import { SPACE, type Replicas } from '../routing/contract';
import { REFUSAL, RESET, type IncomingTunnel, type Offer, type Refusal, type TunnelAcceptor } from './contract';
import { TunnelError } from './errors';
import { SERVICES_MAX, SERVICE_BYTES_MAX, TUNNELS_MAX } from './limits';
import { PIECE, SERVICE_LETTER, TOWARDS, writeAccept, writeRefusal } from './messages';
import type { ServiceSites } from './service-sites';
import { TunnelEnd, type EndPorts } from './tunnel-end';

/** One way to a service from this node. */
class LocalOffer implements Offer {
  open = 0;

  constructor(
    readonly service: string,
    readonly acceptor: TunnelAcceptor,
    private readonly withdrawn: (offer: LocalOffer) => void,
  ) {}

  withdraw(): void {
    this.withdrawn(this);
  }
}

/** The service's end of a tunnel. */
class ServiceEnd extends TunnelEnd implements IncomingTunnel {
  #offer: LocalOffer | null = null;

  constructor(
    ports: EndPorts,
    private readonly services: Services,
    id: number,
    node: NodeId,
    private readonly limit: number,
    /** Ways to the service that were not tried yet. */
    private readonly offers: LocalOffer[],
  ) {
    super(ports, TOWARDS.opener, id, node, null);
  }

  /** @returns false when there is no way left */
  #try(): boolean {
    const offer = this.offers.shift();
    if (offer === undefined) return false;
    this.#leave();
    this.#offer = offer;
    offer.open++;
    const handler = offer.acceptor(this);
    // It may have been refused within the call, and be with the next one by now.
    if (this.#offer === offer) this.handler = handler;
    return true;
  }

  start(): void {
    this.#try();
  }

  #leave(): void {
    if (this.#offer !== null) this.#offer.open--;
    this.#offer = null;
  }

  accept(): void {
    if (this.isOpen || this.isOver) return;
    this.ports.counters.accepted++;
    this.tell(PIECE.accept, writeAccept(this.firstGrant()));
    this.opened(this.limit);
  }

  refuse(refusal: Refusal, reason: string): void {
    if (this.isOpen || this.isOver || this.#try()) return;
    this.ports.counters.refused(refusal);
    this.tell(PIECE.refuse, writeRefusal(refusal, reason));
    this.isNowOver();
  }

  protected gone(): void {
    this.#leave();
    this.services.remove(this);
  }
}

/** The services of this node, and the tunnels to them. */
export class Services {
  readonly #offers = new Map<string, LocalOffer[]>();
  readonly #ends = new Map<NodeId, Map<number, ServiceEnd>>();
  #size = 0;
  #draining = false;

  constructor(
    private readonly ports: EndPorts,
    private readonly self: NodeId,
    private readonly replicas: Replicas,
    private readonly sites: ServiceSites,
  ) {}

  get size(): number {
    return this.#size;
  }

  // --- what is offered -----------------------------------------------------------------------------------------------------

  /** @throws TunnelError */
  offer(service: string, acceptor: TunnelAcceptor): Offer {
    const bytes = Buffer.byteLength(service);
    if (bytes === 0 || bytes > SERVICE_BYTES_MAX)
      throw new TunnelError('FL_TUNNEL_NAME', `a service needs a name of at most ${SERVICE_BYTES_MAX} bytes`);
    const offers = this.#offers.get(service) ?? [];
    if (offers.length === 0 && this.#offers.size >= SERVICES_MAX)
      throw new TunnelError('FL_TUNNEL_LIMIT', `this node offers ${SERVICES_MAX} services; no more fit`);
    const offer = new LocalOffer(service, acceptor, (gone) => this.#withdraw(gone));
    offers.push(offer);
    if (offers.length === 1) {
      this.#offers.set(service, offers);
      if (!this.#draining) this.#advertise(service);
    }
    return offer;
  }

  #advertise(service: string): void {
    this.replicas.set(SPACE.interest, SERVICE_LETTER + service, Buffer.alloc(0));
    this.sites.add(this.self, service);
  }

  #unadvertise(service: string): void {
    this.replicas.delete(SPACE.interest, SERVICE_LETTER + service);
    this.sites.remove(this.self, service);
  }

  #withdraw(offer: LocalOffer): void {
    const { service } = offer;
    const left = (this.#offers.get(service) ?? []).filter((each) => each !== offer);
    if (left.length > 0) this.#offers.set(service, left);
    else if (this.#offers.delete(service) && !this.#draining) this.#unadvertise(service);
  }

  /** No more tunnels are taken; those that are open go on. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (const service of this.#offers.keys()) this.#unadvertise(service);
  }

  // --- tunnels to them -----------------------------------------------------------------------------------------------------

  /** @throws WireError */
  onOpen(node: NodeId, id: number, reader: WireReader): void {
    const service = reader.text();
    const limit = reader.u48();
    if (this.find(node, id) !== null) return;
    const offers = [...(this.#offers.get(service) ?? [])].sort((a, b) => a.open - b.open);
    if (this.#draining) this.#refuse(node, id, REFUSAL.draining, 'the node shuts down');
    else if (offers.length === 0) this.#refuse(node, id, REFUSAL.unknown, 'the service is not offered here');
    else if (this.#size >= TUNNELS_MAX) this.#refuse(node, id, REFUSAL.full, `${TUNNELS_MAX} tunnels end here`);
    else this.#begin(new ServiceEnd(this.ports, this, id, node, limit, offers));
  }

  #refuse(node: NodeId, id: number, refusal: Refusal, reason: string): void {
    this.ports.counters.refused(refusal);
    const bytes = writeRefusal(refusal, reason);
    this.ports.pieces.send(node, TOWARDS.opener, PIECE.refuse, id, bytes, 0, bytes.length);
  }

  #begin(end: ServiceEnd): void {
    const ends = this.#ends.get(end.node);
    if (ends === undefined) this.#ends.set(end.node, new Map([[end.id, end]]));
    else ends.set(end.id, end);
    this.#size++;
    end.start();
  }

  remove(end: ServiceEnd): void {
    const ends = this.#ends.get(end.node);
    if (ends?.delete(end.id) !== true) return;
    this.#size--;
    if (ends.size === 0) this.#ends.delete(end.node);
  }

  find(node: NodeId, id: number): TunnelEnd | null {
    return this.#ends.get(node)?.get(id) ?? null;
  }

  /** Nothing that was agreed on with a node holds any more; null for all nodes. */
  broken(node: NodeId | null): void {
    for (const [from, ends] of [...this.#ends]) {
      if (node !== null && node !== from) continue;
      for (const end of [...ends.values()]) end.onReset(RESET.lost);
    }
  }
}
