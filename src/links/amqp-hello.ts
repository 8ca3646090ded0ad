import { crc32 } from '../common/crc32';
import type { Open } from '../amqp/codec/types';
import { AmqpMap, AmqpTyped, symbolMap } from '../amqp/codec/values';
import type { NodeIdentity, PeerHello } from './contract';
import { LinkRefusedError } from './errors';
import { PROTOCOL_MAX, PROTOCOL_MIN } from './limits';

/** Capability by which a connection asks to be a link between nodes. */
export const NODE_CAPABILITY = 'fairlead:node';

/** What a node says of itself and of a link in its open (properties with symbol keys). */
export function helloProperties(self: NodeIdentity, link: string, cost: number): AmqpMap {
  const { name: node, site, incarnation } = self;
  const hello = { node, site, incarnation, protocolMin: PROTOCOL_MIN, protocolMax: PROTOCOL_MAX, link, cost };
  return symbolMap({
    node,
    site,
    incarnation: new AmqpTyped('ulong', incarnation),
    'protocol-min': new AmqpTyped('uint', PROTOCOL_MIN),
    'protocol-max': new AmqpTyped('uint', PROTOCOL_MAX),
    link,
    cost: new AmqpTyped('uint', cost),
    [CHECKSUM]: new AmqpTyped('uint', checksumOf(hello)),
  });
}

/** An open is under no frame's checksum (docs/decisions/0004), so what it says of a node has its own. */
const CHECKSUM = 'crc';

function checksumOf({ node, site, incarnation, protocolMin, protocolMax, link, cost }: PeerHello): number {
  return crc32(JSON.stringify([node, site, incarnation, protocolMin, protocolMax, link, cost]));
}

/** What a person did who meets no node: connected a client to a mesh port, or dialled a port that is none. */
const NO_NODE = {
  accepted: 'this port is for links between nodes; clients connect to a listener',
  dialled:
    'no mesh port answers there: connect to what the other node names in mesh.listen, not to a listener of clients',
};

/** Reads a neighbour's open. @throws LinkRefusedError when it is no node's */
export function readHello(open: Open, dialled: boolean): PeerHello {
  const capabilities = [...open.desiredCapabilities, ...open.offeredCapabilities];
  if (!capabilities.includes(NODE_CAPABILITY))
    throw new LinkRefusedError('FL_LINK_HELLO', dialled ? NO_NODE.dialled : NO_NODE.accepted);
  const properties = open.properties ?? new AmqpMap();
  const hello = {
    node: text(properties, 'node'),
    site: text(properties, 'site'),
    incarnation: number(properties, 'incarnation'),
    protocolMin: number(properties, 'protocol-min'),
    protocolMax: number(properties, 'protocol-max'),
    link: text(properties, 'link'),
    cost: number(properties, 'cost'),
  };
  // Whoever has none is believed: a damaged byte that hides it has left the rest as it was.
  if (properties.named(CHECKSUM) !== undefined && number(properties, CHECKSUM) !== checksumOf(hello))
    throw new LinkRefusedError('FL_LINK_HELLO', 'the open arrived damaged: its checksum is wrong');
  return hello;
}

function text(properties: AmqpMap, name: string): string {
  const value = properties.named(name);
  if (typeof value === 'string') return value;
  throw new LinkRefusedError('FL_LINK_HELLO', `property ${name} of the open is missing or no string`);
}

function number(properties: AmqpMap, name: string): number {
  const value = properties.named(name);
  const plain = value instanceof AmqpTyped ? value.value : value;
  if (typeof plain === 'number') return plain;
  throw new LinkRefusedError('FL_LINK_HELLO', `property ${name} of the open is missing or no number`);
}
