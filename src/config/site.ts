import type { AddressKind } from '../addresses/contract';
import type { AddressRule, MeshLimits } from '../mesh/contract';
import { CONNECT_PATTERN, SERVICE_PATTERN, TCP_PATTERN } from './fields';

/** The site document as the program uses it: frozen, nothing optional, units in the names. */
export interface CompiledSite {
  readonly site: string;
  readonly node: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly http: Bind & { readonly names: readonly string[] };
  readonly listeners: readonly ListenerSpec[];
  readonly services: readonly ServiceSpec[];
  readonly mesh: {
    readonly listen: readonly Bind[];
    readonly links: readonly LinkSpec[];
    readonly helloMs: number;
    readonly deadMs: number;
    readonly partitionHoldMs: number;
    readonly startHoldMs: number;
  };
  readonly defaultKind: AddressKind;
  readonly addresses: readonly AddressRule[];
  readonly limits: {
    readonly connections: number;
    readonly messageBytes: number;
    readonly ingressPoolBytes: number;
    readonly retentionPoolBytes: number;
    readonly receivePoolBytes: number;
    readonly linkQueueBytes: number;
  };
  readonly log: { readonly level: LogLevel; readonly format: 'json' | 'text' };
  readonly insecure: boolean;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface Bind {
  readonly host: string;
  readonly port: number;
}

export interface ListenerSpec extends Bind {
  readonly name: string;
  readonly protocol: ListenerProtocol;
  /** Of web pages that may use it beside the node's own; `http` alone has any. */
  readonly origins: readonly string[];
  /** Tcp: the service that the port stands for; empty for other protocols. */
  readonly service: string;
  /** Tcp: idle connections are ended after so long; null for never. */
  readonly idleMs: number | null;
}

/** A TCP service of this site. */
export interface ServiceSpec extends Bind {
  readonly service: string;
  readonly connectionsMax: number;
}

export type ListenerProtocol = 'amqp' | 'mqtt' | 'stomp' | 'http' | 'tcp';

const LISTENER_PORTS: Readonly<Record<ListenerProtocol, number>> = {
  amqp: 5_672,
  mqtt: 1_883,
  stomp: 61_613,
  http: 8_081,
  // Each stands for a service of its own: there is no port that they have in common.
  tcp: 0,
};

export interface LinkSpec extends Bind {
  readonly name: string;
  readonly cost: number;
}

export function nameOfListener(listener: { readonly name?: string | undefined; readonly protocol: string }): string {
  return listener.name ?? listener.protocol;
}

export function portOfListener(listener: {
  readonly port?: number | undefined;
  readonly protocol: ListenerProtocol;
}): number {
  return listener.port ?? LISTENER_PORTS[listener.protocol];
}

export function nameOfLink(link: { readonly name?: string | undefined; readonly connect: string }): string {
  return link.name ?? link.connect.replace(/^amqp:\/\/|\/$/g, '');
}

/** Splits a checked `connect` value; brackets of an IPv6 address are taken off. */
export function bindOfUrl(connect: string): Bind {
  const [, host = '', port = '0'] = CONNECT_PATTERN.exec(connect) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** The name of a service, of its checked address. */
export function nameOfService(address: string): string {
  return SERVICE_PATTERN.exec(address)?.[1] ?? '';
}

/** Splits a checked `host:port`; brackets of an IPv6 address are taken off. */
export function bindOfTcp(connect: string): Bind {
  const [, host = '', port = '0'] = TCP_PATTERN.exec(connect) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** The part of a site that a mesh node is made with. */
export function meshLimitsOf({ mesh, limits }: CompiledSite): MeshLimits {
  return {
    helloMs: mesh.helloMs,
    deadMs: mesh.deadMs,
    partitionHoldMs: mesh.partitionHoldMs,
    startHoldMs: mesh.startHoldMs,
    ingressPoolBytes: limits.ingressPoolBytes,
    retentionPoolBytes: limits.retentionPoolBytes,
    receivePoolBytes: limits.receivePoolBytes,
    linkQueueBytes: limits.linkQueueBytes,
  };
}
