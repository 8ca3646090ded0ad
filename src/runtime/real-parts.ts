import { anonymousServer, plainServer } from '../amqp/sasl/mechanisms';
import { AmqpWire } from '../links/amqp-wire';
import { AmqpEdge } from '../listeners/amqp/amqp-edge';
import { ClientBudget } from '../listeners/edge/client-budget';
import { Deadlines } from '../listeners/edge/deadlines';
import { EdgeListener } from '../listeners/edge/edge-listener';
import type { EdgeProtocol } from '../listeners/edge/edge-protocol';
import type { HttpEdgeOptions } from '../listeners/http/http-options';
import { HttpListener } from '../listeners/http/http-listener';
import { HttpService } from '../listeners/http/http-service';
import { siteHostGuard } from '../management/host-guard';
import { MqttEdge } from '../listeners/mqtt/mqtt-edge';
import { StompEdge } from '../listeners/stomp/stomp-edge';
import { ServiceConnector } from '../listeners/tcp/service-connector';
import { TcpServiceListener } from '../listeners/tcp/tcp-listener';
import { HeldBytes } from '../listeners/tcp/tunnel-pipe';
import { createMeshNode } from '../mesh/mesh-node';
import type { ListenerSpec } from '../config/site';
import { VERSION } from '../config/version';
import type { NodeParts } from './node-parts';

/** A client that says nothing for this long is gone; it is asked to say something in half of it. */
const CLIENT_IDLE_MS = 60_000;

/** The parts of a real node: mesh, links over AMQP, listeners. */
export const REAL_PARTS: NodeParts = {
  createNode: createMeshNode,
  createWire: (node, { journal, connections }) => new AmqpWire({ owner: node, queue: connections, journal }),
  createListeners: (addresses, { site, journal, connections, clients }, tunnels) => {
    // Until the document has users every client on loopback is let in, whatever it calls itself.
    const budget = new ClientBudget(site.limits.connections);
    const { messageBytes: messageBytesMax } = site.limits;
    const mechanisms = [anonymousServer(), plainServer((_user, _password, done) => done(true))];
    const amqp = new AmqpEdge({
      addresses,
      containerId: site.node,
      queue: connections,
      mechanisms,
      saslOptional: true,
      budget,
      messageBytesMax,
      idleTimeOutMs: CLIENT_IDLE_MS,
    });
    const deadlines = new Deadlines();
    const shared = { addresses, queue: connections, budget, deadlines, messageBytesMax };
    const stomp = new StompEdge({ ...shared, server: `fairlead/${VERSION}` });
    const mqtt = new MqttEdge({ ...shared, space: clients, version: VERSION });
    // By the word that the site document has for each.
    const protocols: Readonly<Record<Exclude<ListenerSpec['protocol'], 'http' | 'tcp'>, EdgeProtocol>> = {
      amqp,
      mqtt,
      stomp,
    };
    const http: HttpEdgeOptions = { ...shared, protocols: Object.values(protocols), journal };
    const service = new HttpService(http);
    const tcp = { tunnels, budget, deadlines, held: new HeldBytes(), journal };
    return (spec) => {
      if (spec.protocol === 'tcp') return new TcpServiceListener(spec, tcp);
      if (spec.protocol !== 'http')
        return new EdgeListener(spec, { protocol: protocols[spec.protocol], budget, journal });
      const { host, port, origins } = spec;
      return new HttpListener(
        { host, port, rule: { isOurs: siteHostGuard(host, site).isOurs, origins } },
        http,
        service,
      );
    };
  },
  createServices: (tunnels, journal) => {
    const options = { tunnels, deadlines: new Deadlines(), held: new HeldBytes(), journal };
    return (spec) => new ServiceConnector(spec, options);
  },
};
