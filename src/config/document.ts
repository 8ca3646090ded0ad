import { formatAddress } from '../common/format-address';
import type { AddressRule } from '../mesh/contract';
import type { CompiledSite, ListenerSpec } from './site';
import { formatDuration, formatSize } from './units';

/** Keys and values as a user writes them. */
export type SiteDocument = Readonly<Record<string, unknown>>;

/**
 * The document that says all of a site, with every default: reading it gives the same site again, as long as it stands where its
 * secrets may. What came from the environment or from files is written out.
 */
export function documentOf(site: CompiledSite): SiteDocument {
  const { mesh, limits } = site;
  return literal({
    site: site.site,
    node: site.node,
    dataDir: site.dataDir,
    http: site.http,
    listeners: site.listeners.map(listenerOf),
    services: site.services.map((service) => ({
      address: `anycast/${service.service}`,
      connect: formatAddress(service),
      connections: service.connectionsMax,
    })),
    mesh: {
      listen: mesh.listen,
      links: mesh.links.map((link) => ({ name: link.name, connect: `amqp://${formatAddress(link)}`, cost: link.cost })),
      hello: formatDuration(mesh.helloMs),
      dead: formatDuration(mesh.deadMs),
      partitionHold: formatDuration(mesh.partitionHoldMs),
      startHold: formatDuration(mesh.startHoldMs),
    },
    defaultKind: site.defaultKind,
    addresses: site.addresses.map(ruleOf),
    limits: {
      connections: limits.connections,
      messageBytes: formatSize(limits.messageBytes),
      ingressPool: formatSize(limits.ingressPoolBytes),
      retentionPool: formatSize(limits.retentionPoolBytes),
      receivePool: formatSize(limits.receivePoolBytes),
      linkQueue: formatSize(limits.linkQueueBytes),
    },
    log: site.log,
    insecure: site.insecure,
  });
}

/** A listener has the keys of its protocol only. */
function listenerOf({ name, protocol, host, port, origins, service, idleMs }: ListenerSpec): SiteDocument {
  const idle = idleMs === null ? {} : { idle: formatDuration(idleMs) };
  const own = protocol === 'tcp' ? { address: `anycast/${service}`, ...idle } : {};
  return { name, protocol, host, port, ...own, ...(origins.length > 0 && { cors: { origins } }) };
}

/** A rule has the keys of its kind only. */
function ruleOf(rule: AddressRule): SiteDocument {
  const { match, kind, trafficClass } = rule;
  return { match, kind, class: trafficClass, ...keysOfKind(rule) };
}

function keysOfKind(rule: AddressRule): SiteDocument {
  const { kind, slow, overflowAt } = rule;
  if (kind === 'multicast') return { ack: rule.ack, ackTimeout: formatDuration(rule.ackTimeoutMs) };
  if (kind === 'anycast') return overflowAt === null ? {} : { overflowAt };
  if (kind === 'queue') return keysOfQueue(rule);
  const blockFor = slow === 'block' ? { blockFor: formatDuration(rule.blockForMs) } : {};
  return { slow, ...blockFor, noSubscriber: rule.noSubscriber, ...keysOfKeeping(rule) };
}

function keysOfQueue(rule: AddressRule): SiteDocument {
  const { home, custody, duplicateWindowMs, exclusive, locality } = rule;
  return {
    home,
    custody,
    ...keysOfKeeping(rule),
    ...(duplicateWindowMs === null ? {} : { duplicateWindow: formatDuration(duplicateWindowMs) }),
    exclusive,
    locality,
  };
}

/** What queues, and durable subscriptions to topics, keep. Limits that are none have no key. */
function keysOfKeeping(rule: AddressRule): SiteDocument {
  const { maxDepth, maxBytes, overLimit, ttlMs, maxDeliveries, retryMs, deadLetter } = rule;
  return {
    ...(maxDepth === null ? {} : { maxDepth }),
    ...(maxBytes === null ? {} : { maxBytes: formatSize(maxBytes) }),
    overLimit,
    ...(ttlMs === null ? {} : { ttl: formatDuration(ttlMs) }),
    ...(maxDeliveries === null ? {} : { maxDeliveries }),
    retry: formatDuration(retryMs),
    ...(deadLetter === null ? {} : { deadLetter }),
  };
}

/** Texts with the characters `${` are written so that they are not taken for a variable. */
function literal<T>(value: T): T {
  const written = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'string' ? inner.replaceAll('${', '$$$${') : inner,
  );
  return JSON.parse(written) as T;
}
