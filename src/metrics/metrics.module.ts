import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { LiveConfig } from '../config/live-config';
import { VERSION } from '../config/version';
import type { MeshNode } from '../mesh/contract';
import { LinkManager } from '../runtime/link-manager';
import { LinksModule } from '../runtime/links.module';
import { ListenerManager } from '../runtime/listener-manager';
import { ListenersModule } from '../runtime/listeners.module';
import { MeshModule } from '../runtime/mesh.module';
import { MESH_NODE } from '../runtime/ports';
import { NodeState } from '../store/node-state';
import { LmdbQueueStore } from '../store/queue-store';
import { Spool } from '../store/spool';
import { LoopLag } from './loop-lag';
import { MetricsController } from './metrics.controller';
import { createNodeMetrics } from './node-metrics';
import { METRICS_REGISTRY } from './tokens';

const registry = {
  provide: METRICS_REGISTRY,
  inject: [MESH_NODE, LinkManager, ListenerManager, LoopLag, Spool, NodeState, LmdbQueueStore, LiveConfig],
  useFactory: (
    node: MeshNode,
    links: LinkManager,
    listeners: ListenerManager,
    lag: LoopLag,
    spool: Spool,
    state: NodeState,
    queues: LmdbQueueStore,
    config: LiveConfig,
  ) =>
    createNodeMetrics({
      node,
      links: () => links.rows(),
      listeners: () => listeners.rows(),
      listenerCounters: () => listeners.counters(),
      meshErrors: () => links.errors,
      lag: () => lag.samples(),
      spool: () => spool.usage,
      queues: () => node.queues.views(),
      outbox: () => node.outbox(),
      tunnels: () => node.tunnels,
      stateWrites: () => state.writes,
      queueStore: () => queues.usage,
      configChecks: () => config.checks,
      version: VERSION,
    }),
};

@Module({
  imports: [MeshModule, LinksModule, ListenersModule],
  controllers: [MetricsController],
  providers: [{ provide: LoopLag, useFactory: () => new LoopLag() }, registry],
})
export class MetricsModule implements OnApplicationShutdown {
  constructor(@Inject(LoopLag) private readonly lag: LoopLag) {}

  onApplicationShutdown(): void {
    this.lag.stop();
  }
}
