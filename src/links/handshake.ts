import { nodeIdOf, type NodeIdentity, type PeerHello } from './contract';
import { LinkRefusedError } from './errors';
import { COST_MAX, COST_MIN, NAME_BYTES_MAX, PROTOCOL_MAX, PROTOCOL_MIN } from './limits';

/** What both ends agreed on when the connection was opened. */
export interface Agreement {
  readonly peer: NodeIdentity;
  readonly protocol: number;
  readonly linkName: string;
  readonly cost: number;
}

function isName(text: string): boolean {
  return text !== '' && Buffer.byteLength(text) <= NAME_BYTES_MAX;
}

export function isCost(cost: number): boolean {
  return Number.isInteger(cost) && cost >= COST_MIN && cost <= COST_MAX;
}

/**
 * Judges a neighbour's hello.
 * @throws LinkRefusedError
 */
export function agree(self: NodeIdentity, hello: PeerHello): Agreement {
  for (const name of [hello.node, hello.site, hello.link]) {
    if (!isName(name)) throw new LinkRefusedError('FL_LINK_HELLO', `a name of 1 to ${NAME_BYTES_MAX} bytes is needed`);
  }
  if (!isCost(hello.cost)) throw new LinkRefusedError('FL_LINK_HELLO', `cost ${hello.cost} is not in 1 to 2^24`);
  if (!Number.isSafeInteger(hello.incarnation) || hello.incarnation < 1)
    throw new LinkRefusedError('FL_LINK_HELLO', `incarnation ${hello.incarnation} is not a positive integer`);
  const id = nodeIdOf(hello.node);
  if (hello.node === self.name) refuseOwnName(self, hello);
  if (id === self.id) {
    const message = `node names '${hello.node}' and '${self.name}' have the same hash: rename one of them`;
    throw new LinkRefusedError('FL_LINK_NAME_HASH', message);
  }
  const protocol = Math.min(PROTOCOL_MAX, hello.protocolMax);
  if (!(protocol >= Math.max(PROTOCOL_MIN, hello.protocolMin))) {
    const theirs = `${hello.protocolMin} to ${hello.protocolMax}`;
    const message = `node '${hello.node}' speaks mesh protocol ${theirs}, this one ${PROTOCOL_MIN} to ${PROTOCOL_MAX}`;
    throw new LinkRefusedError('FL_LINK_PROTOCOL', message);
  }
  const peer = { id, name: hello.node, site: hello.site, incarnation: hello.incarnation };
  return { peer, protocol, linkName: hello.link, cost: hello.cost };
}

function refuseOwnName(self: NodeIdentity, hello: PeerHello): never {
  if (hello.incarnation === self.incarnation)
    throw new LinkRefusedError('FL_LINK_SELF', `link '${hello.link}' leads back to this node '${self.name}'`);
  const message = `link '${hello.link}' leads to another process named '${self.name}', site '${hello.site}'`;
  throw new LinkRefusedError('FL_LINK_DUPLICATE_NAME', message);
}
