import { Module } from '@nestjs/common';
import type { Journal } from '../common/ports';
import { JOURNAL } from '../config/config.module';
import { LiveConfig } from '../config/live-config';
import type { MeshNode } from '../mesh/contract';
import { ListenerManager } from './listener-manager';
import { MeshModule } from './mesh.module';
import { NODE_PARTS, type NodeParts } from './node-parts';
import { LISTENER_FACTORY, type ListenerFactory, MESH_NODE, SERVICE_FACTORY, type ServiceFactory } from './ports';
import { ServiceManager } from './service-manager';
import { TurnScheduler } from './turn-scheduler';

const factory = {
  provide: LISTENER_FACTORY,
  inject: [MESH_NODE, NODE_PARTS, LiveConfig, JOURNAL, TurnScheduler],
  useFactory: (
    node: MeshNode,
    parts: NodeParts,
    { site }: LiveConfig,
    journal: Journal,
    { connections }: TurnScheduler,
  ) => parts.createListeners(node.addresses, { site, journal, connections, clients: node.clients }, node.tunnels),
};

const manager = {
  provide: ListenerManager,
  inject: [LISTENER_FACTORY],
  useFactory: (listeners: ListenerFactory) => new ListenerManager(listeners),
};

const serviceFactory = {
  provide: SERVICE_FACTORY,
  inject: [MESH_NODE, NODE_PARTS, JOURNAL],
  useFactory: (node: MeshNode, parts: NodeParts, journal: Journal) => parts.createServices(node.tunnels, journal),
};

const services = {
  provide: ServiceManager,
  inject: [SERVICE_FACTORY],
  useFactory: (offer: ServiceFactory) => new ServiceManager(offer),
};

@Module({
  imports: [MeshModule],
  providers: [factory, manager, serviceFactory, services],
  exports: [ListenerManager, ServiceManager],
})
export class ListenersModule {}
