import { deadLetters } from './dead-letters';
import { type LocatedProblem, located } from './explain';
import { covers, overlaps } from './patterns';
import { type ConfigPath, formatPath } from './problems';
import type { DefaultedSite } from './schema';
import { nameOfLink, nameOfListener, nameOfService, portOfListener } from './site';
import { parseDuration } from './units';

/** What a schema cannot say: relations between values of one document. */
export function checkSemantics(site: DefaultedSite): LocatedProblem[] {
  return [
    ...duplicateNames(site),
    ...clashingPorts(site),
    ...exposedBinds(site),
    ...foreignListenerKeys(site),
    ...tcpKeys(site),
    ...repeatedServices(site),
    ...livenessTimes(site),
    ...foreignKeys(site),
    ...blockingTopics(site),
    ...ruleConflicts(site),
    ...deadLetters(site),
  ];
}

interface Named {
  readonly path: ConfigPath;
  readonly name: string;
  /** Where the name comes from when the document gives none. */
  readonly from: string | null;
}

function repeated(items: readonly Named[], what: string): LocatedProblem[] {
  const first = new Map<string, Named>();
  return items.flatMap((item) => {
    const before = first.get(item.name);
    if (!before) first.set(item.name, item);
    if (!before) return [];
    const from = item.from ?? before.from;
    const hint = from === null ? 'used before in this list' : `without a name it is ${from}: name one of them`;
    return [located(item.path, `a name no other ${what} has`, JSON.stringify(item.name), hint)];
  });
}

function duplicateNames({ listeners, mesh }: DefaultedSite): LocatedProblem[] {
  return [
    ...repeated(
      listeners.map((listener, i) => ({
        path: ['listeners', i, 'name'],
        name: nameOfListener(listener),
        from: listener.name === undefined ? 'its protocol' : null,
      })),
      'listener',
    ),
    ...repeated(
      mesh.links.map((link, i) => ({
        path: ['mesh', 'links', i, 'name'],
        name: nameOfLink(link),
        from: link.name === undefined ? 'where it connects' : null,
      })),
      'link',
    ),
  ];
}

interface Bind {
  readonly path: ConfigPath;
  readonly host: string;
  readonly port: number;
}

function binds(site: DefaultedSite): Bind[] {
  return [
    { path: ['http'], ...site.http },
    ...site.listeners.map((listener, i) => ({
      path: ['listeners', i],
      host: listener.host,
      port: portOfListener(listener),
    })),
    ...site.mesh.listen.map(({ host, port }, i) => ({ path: ['mesh', 'listen', i], host, port })),
  ];
}

const everyInterface = (host: string): boolean => host === '0.0.0.0' || host === '::';

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function clashingPorts(site: DefaultedSite): LocatedProblem[] {
  const all = binds(site);
  return all.flatMap((bind, index) => {
    if (bind.port === 0) return [];
    const clash = all
      .slice(0, index)
      .find(
        (b) => b.port === bind.port && (b.host === bind.host || everyInterface(b.host) || everyInterface(bind.host)),
      );
    if (!clash) return [];
    const other = formatPath(clash.path);
    return [located([...bind.path, 'port'], 'a port of its own', String(bind.port), `taken by ${other}`)];
  });
}

function exposedBinds(site: DefaultedSite): LocatedProblem[] {
  if (site.insecure) return [];
  return binds(site)
    .filter((bind) => !isLoopback(bind.host))
    .map((bind) =>
      located(
        [...bind.path, 'host'],
        'a loopback address, or TLS and authentication',
        JSON.stringify(bind.host),
        'insecure: true allows it on a network you trust',
      ),
    );
}

function foreignListenerKeys({ listeners }: DefaultedSite): LocatedProblem[] {
  return listeners.flatMap(({ protocol, cors }, i) =>
    cors === undefined || protocol === 'http'
      ? []
      : [located(['listeners', i, 'cors'], 'cors on listeners of protocol http only', `protocol ${protocol}`)],
  );
}

/** A port of TCP stands for a service; other ports know their addresses from what clients say. */
function tcpKeys({ listeners }: DefaultedSite): LocatedProblem[] {
  return listeners.flatMap((listener, i) => {
    const { protocol } = listener;
    if (protocol === 'tcp') {
      if (listener.address !== undefined) return [];
      const expected = "the anycast address of a TCP service, such as 'anycast/shop'";
      return [located(['listeners', i, 'address'], expected, 'nothing', 'each connection to this port goes there')];
    }
    return (['address', 'idle'] as const)
      .filter((key) => listener[key] !== undefined)
      .map((key) => located(['listeners', i, key], `${key} on listeners of protocol tcp only`, `protocol ${protocol}`));
  });
}

function repeatedServices({ services }: DefaultedSite): LocatedProblem[] {
  return services.flatMap(({ address, connect }, i) => {
    const same = services.findIndex(
      (other) => other.connect === connect && nameOfService(other.address) === nameOfService(address),
    );
    if (same === i) return [];
    return [located(['services', i], 'another address or another place', connect, `the same as services[${same}]`)];
  });
}

function livenessTimes({ mesh }: DefaultedSite): LocatedProblem[] {
  const helloMs = parseDuration(mesh.hello) ?? 0;
  const deadMs = parseDuration(mesh.dead) ?? 0;
  if (deadMs >= helloMs * 2) return [];
  const expected = `at least twice mesh.hello (${mesh.hello})`;
  return [located(['mesh', 'dead'], expected, mesh.dead, 'one late sign of life must not end a link')];
}

type Kind = DefaultedSite['addresses'][number]['kind'];

/** On topics these are about each of their durable subscriptions. */
const OF_SUBSCRIPTIONS: readonly Kind[] = ['queue', 'topic'];

const KINDS_OF_KEY = {
  ack: ['multicast'],
  ackTimeout: ['multicast'],
  slow: ['topic'],
  blockFor: ['topic'],
  noSubscriber: ['topic'],
  overflowAt: ['anycast'],
  home: ['queue'],
  custody: ['queue'],
  maxDepth: OF_SUBSCRIPTIONS,
  overLimit: OF_SUBSCRIPTIONS,
  maxBytes: OF_SUBSCRIPTIONS,
  ttl: OF_SUBSCRIPTIONS,
  maxDeliveries: OF_SUBSCRIPTIONS,
  retry: OF_SUBSCRIPTIONS,
  deadLetter: OF_SUBSCRIPTIONS,
  duplicateWindow: ['queue'],
  exclusive: ['queue'],
  locality: ['queue'],
} as const satisfies Partial<Record<keyof DefaultedSite['addresses'][number], readonly Kind[]>>;

function foreignKeys({ addresses }: DefaultedSite): LocatedProblem[] {
  return addresses.flatMap((rule, i) =>
    Object.entries<readonly Kind[]>(KINDS_OF_KEY)
      .filter(([key, kinds]) => rule[key as keyof typeof KINDS_OF_KEY] !== undefined && !kinds.includes(rule.kind))
      .map(([key, kinds]) =>
        located(['addresses', i, key], `${key} on rules of kind ${kinds.join(' or ')} only`, `kind ${rule.kind}`),
      ),
  );
}

/** Whoever publishes on a topic is held up by none of its durable subscriptions. */
function blockingTopics({ addresses }: DefaultedSite): LocatedProblem[] {
  return addresses.flatMap(({ kind, overLimit }, i) => {
    if (kind !== 'topic' || overLimit !== 'block') return [];
    const hint = 'one durable subscription that nobody reads would stop all who publish';
    return [
      located(['addresses', i, 'overLimit'], 'one of reject, dropOldest on rules of kind topic', '"block"', hint),
    ];
  });
}

/** Same pattern twice, or two patterns of different kinds that meet with neither the more specific one. */
function ruleConflicts({ addresses }: DefaultedSite): LocatedProblem[] {
  const first = new Map<string, number>();
  return addresses.flatMap((rule, i) => {
    const path = ['addresses', i, 'match'];
    const same = first.get(rule.match);
    if (same !== undefined)
      return [located(path, 'one rule per pattern', JSON.stringify(rule.match), `see addresses[${same}]`)];
    first.set(rule.match, i);
    const rival = addresses.findIndex(
      (other, j) => j < i && other.kind !== rule.kind && ambiguous(other.match, rule.match),
    );
    if (rival < 0) return [];
    const { match, kind } = addresses[rival] ?? rule;
    const expected = `a pattern that is more specific than addresses[${rival}] (${match}, ${kind}), or apart from it`;
    return [located(path, expected, `${JSON.stringify(rule.match)}, ${rule.kind}`)];
  });
}

function ambiguous(a: string, b: string): boolean {
  const [x = '', y = ''] = [a.split('.', 1)[0], b.split('.', 1)[0]];
  if (x !== y && !/^[*#]$/.test(x) && !/^[*#]$/.test(y)) return false;
  return overlaps(a, b) && !covers(a, b) && !covers(b, a);
}
