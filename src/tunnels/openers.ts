import type { WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import type { Clock } from '../common/ports';
import { REFUSAL, RESET, type Refusal, type Tunnel, type TunnelHandler } from './contract';
import { TunnelError } from './errors';
import { FAILED_MS, FULL_MS, OPEN_MS_MAX, TUNNELS_MAX } from './limits';
import { PIECE, TOWARDS, writeOpen, writeReset } from './messages';
import type { ServiceSite, ServiceSites } from './service-sites';
import { TunnelEnd, type EndPorts } from './tunnel-end';

/** The opener's end of a tunnel: asks one site after another until one takes it. */
class OpenerEnd extends TunnelEnd {
  /** Where it is, or is asked to be. */
  site: ServiceSite | null = null;
  readonly tried: NodeId[] = [];
  /** What the last site that refused has said. */
  reason = '';
  /** Until when the answer is waited for. */
  deadline = Infinity;

  constructor(
    ports: EndPorts,
    private readonly openers: Openers,
    readonly service: string,
    private readonly opener: TunnelHandler,
  ) {
    super(ports, TOWARDS.service, 0, 0, opener);
  }

  /** Asks a site. */
  ask(id: number, site: ServiceSite, deadline: number): void {
    this.id = id;
    this.node = site.node;
    this.site = site;
    this.deadline = deadline;
    this.tried.push(site.node);
    site.open++;
    this.tell(PIECE.open, writeOpen(this.service, this.firstGrant()));
  }

  onAccept(limit: number): void {
    if (this.isOpen || this.isOver) return;
    this.deadline = Infinity;
    this.ports.counters.opened++;
    this.opened(limit);
    this.opener.onOpen();
  }

  /** Leaves the site it is at. */
  leave(): void {
    if (this.site !== null) this.site.open--;
    this.site = null;
  }

  /** It does not answer: whatever it answers yet is too late. */
  giveUp(): void {
    this.tell(PIECE.reset, writeReset(RESET.peer));
  }

  refused(): void {
    this.ports.counters.failed++;
    this.isNowOver();
    const { service, tried, reason } = this;
    const why = reason === '' ? 'it does not answer' : reason;
    this.opener.onRefused(
      new TunnelError(
        'FL_TUNNEL_REFUSED',
        `service '${service}': none of ${tried.length} sites takes it; the last: ${why}`,
      ),
    );
  }

  protected gone(): void {
    this.leave();
    this.openers.remove(this);
  }
}

/** Tunnels that were opened at this node. */
export class Openers {
  /** By number; those that are asking are asked in this order too. */
  readonly #ends = new Map<number, OpenerEnd>();
  readonly #asking = new Set<OpenerEnd>();
  #last = 0;

  constructor(
    private readonly ports: EndPorts,
    private readonly sites: ServiceSites,
    private readonly clock: Clock,
    private readonly scheduleFlush: () => void,
  ) {}

  get size(): number {
    return this.#ends.size;
  }

  /** @throws TunnelError when nobody offers it, or there are too many tunnels */
  open(service: string, handler: TunnelHandler): Tunnel {
    if (this.#ends.size >= TUNNELS_MAX)
      throw new TunnelError('FL_TUNNEL_LIMIT', `${TUNNELS_MAX} tunnels begin at this node; no more fit`);
    const end = new OpenerEnd(this.ports, this, service, handler);
    if (this.#ask(end)) return end;
    this.ports.counters.failed++;
    throw new TunnelError('FL_TUNNEL_NO_SERVICE', `no site within reach offers the service '${service}'`);
  }

  #ask(end: OpenerEnd): boolean {
    const site = this.sites.choose(end.service, end.tried);
    if (site === null) return false;
    do this.#last = (this.#last + 1) >>> 0;
    while (this.#ends.has(this.#last));
    this.#ends.set(this.#last, end);
    this.#asking.add(end);
    end.ask(this.#last, site, this.clock.now() + OPEN_MS_MAX);
    // Its time to answer is a new deadline.
    this.scheduleFlush();
    return true;
  }

  /** The site that was asked does not take it: the next one is asked. */
  #next(end: OpenerEnd): void {
    end.leave();
    this.remove(end);
    if (this.#ask(end)) this.ports.counters.retried++;
    else end.refused();
  }

  remove(end: OpenerEnd): void {
    if (this.#ends.get(end.id) === end) this.#ends.delete(end.id);
    this.#asking.delete(end);
  }

  /** @returns the end if it leads to that node */
  find(node: NodeId, id: number): TunnelEnd | null {
    const end = this.#ends.get(id);
    return end?.node === node ? end : null;
  }

  /** @throws WireError */
  onAccept(node: NodeId, id: number, reader: WireReader): void {
    const limit = reader.u48();
    const end = this.#ends.get(id);
    if (end?.node !== node) return;
    this.#asking.delete(end);
    end.onAccept(limit);
  }

  /** @throws WireError */
  onRefuse(node: NodeId, id: number, reader: WireReader): void {
    const refusal = reader.u8() as Refusal;
    const reason = reader.text();
    const end = this.#ends.get(id);
    if (end?.node !== node || end.isOpen) return;
    end.reason = `${this.ports.nameOf(node)}: ${reason}`;
    if (refusal === REFUSAL.failed) this.#failing(end, FAILED_MS);
    else if (refusal === REFUSAL.full) this.#failing(end, FULL_MS);
    this.#next(end);
  }

  #failing({ site }: OpenerEnd, ms: number): void {
    if (site !== null) site.failingUntil = this.clock.now() + ms;
  }

  /** Nothing that was agreed on with a node holds any more; null for all nodes. */
  broken(node: NodeId | null): void {
    for (const end of [...this.#ends.values()]) {
      if (node !== null && end.node !== node) continue;
      if (end.isOpen) end.onReset(RESET.lost);
      else if (!end.isOver) this.#next(end);
    }
  }

  tick(now: number): void {
    for (const end of this.#asking) {
      if (end.deadline > now) return;
      this.#failing(end, FAILED_MS);
      end.reason = `${this.ports.nameOf(end.node)}: no answer`;
      end.giveUp();
      this.#next(end);
    }
  }

  /** All wait equally long, so the first that asked is the first that is given up. */
  deadline(): number {
    for (const end of this.#asking) return end.deadline;
    return Infinity;
  }
}
