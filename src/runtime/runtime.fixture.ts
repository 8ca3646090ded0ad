import type { OutboxView } from '../addresses/outbox-view';
import type { QueueRelocation } from '../addresses/rehoming';
import type { ClientSpace } from '../addresses/client-contract';
import type { AddressSpace } from '../addresses/contract';
import type { RuleInForce } from '../addresses/rules';
import { site as parse } from '../config/config.fixture';
import { FairleadError } from '../common/errors';
import type { Bind, CompiledSite, LinkSpec, ListenerSpec, ServiceSpec } from '../config/site';
import type { NodeIdentity } from '../links/contract';
import type { LinkView, MeshCounters, MeshNode } from '../mesh/contract';
import type { QueueHost } from '../queues/contract';
import type { NodeView } from '../routing/contract';
import type { TunnelSpace } from '../tunnels/contract';
import type { ClientView } from '../sessions/client-core';
import type { BoundSocket, ClientListener, Dialler, MeshWire, OfferedService } from './ports';

export const EAST: NodeIdentity = { id: 1, name: 'east', site: 'east', incarnation: 65_536 };
export const WEST: NodeIdentity = { id: 2, name: 'west', site: 'west', incarnation: 65_537 };

export function view(more: Partial<LinkView> = {}): LinkView {
  return {
    link: 1,
    name: 'to-west',
    peer: WEST,
    state: 'up',
    cost: 10,
    roundTripMs: 1.5,
    since: 0,
    whyDown: null,
    bytesIn: 100,
    bytesOut: 200,
    queuedBytes: 0,
    ...more,
  };
}

const COUNTERS: MeshCounters = {
  published: 7,
  delivered: 5,
  forwardedFrames: 3,
  resentFrames: 0,
  duplicateFrames: 0,
  congestionDrops: 0,
  gapReports: 0,
  reroutes: 1,
  shutWindows: 0,
  holds: 0,
  restartsSeen: 0,
  hopLimitDrops: 0,
  chokes: 0,
  gaps: 0,
  overflows: 0,
  putsResent: 0,
  putsRepeated: 0,
  circuitsReopened: 0,
  queuesRefused: 0,
  handoversCut: 0,
  damagedFrames: 0,
  dropped: new Map([['noSubscriber', 2]]),
};

export const NO_CLIENTS: ClientView = {
  retained: 0,
  retainedBytes: 0,
  retainedRefused: 0,
  entriesDropped: 0,
  entriesTaken: 0,
  tombstones: 0,
  partsBehind: 0,
  keysWaiting: 0,
  sessions: 0,
  sessionsHere: 0,
  sessionsBytes: 0,
  sessionsTaken: 0,
  sessionsRefused: 0,
  sessionsOpening: 0,
  sessionsEnding: 0,
  willsPublished: 0,
  willsWaiting: 0,
  willsDropped: 0,
};

/** A mesh node that does nothing but remember what it was told. */
export class FakeMeshNode implements MeshNode {
  readonly identity = EAST;
  readonly addresses = {} as AddressSpace;
  readonly tunnels = {} as TunnelSpace;
  readonly clients = {} as ClientSpace;
  readonly clientRecords = {} as MeshNode['clientRecords'];
  readonly queues = {} as QueueHost;
  readonly relocation = {} as QueueRelocation;
  readonly calls: string[] = [];
  views: LinkView[] = [];
  problems: string[] = [];
  drained = true;
  forwardedFrames = COUNTERS.forwardedFrames;

  addLink(): never {
    throw new Error('not part of this fake');
  }

  setCost(link: number, cost: number): void {
    this.calls.push(`setCost ${link} ${cost}`);
    this.views = this.views.map((v) => (v.link === link ? { ...v, cost } : v));
  }

  removeLink(link: number): void {
    this.calls.push(`removeLink ${link}`);
    this.views = this.views.filter((v) => v.link !== link);
  }

  links(): readonly LinkView[] {
    return this.views;
  }

  nodes(): Iterable<NodeView> {
    return [];
  }

  counters(): MeshCounters {
    return { ...COUNTERS, forwardedFrames: this.forwardedFrames };
  }

  clientView(): ClientView {
    return NO_CLIENTS;
  }

  pools() {
    return [{ name: 'ingress', used: 10, capacity: 100 }];
  }

  queueHomes(): Iterable<readonly [string, string]> {
    return [];
  }

  outbox(): readonly OutboxView[] {
    return [];
  }

  setRules(rules: readonly unknown[], defaultKind: string): void {
    this.calls.push(`setRules ${rules.length} ${defaultKind}`);
  }

  rulesInForce(): readonly RuleInForce[] {
    return [];
  }

  conflicts(): readonly string[] {
    return this.problems;
  }

  flush(): number {
    return Number.POSITIVE_INFINITY;
  }

  tick(): number {
    return Number.POSITIVE_INFINITY;
  }

  drain(): void {
    this.calls.push('drain');
  }
}

/** Links whose connections open when a test says so. */
export class FakeWire implements MeshWire {
  readonly errors = { counts: new Map<string, number>(), suppressed: 0 };
  readonly diallers = new Map<string, Dialler & { link: number | null; whyDown: string | null; closed: boolean }>();
  readonly log: string[] = [];
  readonly busy = new Set<number>();

  listen(bind: Bind): Promise<BoundSocket> {
    if (this.busy.has(bind.port)) return Promise.reject(new Error('EADDRINUSE'));
    this.log.push(`listen ${bind.port}`);
    const close = () => Promise.resolve(void this.log.push(`unlisten ${bind.port}`));
    return Promise.resolve({ host: bind.host, port: bind.port || 40_000, close });
  }

  dial(spec: LinkSpec): Dialler {
    const place = `${spec.name} ${spec.port}`;
    this.log.push(`dial ${place}`);
    const dialler = {
      link: null as number | null,
      peer: null as { node: string; site: string } | null,
      whyDown: null as string | null,
      since: 0,
      closed: false,
      setCost: (cost: number) => void this.log.push(`cost ${place} ${cost}`),
      close: () => {
        dialler.closed = true;
        this.log.push(`close ${place}`);
        return Promise.resolve();
      },
    };
    this.diallers.set(place, dialler);
    return dialler;
  }
}

export class FakeListeners {
  readonly log: string[] = [];
  readonly busy = new Set<number>();
  draining: Promise<void> = Promise.resolve();
  onStop: () => void = () => undefined;

  readonly offer = ({ service, port }: ServiceSpec): OfferedService => {
    if (this.busy.has(port)) throw new FairleadError('FL_TUNNEL_LIMIT', 'no more fit');
    this.log.push(`offer ${service} ${port}`);
    return {
      open: 1,
      failures: 0,
      whyDown: null,
      withdraw: () => void this.log.push(`withdraw ${service} ${port}`),
      drain: () => this.draining,
      stop: () => void this.log.push(`end ${service} ${port}`),
    };
  };

  readonly factory = (spec: ListenerSpec): ClientListener => ({
    connections: 3,
    errors: { counts: new Map([['amqp:decode-error', 2]]), suppressed: 1 },
    counters: { accepted: 5, refused: 1, messagesIn: 12, messagesOut: 9, messagesRejected: 0, repliesLate: 0 },
    start: () => {
      if (this.busy.has(spec.port)) return Promise.reject(new Error('EADDRINUSE'));
      this.log.push(`start ${spec.name} ${spec.port}`);
      return Promise.resolve({ host: spec.host, port: spec.port || 41_000 });
    },
    change: ({ service }) => void (service !== '' && this.log.push(`change ${spec.name} ${service}`)),
    drain: () => this.draining,
    stop: () => {
      this.log.push(`stop ${spec.name} ${spec.port}`);
      this.onStop();
      return Promise.resolve();
    },
  });
}

export function siteOf(text: string): CompiledSite {
  return parse(`site: east\n${text}`);
}
