import { resolve } from 'node:path';
import { DEFAULT_QUEUE_RULE, type QueueRule } from '../addresses/queue-rule';
import type { AddressRule } from '../mesh/contract';
import type { DefaultedSite } from './schema';
import {
  type CompiledSite,
  bindOfTcp,
  bindOfUrl,
  nameOfLink,
  nameOfListener,
  nameOfService,
  portOfListener,
} from './site';
import { parseDuration, parseSize } from './units';

type RawRule = DefaultedSite['addresses'][number];

/** Durations were checked by the schema: null cannot happen, and would show as NaN. */
const ms = (text: string): number => parseDuration(text) ?? Number.NaN;
const bytes = (text: string): number => parseSize(text) ?? Number.NaN;

const orNull = <T, R>(value: T | undefined, read: (value: T) => R): R | null =>
  value === undefined ? null : read(value);

/** @param node the document's own, which `self` stands for */
function compileQueueRule(rule: RawRule, node: string): QueueRule {
  const { home = 'self' } = rule;
  return {
    home: home === 'self' ? node : home,
    custody: rule.custody ?? DEFAULT_QUEUE_RULE.custody,
    maxDepth: rule.maxDepth ?? null,
    maxBytes: orNull(rule.maxBytes, bytes),
    overLimit: rule.overLimit ?? DEFAULT_QUEUE_RULE.overLimit,
    ttlMs: orNull(rule.ttl, ms),
    maxDeliveries: rule.maxDeliveries ?? null,
    retryMs: orNull(rule.retry, ms) ?? DEFAULT_QUEUE_RULE.retryMs,
    deadLetter: rule.deadLetter ?? null,
    duplicateWindowMs: orNull(rule.duplicateWindow, ms),
    exclusive: rule.exclusive ?? DEFAULT_QUEUE_RULE.exclusive,
    locality: rule.locality ?? DEFAULT_QUEUE_RULE.locality,
  };
}

function compileRule(rule: RawRule, node: string): AddressRule {
  return {
    match: rule.match,
    kind: rule.kind,
    ack: rule.ack ?? 'all',
    ackTimeoutMs: ms(rule.ackTimeout ?? '10s'),
    slow: rule.slow ?? 'block',
    blockForMs: ms(rule.blockFor ?? '30s'),
    noSubscriber: rule.noSubscriber ?? 'accept',
    overflowAt: rule.overflowAt ?? null,
    trafficClass: rule.class,
    ...queuePart(rule, node),
  };
}

/** A topic's is about its durable subscriptions, which live where they are made. */
function queuePart(rule: RawRule, node: string): QueueRule {
  if (rule.kind === 'queue') return compileQueueRule(rule, node);
  return rule.kind === 'topic'
    ? { ...compileQueueRule(rule, node), home: DEFAULT_QUEUE_RULE.home }
    : DEFAULT_QUEUE_RULE;
}

/**
 * Defaulted -> compiled and frozen.
 * @param folder what relative paths of the document are relative to
 */
export function compileSite(site: DefaultedSite, folder: string): CompiledSite {
  const { mesh, limits, node = site.site } = site;
  return deepFreeze<CompiledSite>({
    site: site.site,
    node,
    dataDir: resolve(folder, site.dataDir),
    http: { ...site.http },
    listeners: site.listeners.map((listener) => ({
      name: nameOfListener(listener),
      protocol: listener.protocol,
      host: listener.host,
      port: portOfListener(listener),
      origins: [...(listener.cors?.origins ?? [])],
      service: nameOfService(listener.address ?? ''),
      idleMs: orNull(listener.idle, ms),
    })),
    services: site.services.map(({ address, connect, connections }) => ({
      service: nameOfService(address),
      ...bindOfTcp(connect),
      connectionsMax: connections,
    })),
    mesh: {
      listen: mesh.listen.map((bind) => ({ ...bind })),
      links: mesh.links.map((link) => ({ name: nameOfLink(link), ...bindOfUrl(link.connect), cost: link.cost })),
      helloMs: ms(mesh.hello),
      deadMs: ms(mesh.dead),
      partitionHoldMs: ms(mesh.partitionHold),
      startHoldMs: ms(mesh.startHold),
    },
    defaultKind: site.defaultKind,
    addresses: site.addresses.map((rule) => compileRule(rule, node)),
    limits: {
      connections: limits.connections,
      messageBytes: bytes(limits.messageBytes),
      ingressPoolBytes: bytes(limits.ingressPool),
      retentionPoolBytes: bytes(limits.retentionPool),
      receivePoolBytes: bytes(limits.receivePool),
      linkQueueBytes: bytes(limits.linkQueue),
    },
    log: { ...site.log },
    insecure: site.insecure,
  });
}

export function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
