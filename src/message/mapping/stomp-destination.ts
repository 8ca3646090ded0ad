const KIND = /^\/(topic|queue|anycast|multicast)\//;
const PREFIX = /^(topic|queue|anycast|multicast)(?::\/\/|\/)/;

/** The address that a destination of STOMP means: `/topic/a.b` is `topic/a.b`, all else is what it is. */
export function addressOfDestination(destination: string): string {
  return KIND.test(destination) ? destination.slice(1) : destination;
}

/** The destination of an address: `topic/a.b` and `topic://a.b` are `/topic/a.b`, a plain one is what it is. */
export function destinationOfAddress(address: string): string {
  return address.replace(PREFIX, '/$1/');
}
