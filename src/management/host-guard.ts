import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { isLoopback } from '../config/semantics';
import type { CompiledSite } from '../config/site';

/** Decides by its Host header whether a request was meant for this node. */
export type HostGuard = (header: string | undefined) => boolean;

/**
 * A web page can lead the browser that shows it to us under the page's own name (DNS rebinding), and then read what we answer.
 * That name is public and has dots, so a node answers to others only. A request without a name comes from no browser.
 */
export function hostGuard(isOurs: (host: string) => boolean, names: readonly string[]): HostGuard {
  const known = new Set(names.map((name) => name.toLowerCase()));
  return (header) => {
    if (header === undefined || header === '') return true;
    const host = hostOf(header);
    return isOurs(host) || known.has(host);
  };
}

/** The guard of one bind of a node, and what its names are in a word. */
export function siteHostGuard(
  host: string,
  { http, site, node }: Pick<CompiledSite, 'http' | 'site' | 'node'>,
): { readonly isOurs: HostGuard; readonly answersTo: string } {
  const loopback = isLoopback(host);
  const machine = hostname();
  const own = loopback ? [] : [host, site, node, machine, `${machine}.local`];
  return {
    isOurs: hostGuard(loopback ? isLoopbackName : isPrivateName, [...http.names, ...own]),
    answersTo: loopback ? 'loopback' : 'addresses and private names',
  };
}

/** For a node that is bound to loopback: this machine as it calls itself. */
export function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Names that public DNS does not give: of this machine, of Kubernetes services, of private networks (ICANN keeps `internal` for them). */
const PRIVATE_SUFFIX = /\.(?:localhost|svc|svc\.cluster\.local|internal)$/;

/** For a node that is bound to more than loopback: an address, a name of one word as containers and hosts have, or a private name. */
export function isPrivateName(host: string): boolean {
  return isIP(host) !== 0 || /^[\w-]+$/.test(host) || PRIVATE_SUFFIX.test(host);
}

function hostOf(header: string): string {
  const name = header.toLowerCase();
  const address = /^\[([^\]]*)\](?::\d+)?$/.exec(name);
  return address?.[1] ?? name.replace(/:\d*$/, '').replace(/\.$/, '');
}
