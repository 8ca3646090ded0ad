import { anonymousServer, plainServer } from '../amqp/sasl/mechanisms';
import { AmqpWire } from '../links/amqp-wire';
import { AmqpListener } from '../listeners/amqp/amqp-listener';
import { ClientBudget } from '../listeners/amqp/client-budget';
import { createMeshNode } from '../mesh/mesh-node';
import type { NodeParts } from './node-parts';

/** A client that says nothing for this long is gone; it is asked to say something in half of it. */
const CLIENT_IDLE_MS = 60_000;

/** The parts of a real node: mesh, links over AMQP, listeners. */
export const REAL_PARTS: NodeParts = {
  createNode: createMeshNode,
  createWire: (node, { journal, connections }) => new AmqpWire({ owner: node, queue: connections, journal }),
  createListeners: (addresses, { site, journal, connections }) => {
    // Until the document has users every client on loopback is let in, whatever it calls itself.
    const budget = new ClientBudget(site.limits.connections);
    const mechanisms = [anonymousServer(), plainServer((_user, _password, done) => done(true))];
    return (spec) =>
      new AmqpListener(spec, {
        addresses,
        containerId: site.node,
        queue: connections,
        journal,
        mechanisms,
        saslOptional: true,
        budget,
        messageBytesMax: site.limits.messageBytes,
        idleTimeOutMs: CLIENT_IDLE_MS,
      });
  },
};
